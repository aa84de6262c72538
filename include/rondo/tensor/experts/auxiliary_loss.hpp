// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_reduce.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/experts/detail/router_sums.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

namespace rondo::inline v0_1 {

/// The loss that asks the router to spread tokens over experts, the same on every rank:
///
///     loss = coefficient * E / (k T^2) * sum_e(tokens_e * sum_x(probability_xe))
///
/// with T tokens and E experts over all ranks, k choices of a token and tokens_e the choices that
/// fell on expert e, dropped ones too. `d_probability` [own tokens, experts] gets its gradient,
/// coefficient * E / (k T^2) * tokens_e.
/// probabilities: [own tokens, experts]; expert: [own tokens, choices]; loss: [1, 1]. No tokens at
/// all: 0. All are where the ranks have their memory.
///
/// On GPUs it enqueues, waits for nothing and, after the first call of a shape, allocates nothing,
/// so that it may be captured. The host does not look at experts there: one that does not exist
/// makes the loss and the gradients NaN, on every rank. Elsewhere it is refused, and everywhere
/// tokens cut for other ranks, or of which several ranks hold the same.
/// Cost: all_reduce of 2 E doubles; in `exact` order, of E, and the nodes of E sums.
/// Source: Lepikhin et al., GShard (2020), arXiv:2006.16668, with Megatron-LM's normalisation.
template <class Team, class W, detail::order_of_sums Order = any_order>
void auxiliary_loss(const Team& ranks, const cut& tokens,
                    std::type_identity_t<matrix<const W>> probabilities, matrix<const int> expert,
                    W coefficient, matrix<W> d_probability, matrix<W> loss, Order order = {},
                    source_location where = source_location::current()) {
  const std::size_t experts = probabilities.columns;
  const int rank = ranks.rank();
  detail::check_cut_over("auxiliary_loss: tokens", tokens, ranks.size(), rank);
  detail::check_disjoint("auxiliary_loss", tokens, rank);
  const std::size_t rows = tokens.width(rank);
  detail::check_shape("auxiliary_loss: probabilities", probabilities.rows, experts, rows, experts,
                      rank);
  detail::check_shape("auxiliary_loss: expert", expert.rows, expert.columns, rows, expert.columns,
                      rank);
  detail::check_shape("auxiliary_loss: d_probability", d_probability.rows, d_probability.columns,
                      rows, experts, rank);
  detail::check_shape("auxiliary_loss: loss", loss.rows, loss.columns, 1, 1, rank);
  for (std::size_t token = 0; !Team::on_device && token < rows; ++token) {
    for (const int one : expert.row(token)) {
      if (one < 0 || static_cast<std::size_t>(one) >= experts) {
        refuse("auxiliary_loss: expert " + std::to_string(one) + " of " + std::to_string(experts),
               rank);
      }
    }
  }
  const auto memory = ranks.memory();
  auto& passing = ranks.passage();
  const std::span<double> both = passing.terms.template get<double>(2 * experts);
  double* const fallen = both.data();  // in float a count would end at 2^24
  const auto room = [&](std::size_t blocks) {
    return passing.out.template get<W>(blocks, experts);
  };
  const auto add_up = [&](std::span<double> sums) {
    detail::all_reduce_call::make(where, ranks.comm(), sums, op::sum{});
  };
  const W all = static_cast<W>(tokens.extent());
  const W factor =
      tokens.extent() == 0 || expert.columns == 0
          ? W{0}
          : coefficient * static_cast<W>(experts) / (static_cast<W>(expert.columns) * all * all);
  const auto spread = [&]<class Mass>(const Mass* mass) {
    memory.each(rows, experts, detail::spread_gradients<W>{fallen, factor, d_probability});
    memory.each(1, 1, detail::spread_loss<W, Mass>{fallen, mass, experts, factor, loss.data});
  };
  detail::sum_fallen<W>(memory, expert, experts, fallen, room);
  if constexpr (detail::is_exact<Order>) {
    add_up(both.first(experts));  // whole numbers: any order gives the same bits
    using leaf_sums = tree_sum<W, typename Team::memory_type::template array<W>>;
    auto& sums = passing.kept.template get<leaf_sums>();
    sums.restart(experts);
    for (const auto& leaf : detail::leaves_of(tokens, rank, order.tokens)) {
      detail::sum_probabilities<typename Team::memory_type, W>(
          memory, probabilities.rows_at(leaf.local), sums.room(memory).data(), room);
      sums.put(leaf.number, memory);
    }
    passing.node_bytes = larger(passing.node_bytes, sums.bytes());
    W* const mass = passing.in.template get<W>(experts).data();
    tree_exchange tree{detail::leaf_cut(tokens, order.tokens)};
    tree.reduce(ranks, sums, replicated<W, Team::axis>{matrix<W>{mass, 1, experts}}, where);
    spread(mass);
  } else {
    double* const mass = fallen + experts;
    detail::sum_probabilities<typename Team::memory_type, W>(memory, probabilities, mass, room);
    add_up(both);
    spread(mass);
  }
}

/// The same, whose loss is returned: for ranks that are not GPUs, where it would have to be waited
/// for.
template <class Team, class W, detail::order_of_sums Order = any_order>
[[nodiscard]] W auxiliary_loss(const Team& ranks, const cut& tokens,
                               std::type_identity_t<matrix<const W>> probabilities,
                               matrix<const int> expert, W coefficient, matrix<W> d_probability,
                               Order order = {},
                               source_location where = source_location::current()) {
  static_assert(!Team::on_device,
                "rondo: auxiliary_loss: on GPUs the loss stays there; pass where it goes, a "
                "matrix<W> [1, 1] of the device's memory, behind d_probability");
  W loss{0};
  auxiliary_loss(ranks, tokens, probabilities, expert, coefficient, d_probability,
                 matrix<W>{&loss, 1, 1}, order, where);
  return loss;
}

}  // namespace rondo::inline v0_1
