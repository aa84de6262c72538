// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/detail/cross_entropy_terms.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/exact/tree_sum.hpp>
#include <rondo/tensor/layers/detail/linear_plan.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/tensor/wire.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// What a cross entropy is computed with.
struct cross_entropy_options {
  /// Share of the probability spread over all other words: each gets smoothing / (words - 1).
  double smoothing = 0;
  /// Words that exist, where the vocabulary is padded behind them; 0: all of it.
  std::size_t words = 0;
  friend bool operator==(const cross_entropy_options&, const cross_entropy_options&) = default;
};

/// log of the sum of exp of each token's logits: what the forward pass keeps. On GPUs:
/// `cross_entropy_saved<cuda::buffer<double>>`.
template <class Memory = std::vector<double>>
struct cross_entropy_saved {
  Memory log_sum{};
};

/// Cross entropy of logits whose vocabulary is split, without gathering them.
///
///     const rondo::cross_entropy_options with{.smoothing = 0.1, .words = 50257};
///     rondo::vocabulary_cross_entropy loss{tensor, vocabulary, with};
///     loss.forward(logits, targets, losses, saved);
///     loss.backward(logits, targets, dlosses, saved, dlogits);
///
///     logits   sharded<T, 1>   [tokens, vocabulary/n]
///     losses   one for each token, the same on every rank
///     forward  all_reduce(max, tokens), all_reduce(sum, 2 or 3 tokens); backward: nothing
///
/// With z the logits, m their maximum, K words, t the target, u = smoothing K/(K-1):
///     S = sum exp(z-m)   P = z_t - m   Q = sum (z-m)      in one all_reduce of doubles
///     loss = (1-u) (ln S - P) - u (Q/K - ln S)
///     dz = (exp(z-m)/S - (1-u) [target] - u/K) dloss
/// K and the mean are those of the whole vocabulary, whatever the split. Columns from `words` on
/// are padding: they count as minus infinity, and get no gradient.
/// Policies: exact{..} folds S and Q by leaves of `exact.features` words; the maximum is exact
/// anyway. Cost: two all_reduces, of 8 and of 16 or 24 B a token (exact: its sums are of leaves).
/// Errors: a vocabulary cut for other ranks, or in which ranks hold the same words; a target that
/// is no word; on GPUs, where the host does not look at targets, its loss and its gradients are
/// NaN. Source: NeMo's label smoothing; Shoeybi et al. 2019.
template <class Team, class Order = any_order>
class vocabulary_cross_entropy {
 public:
  vocabulary_cross_entropy(Team ranks, cut vocabulary, cross_entropy_options with = {},
                           Order order = {})
      : ranks_{std::move(ranks)},
        vocabulary_{std::move(vocabulary)},
        with_{with},
        order_{order},
        tree_{leaves()} {
    static_assert(detail::check_wire<Order, no_codec>());
    detail::check_cut_over("cross_entropy: words", vocabulary_, ranks_.size(), ranks_.rank());
    detail::check_disjoint("cross_entropy", vocabulary_, ranks_.rank());
    with_.words = with_.words == 0 ? vocabulary_.extent() : with_.words;
    if (with_.words > vocabulary_.extent() || !(with_.smoothing >= 0 && with_.smoothing < 1) ||
        (with_.smoothing > 0 && with_.words < 2)) {
      refuse("cross_entropy: " + std::to_string(with_.words) + " words of a vocabulary of " +
                 std::to_string(vocabulary_.extent()) + ", smoothing " +
                 std::to_string(with_.smoothing) + "; smoothing lies in [0, 1) and needs two words",
             ranks_.rank());
    }
    const auto words = static_cast<double>(with_.words);
    spread_ = with_.smoothing > 0 ? with_.smoothing * words / (words - 1) : 0.0;
    if constexpr (detail::is_exact<Order>) {
      leaves_ = detail::leaves_of(vocabulary_, ranks_.rank(), order_.features);
    }
    std::size_t local = 0;
    for (const part run : vocabulary_.runs(ranks_.rank())) {
      pieces_.push_back({local, run});
      local += run.count;
    }
  }

  [[nodiscard]] const cut& vocabulary() const noexcept { return vocabulary_; }
  /// Memory kept for a pass, beyond what it saves.
  [[nodiscard]] std::size_t passing_bytes() const noexcept {
    return sums_.bytes() + largest_.bytes() + folded_.bytes() + terms_.bytes();
  }

  template <class Logits, class Target, class Memory, class T = typename Logits::element>
  void forward(const Logits& logits, std::span<const Target> targets,
               std::span<typename Logits::element> losses, cross_entropy_saved<Memory>& saved,
               source_location where = source_location::current()) {
    const matrix<const T> z = checked(logits, targets.size(), losses.size());
    check_targets<Memory>(targets);
    const auto memory = ranks_.memory();
    const std::size_t tokens = targets.size();
    const std::size_t kinds = with_.smoothing > 0 ? 3 : 2;
    const matrix<double> largest = largest_.template get<double>(1, tokens);
    const matrix<double> most = terms_of(largest);
    detail::fill(memory, most, -std::numeric_limits<double>::infinity());
    for_each_piece(all(), [&](detail::words_at some) {
      memory.each(tokens, lanes, detail::largest_logits<T, lanes>{z, some, most});
    });
    fold_lanes<op::max>(most, largest);
    reduce<op::max>(where, largest);
    const matrix<double> folded = folded_.template get<double>(kinds, tokens);
    const auto sum_up = [&](part local, matrix<double> total) {
      const matrix<double> into = terms_of(total);
      detail::fill(memory, into, 0.0);
      for_each_piece(local, [&](detail::words_at some) {
        memory.each(tokens, lanes,
                    detail::add_exponentials<T, Target, lanes>{z, some, targets.data(),
                                                               largest.data, kinds == 3, into});
      });
      fold_lanes<op::sum>(into, total);
    };
    if constexpr (detail::is_exact<Order>) {
      sums_.restart(kinds * tokens, folded.data);
      for (const detail::held_leaf& leaf : leaves_) {
        sum_up(leaf.local, {sums_.room(memory).data(), kinds, tokens});
        sums_.put(leaf.number, memory);
      }
      tree_.reduce(ranks_, sums_, replicated<double, Team::axis>{folded}, where);
    } else {
      sum_up(all(), folded);
      reduce<op::sum>(where, folded);
    }
    saved.log_sum.resize(tokens);
    memory.each(
        tokens, 1,
        detail::finish_losses<T, Target>{folded, targets.data(), with_.words, spread_, largest.data,
                                         losses.data(), saved.log_sum.data()});
  }

  template <class Logits, class Target, class Memory, class DLogits>
  void backward(const Logits& logits, std::span<const Target> targets,
                std::span<const typename Logits::element> dlosses,
                const cross_entropy_saved<Memory>& saved, const DLogits& dlogits) {
    using T = typename Logits::element;
    const matrix<const T> z = checked(logits, targets.size(), dlosses.size());
    static_cast<void>(checked(dlogits, targets.size(), saved.log_sum.size()));
    const matrix<T> dz = dlogits.values;
    for (const detail::words_at& some : pieces_) {
      ranks_.memory().each(
          z.rows, some.words.count,
          detail::logit_gradients<T, Target>{z, some, with_.words, spread_, targets.data(),
                                             dlosses.data(), saved.log_sum.data(), dz});
    }
  }

 private:
  static constexpr std::size_t lanes = Team::memory_type::lanes;

  template <class Logits>
  auto checked(const Logits& logits, std::size_t tokens, std::size_t losses) const {
    static_assert(is_sharded<Logits, 1>,
                  "rondo: cross_entropy: logits are a shard of the vocabulary, sharded<T, 1>; "
                  "gathered logits would count every word once per rank");
    static_assert(Logits::axis == Team::axis,
                  "rondo: cross_entropy: the logits lie over another axis than the loss's ranks");
    if (logits.division != &vocabulary_ && *logits.division != vocabulary_) {
      refuse("cross_entropy: logits by another cut than the loss's vocabulary", ranks_.rank());
    }
    detail::check_shape("cross_entropy: logits", logits.values.rows, logits.values.columns, tokens,
                        vocabulary_.width(ranks_.rank()), ranks_.rank());
    detail::check_count("cross_entropy", "one number a token", losses, tokens, ranks_.rank());
    return logits.values;
  }

  template <class Memory, class Target>
  void check_targets(std::span<const Target> targets) const {
    static_assert(!Team::on_device || !std::is_same_v<Memory, std::vector<double>>,
                  "rondo: cross_entropy: on GPUs, what is saved is in their memory: "
                  "cross_entropy_saved<cuda::buffer<double>>");
    for (std::size_t i = 0; !Team::on_device && i < targets.size(); ++i) {
      if (std::cmp_less(targets[i], 0) || std::cmp_greater_equal(targets[i], with_.words)) {
        refuse("cross_entropy: target " + std::to_string(targets[i]) + " at position " +
                   std::to_string(i) + " of " + std::to_string(with_.words) + " words",
               ranks_.rank());
      }
    }
  }

  [[nodiscard]] cut leaves() const {
    if constexpr (detail::is_exact<Order>) {
      return detail::leaf_cut(vocabulary_, order_.features);
    } else {
      return cut::whole(0, 1);
    }
  }
  [[nodiscard]] part all() const { return {0, vocabulary_.width(ranks_.rank())}; }

  /// Calls act(words) for those of the local indices `some` that are no padding, run by run.
  template <class Act>
  void for_each_piece(part some, const Act& act) const {
    for (const detail::words_at& one : pieces_) {
      const std::size_t words = one.words.first < with_.words ? with_.words - one.words.first : 0;
      const std::size_t first = (std::max)(some.first, one.local);
      const std::size_t end =
          (std::min)(some.first + some.count, one.local + (std::min)(one.words.count, words));
      if (first < end) {
        act(detail::words_at{first, {one.words.first + first - one.local, end - first}});
      }
    }
  }

  /// Where the lanes put what one of them alone would put into `whole`.
  [[nodiscard]] matrix<double> terms_of(matrix<double> whole) {
    if constexpr (lanes == 1) {
      return {whole.data, whole.elements(), 1};
    } else {
      return terms_.template get<double>(whole.elements(), lanes);
    }
  }
  template <class Op>
  void fold_lanes(matrix<double> terms, matrix<double> whole) const {
    if constexpr (lanes > 1) {
      ranks_.memory().each(terms.rows, 1, detail::fold_rows<Op>{terms, whole.data});
    }
  }

  /// On GPUs NCCL's own maximum, which passes over a NaN, will do: the sum of exponentials has it.
  template <class Op>
  void reduce(source_location where, matrix<double> values) {
    const partial<double, Op, Team::axis> from{values};
    const replicated<double, Team::axis> to{values};
    if constexpr (Team::on_device) {
      detail::convert_call::make(where, ranks_, from, to, native{});
    } else {
      detail::convert_call::make(where, ranks_, from, to);
    }
  }

  Team ranks_;
  cut vocabulary_;
  cross_entropy_options with_;
  Order order_;
  double spread_ = 0;
  std::vector<detail::held_leaf> leaves_;  ///< in exact order
  std::vector<detail::words_at> pieces_;
  tree_exchange tree_;
  tree_sum<double, typename Team::memory_type::template array<double>> sums_;
  detail::room<typename Team::memory_type> largest_{ranks_.memory()};
  detail::room<typename Team::memory_type> folded_{ranks_.memory()};
  detail::room<typename Team::memory_type> terms_{ranks_.memory()};  ///< of lanes
};

template <class Team>
vocabulary_cross_entropy(Team, cut) -> vocabulary_cross_entropy<Team>;
template <class Team>
vocabulary_cross_entropy(Team, cut, cross_entropy_options) -> vocabulary_cross_entropy<Team>;

/// What a vocabulary_cross_entropy over axis `Axis` does for so many tokens. Exact mode needs to
/// know the size of the vocabulary, padding included.
template <axis_name Axis = "tensor", class Order = any_order>
[[nodiscard]] layer_plan plan_vocabulary_cross_entropy(std::size_t tokens, const mesh_shape& grid,
                                                       cross_entropy_options with = {},
                                                       std::size_t vocabulary = 0,
                                                       Order order = {}) {
  const std::size_t kinds = with.smoothing > 0 ? 3 : 2;
  const detail::planner<replicated<double, Axis>, Order> planned{grid, tokens, order};
  layer_plan made{.forward = {planned.one(schedule::collective::all_reduce, tokens)}};
  for (auto& one : planned.reduce(kinds, planned.features(vocabulary))) {
    made.forward.push_back(std::move(one));
  }
  made.saved_bytes = tokens * sizeof(double);
  made.peak_bytes = made.saved_bytes + (1 + kinds) * tokens * sizeof(double) +
                    planned.terms_bytes(kinds, planned.features(vocabulary));
  return made;
}

}  // namespace rondo::inline v0_1
