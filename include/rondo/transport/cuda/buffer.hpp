// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/device_span.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// Elements on the device that was current when it was made; not looked at by the host. Its room
/// grows and never shrinks, and what it held is gone when it grows. Memory that has grown too small
/// stays until the end, as work may still use it, and to free it would wait for that; growth at
/// least doubles, so that is no more than once again the size.
template <class T>
class buffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);
  using value_type = T;

  buffer() = default;
  /// Errors: no memory.
  explicit buffer(std::size_t count) { resize(count); }
  buffer(buffer&& other) noexcept
      : data_{std::exchange(other.data_, nullptr)},
        size_{std::exchange(other.size_, 0)},
        capacity_{std::exchange(other.capacity_, 0)},
        outgrown_{std::move(other.outgrown_)} {}
  buffer& operator=(buffer&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    std::swap(outgrown_, other.outgrown_);
    return *this;
  }
  /// Waits for work that may still use it, as cudaFree does.
  ~buffer() {
    for (T* const block : outgrown_) {
      static_cast<void>(cudaFree(block));
    }
    if (data_ != nullptr) {
      static_cast<void>(cudaFree(data_));
    }
  }

  /// Allocates where there is less room, which ends the capture of a stream.
  void resize(std::size_t count) {
    if (count > capacity_) {
      const std::size_t room = larger(count, 2 * capacity_);
      void* made = nullptr;
      require(cudaMalloc(&made, room * sizeof(T)), "cudaMalloc");
      if (data_ != nullptr) {
        outgrown_.push_back(data_);
      }
      data_ = static_cast<T*>(made);
      capacity_ = room;
    }
    size_ = count;
  }

  [[nodiscard]] T* data() noexcept { return data_; }
  [[nodiscard]] const T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] device_span<T> span() noexcept { return {data_, size_}; }
  [[nodiscard]] device_span<const T> span() const noexcept { return {data_, size_}; }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t capacity_ = 0;
  std::vector<T*> outgrown_{};
};

}  // namespace rondo::inline v0_1::cuda
