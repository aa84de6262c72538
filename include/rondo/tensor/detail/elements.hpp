// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>

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
  memory.each(to.rows, to.columns, add_elements<W>{from, to});
}

}  // namespace rondo::inline v0_1::detail
