// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

namespace rondo::inline v0_1 {

/// A view of the caller's memory: rows (tokens) of columns (features), each row `stride` elements
/// after the one before.
template <class T>
struct matrix {
  using element = std::remove_const_t<T>;

  T* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::size_t stride = 0;

  constexpr matrix() = default;
  RONDO_HOST_DEVICE constexpr matrix(T* at, std::size_t rows_, std::size_t columns_)
      : matrix(at, rows_, columns_, columns_) {}
  RONDO_HOST_DEVICE constexpr matrix(T* at, std::size_t rows_, std::size_t columns_,
                                     std::size_t stride_)
      : data{at}, rows{rows_}, columns{columns_}, stride{stride_} {}
  /// A view of what may be written is one of what may be read.
  template <class U>
  requires(std::is_const_v<T>&& std::is_same_v<U, element>) RONDO_HOST_DEVICE
      constexpr matrix(const matrix<U>& of)
      : matrix(of.data, of.rows, of.columns, of.stride) {}

  [[nodiscard]] RONDO_HOST_DEVICE constexpr T& operator()(std::size_t row,
                                                          std::size_t column) const {
    return data[row * stride + column];
  }
  [[nodiscard]] constexpr std::span<T> row(std::size_t index) const {
    return {data + index * stride, columns};
  }
  /// Some of the rows, or of the columns, which must exist.
  [[nodiscard]] RONDO_HOST_DEVICE constexpr matrix rows_at(part some) const {
    return {data + some.first * stride, some.count, columns, stride};
  }
  [[nodiscard]] RONDO_HOST_DEVICE constexpr matrix columns_at(part some) const {
    return {data + some.first, rows, some.count, stride};
  }

  [[nodiscard]] constexpr std::size_t elements() const { return rows * columns; }
  /// True where the rows lie one behind the other without a gap.
  [[nodiscard]] constexpr bool contiguous() const { return stride == columns || rows <= 1; }
  /// All elements, of a contiguous matrix.
  [[nodiscard]] constexpr std::span<T> values() const { return {data, elements()}; }
};

template <class T>
matrix(T*, std::size_t, std::size_t) -> matrix<T>;
template <class T>
matrix(T*, std::size_t, std::size_t, std::size_t) -> matrix<T>;

}  // namespace rondo::inline v0_1
