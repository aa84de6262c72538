// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/report.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

namespace rondo::inline v0_1::cuda::detail {

/// One report per rank, in memory of the host that kernels write.
class host_reports {
 public:
  explicit host_reports(int ranks) : ranks_{ranks} {
    void* data = nullptr;
    const std::size_t bytes = static_cast<std::size_t>(ranks) * sizeof(device::report);
    require(cudaHostAlloc(&data, bytes, cudaHostAllocMapped | cudaHostAllocPortable),
            "cudaHostAlloc");
    std::memset(data, 0, bytes);
    at_ = static_cast<device::report*>(data);
  }
  host_reports(host_reports&& other) noexcept
      : at_{std::exchange(other.at_, nullptr)}, ranks_{other.ranks_} {}
  host_reports& operator=(host_reports&&) = delete;
  ~host_reports() {
    if (at_ != nullptr) {
      static_cast<void>(cudaFreeHost(at_));
    }
  }

  /// Pinned memory has one address for host and devices.
  [[nodiscard]] device::report* data() const noexcept { return at_; }
  /// Errors: what a kernel has reported.
  void check(std::uint64_t patience_ns) const { device::raise_if_any(at_, ranks_, patience_ns); }

 private:
  device::report* at_ = nullptr;
  int ranks_;
};

}  // namespace rondo::inline v0_1::cuda::detail
