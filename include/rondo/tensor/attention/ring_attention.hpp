// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/attention/detail/attention_checks.hpp>
#include <rondo/tensor/attention/detail/pair_attention.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// Ring attention: keys and values travel round the ring while each rank computes with those that
/// it has; results of blocks are merged by their log-sum-exp.
///
///     rondo::ring_attention ring{context, rondo::zigzag(tokens, context.size()), heads, kernels};
///     ring.forward(query, key, value, out, lse);
///     ring.backward(query, key, value, out, lse, d_out, d_query, d_key, d_value);
///
///     query       sharded<T, 0>  [own tokens, heads.query_columns()]
///     key, value  sharded<T, 0>  [own tokens, heads.key_value_columns()]
///     out         sharded<W, 0>  as query; W is what T is folded in, float for 16-bit floats
///     lse         matrix<W>      [own tokens, heads.query]
///     gradients   sharded<W, 0>  as their values; they are written, not added to
///
/// Any cut of the tokens will do; a causal sequence wants `zigzag`. The next keys and values are on
/// their way while a kernel runs. Saved for the backward pass: query, key, value, out and lse, the
/// caller's. The gradients of keys and values travel with them and make one last hop home.
/// Blocks are merged in the order of their arrival, which depends on the rank: a result differs
/// from that of another number of ranks by rounding. `gathered_attention` does not.
///
/// Cost per rank, n ranks, KV elements of keys and values together: forward (n-1)/n KV sent;
/// backward (n-1)/n KV and then KV of gradients. Every rank of the axis calls it, one without
/// tokens too. Errors: error_code::invalid_argument for shapes and cuts that do not fit; those of
/// all_to_all.
/// Source: Liu, Zaharia, Abbeel (2023), arXiv:2310.01889; zigzag: zhuzilin/ring-flash-attention.
template <class Team, class Kernels>
class ring_attention {
 public:
  ring_attention(Team ranks, cut tokens, attention_heads heads, Kernels kernels,
                 visibility seen = visibility::causal)
      : ranks_{std::move(ranks)},
        tokens_{std::move(tokens)},
        heads_{heads},
        pairs_{heads, std::move(kernels), ranks_.memory()},
        seen_{seen} {
    detail::check_context("ring_attention", ranks_, tokens_, heads_);
    for (int rank = 0; rank < tokens_.ranks(); ++rank) {
      most_ = (std::max)(most_, tokens_.width(rank));
    }
  }

  [[nodiscard]] const cut& tokens() const noexcept { return tokens_; }

  template <class Q, class K, class V, class Out, class W>
  void forward(const Q& query, const K& key, const V& value, const Out& out, matrix<W> lse,
               source_location where = source_location::current()) {
    using T = typename Q::element;
    detail::check_attention_types<Team, 0, Kernels, T, W, Q, K, V, Out>();
    shapes().check(query, key, value, out, lse);
    pairs_.begin_forward(out.values, lse);
    const auto meet = [&](int source, matrix<const T> k, matrix<const T> v) {
      const attention_forward<T, W> given{query.values, k, v, out.values, lse};
      detail::for_each_seen_pair(seen_, tokens_.runs(ranks_.rank()), tokens_.runs(source),
                                 [&](part mine, part keys, attention_block block) {
                                   pairs_.forward(block, given.at(mine, keys));
                                 });
    };
    travel<T>(where, key.values, value.values, meet, [](int) {});
  }

  template <class Q, class K, class V, class Out, class L, class DOut, class DQ, class DK, class DV>
  void backward(const Q& query, const K& key, const V& value, const Out& out, matrix<L> lse,
                const DOut& d_out, const DQ& d_query, const DK& d_key, const DV& d_value,
                source_location where = source_location::current()) {
    using T = typename Q::element;
    using W = std::remove_const_t<L>;
    detail::check_backward_types<Team, 0, Kernels, T, W, Q, K, V, Out, DQ, DK, DV, DOut>();
    shapes().check(query, key, value, out, lse);
    shapes().check_gradients(d_out, d_query, d_key, d_value);
    const auto memory = ranks_.memory();
    const matrix<const W> delta = pairs_.begin_backward(d_out.values, out.values, d_query.values);
    std::array gradient = travelling<W>(gradients_);
    detail::fill(memory, matrix<W>{gradient[0], 2 * most_, heads_.key_value_columns()}, W{0});
    const auto meet = [&](int source, matrix<const T> k, matrix<const T> v) {
      const auto [d_k, d_v] = halves(gradient[0], source);
      const attention_backward<T, W> given{.query = query.values,
                                           .key = k,
                                           .value = v,
                                           .d_out = d_out.values,
                                           .lse = lse,
                                           .delta = delta,
                                           .d_query = d_query.values,
                                           .d_key = d_k,
                                           .d_value = d_v};
      detail::for_each_seen_pair(seen_, tokens_.runs(ranks_.rank()), tokens_.runs(source),
                                 [&](part mine, part keys, attention_block block) {
                                   pairs_.backward(block, given.at(mine, keys));
                                 });
    };
    const auto homewards = [&](int source) {
      rotate(where, gradient[0], gradient[1], source).wait();
      std::swap(gradient[0], gradient[1]);
    };
    travel<T>(where, key.values, value.values, meet, homewards);
    const auto [d_k, d_v] = halves(gradient[0], ranks_.rank());
    memory.template copy<W>(d_k, d_key.values);
    memory.template copy<W>(d_v, d_value.values);
  }

  /// What both passes will move for elements of type T, and keep besides the caller's values.
  template <class T>
  [[nodiscard]] layer_plan planned() const {
    using W = typename accumulator<T>::type;
    const int n = ranks_.size();
    const std::size_t all = 2 * tokens_.extent() * heads_.key_value_columns();
    const auto hop_of = [&](std::size_t element_bytes) {
      return planned_collective{.what = schedule::collective::all_to_all,
                                .elements = all,
                                .element_bytes = element_bytes,
                                .axis = Team::name(),
                                .ranks = n,
                                .all_leave = true};
    };
    const planned_collective values = hop_of(sizeof(T));
    const planned_collective gradients = hop_of(sizeof(W));
    layer_plan made;
    for (int hop = 1; hop < n; ++hop) {
      made.forward.push_back(values);
      made.backward.push_back(values);
      made.backward.push_back(gradients);
    }
    if (n > 1) {
      made.backward.push_back(gradients);
    }
    made.peak_bytes =
        4 * most_ * heads_.key_value_columns() * (sizeof(T) + sizeof(W)) +
        tokens_.width(ranks_.rank()) * (heads_.query_columns() + heads_.query) * sizeof(W);
    return made;
  }

 private:
  using room = detail::room<typename Team::memory_type>;
  using two_rooms = std::array<room, 2>;

  /// Room for the keys and values of any rank, twice.
  template <class U>
  [[nodiscard]] std::array<U*, 2> travelling(two_rooms& in) const {
    const std::size_t columns = heads_.key_value_columns();
    return {in[0].template get<U>(2 * most_, columns).data,
            in[1].template get<U>(2 * most_, columns).data};
  }

  /// The rank `steps` behind `rank` in the ring.
  [[nodiscard]] int behind(int rank, int steps) const {
    return (rank - steps + ranks_.size()) % ranks_.size();
  }

  [[nodiscard]] detail::sequence_shapes shapes() const {
    return {"ring_attention", tokens_, heads_, ranks_.rank()};
  }

  /// The keys' and the values' half of what belongs to `source`.
  template <class U>
  [[nodiscard]] std::pair<matrix<U>, matrix<U>> halves(U* both, int source) const {
    const std::size_t rows = tokens_.width(source);
    const std::size_t columns = heads_.key_value_columns();
    return {{both, rows, columns}, {both + rows * columns, rows, columns}};
  }

  /// Begins one hop: sends what belongs to `source` to the next rank, receives from the one behind.
  template <class U>
  [[nodiscard]] auto rotate(source_location where, const U* out, U* in, int source) {
    const auto n = static_cast<std::size_t>(ranks_.size());
    const std::size_t each = 2 * heads_.key_value_columns();
    const std::size_t gives = each * tokens_.width(source);
    const std::size_t gets = each * tokens_.width(behind(source, 1));
    sent_.assign(n, 0);
    received_.assign(n, 0);
    sent_[static_cast<std::size_t>((ranks_.rank() + 1) % ranks_.size())] = gives;
    received_[static_cast<std::size_t>(behind(ranks_.rank(), 1))] = gets;
    std::span<U> into{in, gets};
    return detail::all_to_all_call::make(where, ranks_.comm(), std::span<const U>{out, gives}, into,
                                         counts{sent_, received_}, async{});
  }

  /// Calls `meet(source, keys, values)` for every rank's keys and values, own ones first, while the
  /// next are on their way; then `after(source)`, where there are peers.
  template <class T, class Meet, class After>
  void travel(source_location where, matrix<const T> key, matrix<const T> value, const Meet& meet,
              const After& after) {
    const int n = ranks_.size();
    std::array slot = travelling<T>(slots_);
    const auto [own_keys, own_values] = halves(slot[0], ranks_.rank());
    ranks_.memory().template copy<T>(key, own_keys);
    ranks_.memory().template copy<T>(value, own_values);
    for (int step = 0; step < n; ++step) {
      const int source = behind(ranks_.rank(), step);
      const auto [keys, values] = halves(slot[0], source);
      if (step + 1 < n) {
        auto coming = rotate(where, slot[0], slot[1], source);
        meet(source, keys, values);
        coming.wait();
        std::swap(slot[0], slot[1]);
      } else {
        meet(source, keys, values);
      }
      if (n > 1) {
        after(source);
      }
    }
  }

  Team ranks_;
  cut tokens_;
  attention_heads heads_;
  detail::pair_attention<Kernels, typename Team::memory_type> pairs_;
  visibility seen_;
  std::size_t most_ = 0;  ///< tokens of the rank that holds most
  two_rooms slots_{room{ranks_.memory()}, room{ranks_.memory()}};
  two_rooms gradients_{room{ranks_.memory()}, room{ranks_.memory()}};
  std::vector<std::size_t> sent_;
  std::vector<std::size_t> received_;
};

template <class Team, class Kernels>
ring_attention(Team, cut, attention_heads, Kernels) -> ring_attention<Team, Kernels>;

}  // namespace rondo::inline v0_1
