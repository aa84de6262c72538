// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/partition.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

/// Blocks of a matrix, given by runs of rows and of columns, to and from memory without gaps.
namespace rondo::inline v0_1::detail {

[[nodiscard]] inline std::size_t total(std::span<const part> runs) {
  std::size_t sum = 0;
  for (const part run : runs) {
    sum += run.count;
  }
  return sum;
}

/// Calls `act(row, columns)` for every run of every row, in memory order.
template <class Act>
void for_each_run(std::span<const part> rows, std::span<const part> columns, const Act& act) {
  for (const part down : rows) {
    for (std::size_t row = down.first; row < down.first + down.count; ++row) {
      for (const part across : columns) {
        act(row, across);
      }
    }
  }
}

/// Copies a block into `to`; returns where the next one goes.
template <class T>
T* pack(matrix<const T> from, std::span<const part> rows, std::span<const part> columns, T* to) {
  for_each_run(rows, columns, [&](std::size_t row, part across) {
    to = std::copy_n(&from(row, across.first), across.count, to);
  });
  return to;
}

/// Copies `from` into a block; returns where the next one begins.
template <class T>
const T* unpack(const T* from, matrix<T> to, std::span<const part> rows,
                std::span<const part> columns) {
  for_each_run(rows, columns, [&](std::size_t row, part across) {
    std::copy_n(from, across.count, &to(row, across.first));
    from += across.count;
  });
  return from;
}

/// Copies all of a matrix onto another of its shape.
template <class T>
void copy(matrix<const T> from, matrix<T> to) {
  if (from.data == to.data && from.stride == to.stride) {
    return;
  }
  for (std::size_t row = 0; row < from.rows; ++row) {
    std::copy_n(from.row(row).data(), from.columns, to.row(row).data());
  }
}

}  // namespace rondo::inline v0_1::detail
