// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/cuda/require.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>

/// Memory that host and device see, zeroed; the host while no kernel runs.
template <class T>
class shared_array {
 public:
  explicit shared_array(std::size_t count) {
    rondo::cuda::require(cudaMallocManaged(&data_, count * sizeof(T)), "cudaMallocManaged");
    for (std::size_t i = 0; i < count; ++i) {
      data_[i] = T{};
    }
  }
  shared_array(const shared_array&) = delete;
  shared_array& operator=(const shared_array&) = delete;
  ~shared_array() { static_cast<void>(cudaFree(data_)); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
};
