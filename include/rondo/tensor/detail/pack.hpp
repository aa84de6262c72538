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
[[nodiscard]] inline std::size_t total(std::span<const std::size_t> counts) {
  std::size_t sum = 0;
  for (const std::size_t count : counts) {
    sum += count;
  }
  return sum;
}

/// Some rows and some columns, one behind the other.
struct rectangle {
  part rows, columns;
  template <class T>
  [[nodiscard]] matrix<T> of(matrix<T> whole) const {
    return whole.rows_at(rows).columns_at(columns);
  }
};

/// Calls `act(there, here)` for every run of columns of `at_once` rows at a time: where they are in
/// a matrix, and in one that has these rows and columns alone.
template <class Act>
void for_each_rectangle(std::size_t at_once, std::span<const part> rows,
                        std::span<const part> columns, const Act& act) {
  std::size_t row = 0;
  for (const part run : rows) {
    for (std::size_t done = 0; done < run.count; done += at_once) {
      const part down{run.first + done, (std::min)(at_once, run.count - done)};
      std::size_t column = 0;
      for (const part across : columns) {
        act(rectangle{down, across}, rectangle{{row, down.count}, {column, across.count}});
        column += across.count;
      }
      row += down.count;
    }
  }
}

/// Copies some rows and columns onto a matrix of their shape.
template <class Memory, class T>
void slice(const Memory& memory, matrix<const T> from, std::span<const part> rows,
           std::span<const part> columns, matrix<T> to) {
  for_each_rectangle(Memory::rows_at_once, rows, columns,
                     [&](const rectangle& there, const rectangle& here) {
                       memory.copy(there.of(from), here.of(to));
                     });
}

/// The same to memory without gaps; returns where the next one goes.
template <class Memory, class T>
T* pack(const Memory& memory, matrix<const T> from, std::span<const part> rows,
        std::span<const part> columns, T* to) {
  const matrix<T> packed{to, total(rows), total(columns)};
  slice(memory, from, rows, columns, packed);
  return to + packed.elements();
}

/// Copies from memory without gaps onto some rows and columns; returns where the next ones begin.
template <class Memory, class T>
const T* unpack(const Memory& memory, const T* from, matrix<T> to, std::span<const part> rows,
                std::span<const part> columns) {
  const matrix<const T> packed{from, total(rows), total(columns)};
  for_each_rectangle(Memory::rows_at_once, rows, columns,
                     [&](const rectangle& there, const rectangle& here) {
                       memory.copy(here.of(packed), there.of(to));
                     });
  return from + packed.elements();
}

}  // namespace rondo::inline v0_1::detail
