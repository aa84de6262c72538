// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1 {

/// The user's products. `x` is [tokens, inputs], `w` [outputs, inputs], `y` [tokens, outputs]; rows
/// may have gaps.
///
///     product(x, w, y)               y = x w^T
///     input_gradient(dy, w, dx)      dx = dy w
///     weight_gradient(dy, x, dw)     dw += dy^T x
template <class K, class T>
concept linear_kernels = requires(const K& kernels, matrix<const T> in, matrix<const T> other,
                                  matrix<T> out) {
  kernels.product(in, other, out);
  kernels.input_gradient(in, other, out);
  kernels.weight_gradient(in, other, out);
};

/// What kernels may have besides, for layers with a bias: on GPUs they must, elsewhere rondo adds.
///
///     add_bias(bias, y)              y's rows += bias
///     bias_gradient(dy, dbias)       dbias += the sum of dy's rows
template <class K, class T>
concept bias_kernels = requires(const K& kernels, std::span<const T> bias, matrix<T> y,
                                matrix<const T> dy, std::span<T> dbias) {
  kernels.add_bias(bias, y);
  kernels.bias_gradient(dy, dbias);
};

/// A rank's part of a linear layer's weights: `weight` is [outputs, inputs]; `bias` may be empty.
template <class T>
struct linear_weights {
  matrix<const T> weight{};
  std::span<const T> bias{};
};

/// Where a linear layer adds the gradients of its weights.
template <class T>
struct linear_gradients {
  matrix<T> weight{};
  std::span<T> bias{};
};

/// The same in exact mode: sums over tokens by the tree of leaves of `exact.tokens` rows. A
/// `tree_exchange` over the data axis adds them up among ranks that hold other tokens. On GPUs:
/// `exact_linear_gradients<T, cuda::buffer<T>>`.
template <class T, class Memory = std::vector<T>>
struct exact_linear_gradients {
  tree_sum<T, Memory> weight;
  tree_sum<T, Memory> bias;
  std::size_t first_token = 0;  ///< where the next backward pass's rows stand in the whole batch

  exact_linear_gradients() = default;
  exact_linear_gradients(std::size_t outputs, std::size_t inputs, bool with_bias)
      : weight{outputs * inputs}, bias{with_bias ? outputs : 0} {}

  /// Begins a step: no leaf has been put, and the next rows are those from `token` on.
  void restart(std::size_t token = 0) {
    weight.restart(weight.elements());
    bias.restart(bias.elements());
    first_token = token;
  }
};

/// The size of a linear layer on one micro-batch.
struct linear_shape {
  std::size_t tokens = 0;
  std::size_t inputs = 0;
  std::size_t outputs = 0;
};

namespace detail {

template <class T, class Order, class Memory>
using gradients_in =
    std::conditional_t<is_exact<Order>,
                       exact_linear_gradients<T, typename Memory::template array<T>>,
                       const linear_gradients<T>>;

template <class Kernels, class T>
consteval bool check_kernels() {
  static_assert(linear_kernels<Kernels, T>,
                "rondo: a linear layer's kernels need product(x, w, y), input_gradient(dy, w, dx) "
                "and weight_gradient(dy, x, dw) on matrix views");
  return true;
}

/// bias += the sum of the rows, in their order.
template <class T>
void add_rows(matrix<const T> dy, std::span<T> bias) {
  for (std::size_t row = 0; !bias.empty() && row < dy.rows; ++row) {
    add_to(bias.data(), dy.row(row).data(), bias.size());
  }
}

/// Adds the bias to every row.
template <class T, class Kernels>
void add_bias(const Kernels& kernels, std::span<const T> bias, matrix<T> y) {
  if (bias.empty()) {
    return;
  }
  if constexpr (bias_kernels<Kernels, T>) {
    kernels.add_bias(bias, y);
  } else {
    for (std::size_t row = 0; row < y.rows; ++row) {
      add_to(y.row(row).data(), bias.data(), bias.size());
    }
  }
}

/// Adds the sum of dy's rows to the bias's gradient.
template <class T, class Kernels>
void bias_gradients(const Kernels& kernels, matrix<const T> dy, std::span<T> bias) {
  if constexpr (bias_kernels<Kernels, T>) {
    if (!bias.empty()) {
      kernels.bias_gradient(dy, bias);
    }
  } else {
    add_rows<T>(dy, bias);
  }
}

/// Adds dy^T x to the weight's gradient and the sum of dy's rows to the bias's.
template <class T, class Memory, class Kernels>
void weight_gradients(const Memory&, const Kernels& kernels, const any_order&, matrix<const T> dy,
                      matrix<const T> x, const linear_gradients<T>& to) {
  kernels.weight_gradient(dy, x, to.weight);
  bias_gradients<T>(kernels, dy, to.bias);
}

inline void check_first_token(const exact& order, std::size_t first) {
  if (order.tokens == 0 || first % order.tokens != 0) {
    refuse("exact: rows from token " + std::to_string(first) + " on begin inside a leaf of " +
           std::to_string(order.tokens) + "; begin micro-batches on a multiple of exact.tokens");
  }
}

/// The same by leaves of tokens.
template <class T, class Memory, class Kernels, class Array>
void weight_gradients(const Memory& memory, const Kernels& kernels, const exact& order,
                      matrix<const T> dy, matrix<const T> x, exact_linear_gradients<T, Array>& to) {
  check_first_token(order, to.first_token);
  for (std::size_t row = 0; row < dy.rows; row += order.tokens) {
    const part some{row, (std::min)(order.tokens, dy.rows - row)};
    const std::size_t leaf = (to.first_token + row) / order.tokens;
    const matrix<T> terms{to.weight.room(memory).data(), dy.columns, x.columns};
    fill(memory, terms, T{});
    kernels.weight_gradient(dy.rows_at(some), x.rows_at(some), terms);
    to.weight.put(leaf, memory);
    const auto sums = to.bias.room(memory);  // of no elements where there is no bias
    fill(memory, matrix<T>{sums.data(), 1, sums.size()}, T{});
    if constexpr (Memory::on_device) {
      bias_gradients<T>(kernels, dy.rows_at(some), sums);
    } else {
      add_rows<T>(dy.rows_at(some), sums);
    }
    to.bias.put(leaf, memory);
  }
}

}  // namespace detail
}  // namespace rondo::inline v0_1
