// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/cuda/detail/mark.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <utility>
#include <vector>

namespace rondo::inline v0_1::cuda::detail {

/// The stream on which the user's kernels compute, one of its own for calls that go on meanwhile,
/// and the points in each for which the other waits.
class two_streams : public rondo::detail::counted_owner {
 public:
  explicit two_streams(cudaStream_t compute) : compute_{compute} {
    require(cudaStreamCreateWithFlags(&behind_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  two_streams(const two_streams&) = delete;
  two_streams& operator=(const two_streams&) = delete;
  ~two_streams() { static_cast<void>(cudaStreamDestroy(behind_)); }

  [[nodiscard]] cudaStream_t compute() const noexcept { return compute_; }
  [[nodiscard]] cudaStream_t behind() const noexcept { return behind_; }

  /// What is enqueued behind from now on waits for what has been enqueued to be computed.
  void fork() const {
    computed_.set(compute_);
    computed_.hold_back(behind_);
  }
  /// Marks what has been enqueued behind.
  [[nodiscard]] rondo::detail::shared<mark> mark_behind() {
    rondo::detail::shared<mark> made;
    if (spare_.empty()) {
      made = rondo::detail::shared{new mark{}};
    } else {
      made = std::move(spare_.back());
      spare_.pop_back();
    }
    made->set(behind_);
    return made;
  }
  /// What is enqueued to be computed from now on waits for the mark.
  [[nodiscard]] cudaError_t join(rondo::detail::shared<mark> done) {
    const cudaError_t result = done->try_to_hold_back(compute_);
    spare_.push_back(std::move(done));
    return result;
  }

 private:
  cudaStream_t compute_;
  cudaStream_t behind_ = nullptr;
  mark computed_{};
  std::vector<rondo::detail::shared<mark>> spare_{};
};

}  // namespace rondo::inline v0_1::cuda::detail
