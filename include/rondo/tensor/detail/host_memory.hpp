// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/matrix.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

/// What layers do with memory themselves. Ranks that are GPUs bring their own, `layer_ranks`'s.
namespace rondo::inline v0_1::detail {

/// Memory of the host: where the matrices of all other ranks are.
struct host_memory {
  static constexpr bool on_device = false;
  /// How many rows of a run of columns are copied before those of the next: with 64 runs of 4
  /// floats in rows of 1024, all rows at once took 2.7 times as long (Zen 5, GCC 12, 2026-11-27).
  static constexpr std::size_t rows_at_once = 1;
  /// Over how many calls of an `each` the columns of a row are dealt, where the call goes through
  /// them itself.
  static constexpr std::size_t lanes = 1;
  /// A block that grows to the largest request.
  using block = arena;
  [[nodiscard]] static block make_block() { return {}; }
  /// Elements in this memory.
  template <class T>
  using array = std::vector<T>;
  /// A block in memory of the host, to and from which elements are copied.
  using host_block = arena;

  template <class T>
  static void to_host(const T* from, T* to, std::size_t count) {
    std::copy_n(from, count, to);
  }
  template <class T>
  static void from_host(const T* from, T* to, std::size_t count) {
    std::copy_n(from, count, to);
  }

  /// Copies all of a matrix onto another of its shape.
  template <class T>
  static void copy(matrix<const T> from, matrix<T> to) {
    if (from.data == to.data && from.stride == to.stride) {
      return;
    }
    for (std::size_t row = 0; row < from.rows; ++row) {
      std::copy_n(from.row(row).data(), from.columns, to.row(row).data());
    }
  }

  /// body(row, column) for each of rows * columns.
  template <class Body>
  static void each(std::size_t rows, std::size_t columns, const Body& body) {
    for (std::size_t row = 0; row < rows; ++row) {
      for (std::size_t column = 0; column < columns; ++column) {
        body(row, column);
      }
    }
  }
};

/// The memory in which the matrices of these ranks are.
template <class Comm>
[[nodiscard]] auto memory_of(const Comm& comm) {
  if constexpr (requires { comm.memory(); }) {
    return comm.memory();
  } else {
    static_assert(!takes_device_memory<Comm>,
                  "rondo: these ranks are GPUs; layers and convert take them with a stream, as "
                  "layer_ranks{comm, on{stream}} of rondo/tensor/cuda/layer_ranks.hpp");
    return host_memory{};
  }
}

}  // namespace rondo::inline v0_1::detail
