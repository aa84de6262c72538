// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/tensor/experts/detail/expert_rows.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>

/// What a router's auxiliary loss is made of: a column of a sum is a thread's on a GPU, which adds
/// blocks of tokens and then the blocks; the host goes through rows.
namespace rondo::inline v0_1::detail {

/// terms(block, e) = the choices of a block of tokens that fell on expert e. An expert that is none
/// makes a NaN of all, as nobody looks at device memory.
template <class W>
struct count_fallen {
  static constexpr W nobody = std::numeric_limits<W>::quiet_NaN();
  matrix<const int> expert;
  std::size_t at_once;  ///< tokens of a block
  matrix<W> terms;
  RONDO_HOST_DEVICE void operator()(std::size_t block, std::size_t e) const {
    W sum{0};
    const std::size_t first = block * at_once;
    for (std::size_t i = first; i < first + at_once && i < expert.rows; ++i) {
      for (std::size_t slot = 0; slot < expert.columns; ++slot) {
        const auto one = static_cast<std::size_t>(expert(i, slot));
        sum += one == e ? W{1} : one < terms.columns ? W{0} : nobody;
      }
    }
    terms(block, e) = sum;
  }
};

/// terms(block, e) = the sum of a block of tokens' probabilities of expert e.
template <class W>
struct add_probabilities {
  matrix<const W> probability;
  std::size_t at_once;
  matrix<W> terms;
  RONDO_HOST_DEVICE void operator()(std::size_t block, std::size_t e) const {
    W sum{0};
    const std::size_t first = block * at_once;
    for (std::size_t i = first; i < first + at_once && i < probability.rows; ++i) {
      sum += probability(i, e);
    }
    terms(block, e) = sum;
  }
};

template <class W, class To>
struct add_blocks {
  matrix<const W> terms;
  To* to;
  RONDO_HOST_DEVICE void operator()(std::size_t, std::size_t e) const {
    To sum{0};
    for (std::size_t block = 0; block < terms.rows; ++block) {
      sum += static_cast<To>(terms(block, e));
    }
    to[e] = sum;
  }
};

/// to[e] = the sum over tokens of what `Terms<W>` gives for expert e: a row of `experts` terms for
/// each block, then their sum.
template <template <class> class Terms, class W, class Memory, class T, class To, class Room>
void sum_by_blocks(const Memory& memory, matrix<const T> tokens, std::size_t experts, To* to,
                   const Room& room) {
  constexpr std::size_t some = tokens_at_once<Memory>;
  const matrix<W> terms = room(blocks_of_tokens(tokens.rows, some));
  memory.each(terms.rows, experts, Terms<W>{tokens, some, terms});
  memory.each(1, experts, add_blocks<W, To>{terms, to});
}

/// to[e] = how many choices fell on expert e. `room(blocks)`: memory for a row of so many experts,
/// of W, each; asked for on GPUs alone.
template <class W, class Memory, class Room>
void sum_fallen(const Memory& memory, matrix<const int> expert, std::size_t experts, double* to,
                const Room& room) {
  if constexpr (Memory::on_device) {
    sum_by_blocks<count_fallen, W>(memory, expert, experts, to, room);
  } else {
    std::fill_n(to, experts, 0.0);
    for (std::size_t token = 0; token < expert.rows; ++token) {
      for (const int one : expert.row(token)) {
        to[static_cast<std::size_t>(one)] += 1;
      }
    }
  }
}

/// to[e] = the sum of all tokens' probabilities of expert e, in the same way.
template <class Memory, class W, class To, class Room>
void sum_probabilities(const Memory& memory, matrix<const W> probability, To* to,
                       const Room& room) {
  const std::size_t experts = probability.columns;
  if constexpr (Memory::on_device) {
    sum_by_blocks<add_probabilities, W>(memory, probability, experts, to, room);
  } else {
    std::fill_n(to, experts, To{0});
    for (std::size_t token = 0; token < probability.rows; ++token) {
      const W* const row = probability.row(token).data();
      for (std::size_t e = 0; e < experts; ++e) {
        to[e] += static_cast<To>(row[e]);
      }
    }
  }
}

/// d_probability = factor * fallen, of each token.
template <class W>
struct spread_gradients {
  const double* fallen;
  W factor;
  matrix<W> to;
  RONDO_HOST_DEVICE void operator()(std::size_t token, std::size_t e) const {
    to(token, e) = factor * static_cast<W>(fallen[e]);
  }
};

/// loss = factor * fallen . mass.
template <class W, class Mass>
struct spread_loss {
  const double* fallen;
  const Mass* mass;
  std::size_t experts;
  W factor;
  W* loss;
  RONDO_HOST_DEVICE void operator()(std::size_t, std::size_t) const {
    W sum{0};
    for (std::size_t e = 0; e < experts; ++e) {
      sum += static_cast<W>(fallen[e]) * static_cast<W>(mass[e]);
    }
    *loss = factor * sum;
  }
};

}  // namespace rondo::inline v0_1::detail
