// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>

RONDO_INDEPENDENT_LOOPS_BEGIN

/// What layers do themselves to elements of matrices, in memory of the host or of a GPU: bodies for
/// `memory.each(rows, columns, body)`.
namespace rondo::inline v0_1::detail {

template <class W>
struct fill_elements {
  matrix<W> at;
  W value;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t column) const {
    at(row, column) = value;
  }
};
template <class Memory, class W>
void fill(const Memory& memory, matrix<W> at, W value) {
  if constexpr (Memory::on_device) {
    memory.each(at.rows, at.columns, fill_elements<W>{at, value});
  } else {
    for (std::size_t row = 0; row < at.rows; ++row) {
      std::fill_n(at.row(row).data(), at.columns, value);
    }
  }
}

/// sum[i] += more[i], by the host.
template <class T>
void add_to(T* sum, const T* more, std::size_t count) {
  vectorized([=]() RONDO_INLINE_BODY {
    RONDO_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) {
      sum[i] = static_cast<T>(sum[i] + more[i]);
    }
  });
}

template <class W>
struct add_elements {
  matrix<const W> from;
  matrix<W> to;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t column) const {
    to(row, column) = static_cast<W>(to(row, column) + from(row, column));
  }
};
template <class Memory, class W>
void add(const Memory& memory, matrix<const W> from, matrix<W> to) {
  if constexpr (Memory::on_device) {
    memory.each(to.rows, to.columns, add_elements<W>{from, to});
  } else {
    for (std::size_t row = 0; row < to.rows; ++row) {
      add_to(to.row(row).data(), from.row(row).data(), to.columns);
    }
  }
}

}  // namespace rondo::inline v0_1::detail

RONDO_INDEPENDENT_LOOPS_END
