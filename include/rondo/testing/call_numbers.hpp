// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/threads/communicator.hpp>
#include <rondo/version.hpp>

#include <cstdint>

namespace rondo::inline v0_1::testing {

/// Sets where a communicator counts its calls from, to test what happens after four billion.
struct call_numbers {
  /// Every rank calls it, between calls, with the same number: that of the next call.
  static void begin_at(threads::communicator& comm, std::uint32_t next) {
    comm.mine_.number = next - 1;
  }
};

}  // namespace rondo::inline v0_1::testing
