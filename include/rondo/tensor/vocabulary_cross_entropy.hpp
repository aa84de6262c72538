// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/detail/linear_plan.hpp>
#include <rondo/tensor/exact.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/plan.hpp>
#include <rondo/tensor/tree_exchange.hpp>
#include <rondo/tensor/tree_sum.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
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

/// log of the sum of exp of each token's logits: what the forward pass keeps.
struct cross_entropy_saved {
  std::vector<double> log_sum;
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
/// anyway. Errors: a target that is no word. Source: NeMo's label smoothing; Shoeybi et al. 2019.
template <class Team, class Order = any_order>
class vocabulary_cross_entropy {
 public:
  vocabulary_cross_entropy(Team ranks, cut vocabulary, cross_entropy_options with = {},
                           Order order = {})
      : ranks_{std::move(ranks)}, vocabulary_{std::move(vocabulary)}, with_{with}, order_{order} {
    static_assert(detail::check_wire<Order, no_codec>());
    static_assert(detail::check_on_host<Team>());
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
      tree_.emplace(detail::leaf_cut(vocabulary_, order_.features));
    } else {
      leaves_ = {{0, {0, vocabulary_.width(ranks_.rank())}}};
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
    return sums_.bytes() + (largest_.size() + folded_.size()) * sizeof(double);
  }

  template <class Logits, class Target, class T = typename Logits::element>
  void forward(const Logits& logits, std::span<const Target> targets,
               std::span<typename Logits::element> losses, cross_entropy_saved& saved,
               source_location where = source_location::current()) {
    const matrix<const T> z = checked(logits, targets.size(), losses.size());
    check_targets(targets);
    const std::size_t tokens = targets.size();
    const std::size_t kinds = with_.smoothing > 0 ? 3 : 2;
    largest_.assign(tokens, -std::numeric_limits<double>::infinity());
    for (std::size_t i = 0; i < tokens; ++i) {
      for_each_word(all_of(z), [&](std::size_t local, std::size_t) {
        largest_[i] = op::max{}(largest_[i], static_cast<double>(z(i, local)));
      });
    }
    reduce<op::max>(where, largest_, 1, tokens);
    folded_.resize(kinds * tokens);
    sums_.restart(kinds * tokens, folded_.data());
    for (const detail::held_leaf& leaf : leaves_) {
      const auto terms = sums_.room();
      std::fill(terms.begin(), terms.end(), 0.0);
      for (std::size_t i = 0; i < tokens; ++i) {
        for_each_word(leaf.local, [&](std::size_t local, std::size_t word) {
          const double shifted = static_cast<double>(z(i, local)) - largest_[i];
          terms[i] += std::exp(shifted);
          terms[tokens + i] += std::cmp_equal(targets[i], word) ? shifted : 0.0;
          if (kinds == 3) {
            terms[2 * tokens + i] += shifted;
          }
        });
      }
      sums_.put(leaf.number);
    }
    fold(where, kinds, tokens);
    saved.log_sum.resize(tokens);
    for (std::size_t i = 0; i < tokens; ++i) {
      const double log_sum = std::log(folded_[i]);
      const double mean =
          kinds == 3 ? folded_[2 * tokens + i] / static_cast<double>(with_.words) - log_sum : 0.0;
      losses[i] = static_cast<T>((1 - spread_) * (log_sum - folded_[tokens + i]) - spread_ * mean);
      saved.log_sum[i] = largest_[i] + log_sum;
    }
  }

  template <class Logits, class Target, class DLogits>
  void backward(const Logits& logits, std::span<const Target> targets,
                std::span<const typename Logits::element> dlosses,
                const cross_entropy_saved& saved, const DLogits& dlogits) {
    using T = typename Logits::element;
    const matrix<const T> z = checked(logits, targets.size(), dlosses.size());
    static_cast<void>(checked(dlogits, targets.size(), saved.log_sum.size()));
    const double share = spread_ / static_cast<double>(with_.words);
    for (std::size_t i = 0; i < z.rows; ++i) {
      const auto out = dlogits.values.row(i);
      std::fill(out.begin(), out.end(), T{});
      for_each_word(all_of(z), [&](std::size_t local, std::size_t word) {
        const double softmax = std::exp(static_cast<double>(z(i, local)) - saved.log_sum[i]);
        const double target = std::cmp_equal(targets[i], word) ? 1 - spread_ : 0.0;
        out[local] = static_cast<T>((softmax - target - share) * static_cast<double>(dlosses[i]));
      });
    }
  }

 private:
  struct piece {
    std::size_t local;
    part run;
  };

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

  template <class Target>
  void check_targets(std::span<const Target> targets) const {
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (std::cmp_less(targets[i], 0) || std::cmp_greater_equal(targets[i], with_.words)) {
        refuse("cross_entropy: target " + std::to_string(targets[i]) + " at position " +
                   std::to_string(i) + " of " + std::to_string(with_.words) + " words",
               ranks_.rank());
      }
    }
  }

  template <class T>
  static part all_of(matrix<const T> z) {
    return {0, z.columns};
  }

  /// Calls act(local index, word) for those of the local indices `some` that are no padding.
  template <class Act>
  void for_each_word(part some, const Act& act) const {
    for (const piece& one : pieces_) {
      const std::size_t first = (std::max)(some.first, one.local);
      const std::size_t end = (std::min)(some.first + some.count, one.local + one.run.count);
      for (std::size_t local = first; local < end; ++local) {
        const std::size_t word = one.run.first + local - one.local;
        if (word < with_.words) {
          act(local, word);
        }
      }
    }
  }

  template <class Op>
  void reduce(source_location where, std::vector<double>& values, std::size_t rows,
              std::size_t columns) {
    const matrix<double> view{values.data(), rows, columns};
    detail::convert_call::make(where, ranks_, partial<double, Op, Team::axis>{view},
                               replicated<double, Team::axis>{view});
  }

  /// All ranks' sums into `folded_`, in which the first of this rank's lies.
  void fold(source_location where, std::size_t kinds, std::size_t tokens) {
    if constexpr (detail::is_exact<Order>) {
      tree_->reduce(ranks_, sums_,
                    replicated<double, Team::axis>{{folded_.data(), kinds, tokens}}, where);
    } else {
      reduce<op::sum>(where, folded_, kinds, tokens);
    }
  }

  Team ranks_;
  cut vocabulary_;
  cross_entropy_options with_;
  Order order_;
  double spread_ = 0;
  std::vector<detail::held_leaf> leaves_;
  std::vector<piece> pieces_;
  std::optional<tree_exchange> tree_;
  tree_sum<double> sums_;
  std::vector<double> largest_;
  std::vector<double> folded_;
};

template <class Team>
vocabulary_cross_entropy(Team, cut) -> vocabulary_cross_entropy<Team>;
template <class Team>
vocabulary_cross_entropy(Team, cut, cross_entropy_options) -> vocabulary_cross_entropy<Team>;

/// What a vocabulary_cross_entropy over axis `Axis` does for so many tokens. Exact mode needs to
/// know the size of the vocabulary, padding included.
template <axis_name Axis = "tensor", class Order = any_order>
[[nodiscard]] plan plan_vocabulary_cross_entropy(std::size_t tokens, const mesh_shape& grid,
                                                 cross_entropy_options with = {},
                                                 std::size_t vocabulary = 0, Order order = {}) {
  const std::size_t kinds = with.smoothing > 0 ? 3 : 2;
  const detail::planner<replicated<double, Axis>, Order> planned{grid, tokens, order};
  plan made{{planned.one(schedule::collective::all_reduce, tokens)}, {}, 0, 0};
  for (auto& one : planned.reduce(kinds, planned.features(vocabulary))) {
    made.forward.push_back(std::move(one));
  }
  made.saved_bytes = tokens * sizeof(double);
  made.peak_bytes = made.saved_bytes + (1 + kinds) * tokens * sizeof(double) +
                    planned.terms_bytes(kinds, planned.features(vocabulary));
  return made;
}

}  // namespace rondo::inline v0_1
