// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <algorithm>
#include <vector>

namespace rondo::inline v0_1::nccl::detail {

/// The groups that are open of a communicator and of all that were split from it. NCCL has one
/// group for a thread, whatever communicator it was opened by, and does not tell of it.
class open_groups {
 public:
  void open() const { of_this_thread().push_back(this); }
  void close() const {
    auto& all = of_this_thread();
    all.erase(std::find(all.begin(), all.end(), this));
  }
  /// Whether the calling thread is in one.
  [[nodiscard]] bool here() const {
    const auto& all = of_this_thread();
    return std::find(all.begin(), all.end(), this) != all.end();
  }

 private:
  [[nodiscard]] static std::vector<const open_groups*>& of_this_thread() {
    thread_local std::vector<const open_groups*> all;
    return all;
  }
};

}  // namespace rondo::inline v0_1::nccl::detail
