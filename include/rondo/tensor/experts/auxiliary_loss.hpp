// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_reduce.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace rondo::inline v0_1 {

/// The loss that asks the router to spread tokens over experts, the same on every rank:
///
///     coefficient * E / (k T^2) * sum_e(tokens_e * sum_x(probability_xe))
///
/// with T tokens and E experts over all ranks, k choices of a token and tokens_e the choices that
/// fell on expert e, dropped ones too. `d_probability` [own tokens, experts] gets its gradient,
/// coefficient * E / (k T^2) * tokens_e.
/// probabilities: [own tokens, experts]; expert: [own tokens, choices]. No tokens at all: 0.
///
/// Cost: all_reduce of 2 E elements; in `exact` order, E counts and the nodes of E sums.
/// Source: Lepikhin et al., GShard (2020), arXiv:2006.16668, with Megatron-LM's normalisation.
template <class Team, class W, class Order = any_order>
[[nodiscard]] W auxiliary_loss(const Team& ranks, const cut& tokens,
                               std::type_identity_t<matrix<const W>> probabilities,
                               matrix<const int> expert, W coefficient, matrix<W> d_probability,
                               Order order = {}) {
  static_assert(!Team::on_device,
                "rondo: auxiliary_loss: not on GPUs: it returns a number to the host, which would "
                "have to wait for the device");
  const std::size_t experts = probabilities.columns;
  const int rank = ranks.rank();
  const std::size_t rows = tokens.width(rank);
  detail::check_shape("auxiliary_loss: probabilities", probabilities.rows, experts, rows, experts,
                      rank);
  detail::check_shape("auxiliary_loss: expert", expert.rows, expert.columns, rows, expert.columns,
                      rank);
  detail::check_shape("auxiliary_loss: d_probability", d_probability.rows, d_probability.columns,
                      rows, experts, rank);
  std::vector<W> fallen(experts, W{0});
  for (std::size_t token = 0; token < rows; ++token) {
    for (const int one : expert.row(token)) {
      if (one < 0 || static_cast<std::size_t>(one) >= experts) {
        refuse("auxiliary_loss: expert " + std::to_string(one) + " of " + std::to_string(experts),
               rank);
      }
      fallen[static_cast<std::size_t>(one)] += W{1};
    }
  }
  const auto add_rows = [&](part some, W* sums) {
    for (std::size_t token = some.first; token < some.first + some.count; ++token) {
      for (std::size_t e = 0; e < experts; ++e) {
        sums[e] += probabilities(token, e);
      }
    }
  };
  std::vector<W> mass(experts, W{0});
  if constexpr (detail::is_exact<Order>) {
    all_reduce(ranks.comm(), fallen);  // whole numbers: any order gives the same bits
    tree_sum<W> sums{experts};
    for (const auto& leaf : detail::leaves_of(tokens, rank, order.tokens)) {
      const auto terms = sums.room();
      std::fill(terms.begin(), terms.end(), W{0});
      add_rows(leaf.local, terms.data());
      sums.put(leaf.number);
    }
    tree_exchange tree{detail::leaf_cut(tokens, order.tokens)};
    tree.reduce(ranks, sums, replicated<W, Team::axis>{matrix<W>{mass.data(), 1, experts}});
  } else {
    add_rows({0, rows}, mass.data());
    std::vector<W> both(fallen);
    both.insert(both.end(), mass.begin(), mass.end());
    all_reduce(ranks.comm(), both);
    std::copy_n(both.data(), experts, fallen.data());
    std::copy_n(both.data() + experts, experts, mass.data());
  }
  if (tokens.extent() == 0 || expert.columns == 0) {
    return W{0};
  }
  const W all = static_cast<W>(tokens.extent());
  const W factor =
      coefficient * static_cast<W>(experts) / (static_cast<W>(expert.columns) * all * all);
  W loss{0};
  for (std::size_t e = 0; e < experts; ++e) {
    loss += fallen[e] * mass[e];
    for (std::size_t token = 0; token < rows; ++token) {
      d_probability(token, e) = factor * fallen[e];
    }
  }
  return factor * loss;
}

}  // namespace rondo::inline v0_1
