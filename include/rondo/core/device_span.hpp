// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1 {

/// Elements in memory of a GPU: a pointer and a count, not looked at by the host. Apart from
/// `std::span`, so that no collective mistakes device memory for host memory.
template <class T>
class device_span {
 public:
  using element_type = T;
  using value_type = std::remove_cv_t<T>;

  constexpr device_span() = default;
  RONDO_HOST_DEVICE constexpr device_span(T* data, std::size_t size) : data_{data}, size_{size} {}
  /// A span of what may be written is one of what may be read.
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<U, std::remove_const_t<T>>) RONDO_HOST_DEVICE
      constexpr device_span(const device_span<U>& of)
      : data_{of.data()}, size_{of.size()} {}

  [[nodiscard]] RONDO_HOST_DEVICE constexpr T* data() const noexcept { return data_; }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t size() const noexcept { return size_; }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t size_bytes() const noexcept {
    return size_ * sizeof(T);
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool empty() const noexcept { return size_ == 0; }
  /// Elements `first` .. `first + count - 1`, which must exist.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr device_span subspan(std::size_t first,
                                                                std::size_t count) const {
    return {data_ + first, count};
  }

 private:
  T* data_ = nullptr;
  std::size_t size_ = 0;
};

/// True of every `device_span`.
template <class Range>
inline constexpr bool is_device_span = false;
template <class T>
inline constexpr bool is_device_span<device_span<T>> = true;

}  // namespace rondo::inline v0_1
