// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/experts/detail/expert_travel.hpp>
#include <rondo/tensor/experts/routing.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// The caller's experts. Rows are those tokens that one expert got, in the order of its queue.
///  - `forward(expert, rows, out)`            out = the expert of the rows, each row on its own
///  - `backward(expert, rows, d_out, d_rows)` writes d_rows, adds to the expert's own gradients
/// Called for each expert of this rank in ascending order, with no rows too.
template <class Kernels, class T>
concept expert_kernels = requires(const Kernels& kernels, std::size_t expert, matrix<const T> in,
                                  matrix<T> out) {
  kernels.forward(expert, in, out);
  kernels.backward(expert, in, in, out);
};

/// What one pass forward leaves for its pass backward; the caller's, one for each micro-batch that
/// is under way.
template <class T>
struct expert_pass {
  using wide = typename accumulator<T>::type;

  expert_queues queues;
  std::size_t width = 0;  ///< columns of x
  std::size_t choices = 0;
  std::vector<std::size_t> row;  ///< [own tokens, choices]: where it travels; `nowhere` if dropped
  std::vector<wide> weight;      ///< [own tokens, choices]
  std::vector<T> rows;           ///< of this rank's experts, in the order of their queues
  std::vector<T> returned;       ///< what became of this rank's tokens, in the order of travel

  static constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

  /// Choices of this rank's tokens that found their expert full.
  [[nodiscard]] std::size_t dropped() const {
    return static_cast<std::size_t>(std::count(row.begin(), row.end(), nowhere));
  }
};

/// Experts over the ranks of an axis (mixture of experts): each token goes to its experts and back.
///
///     rondo::expert_parallel experts{along<"expert">(grid), rondo::cut::even(tokens, n), 64,
///                                    rondo::expert_capacity(tokens, 2, 64, 1.25), kernels};
///     experts.forward(pass, x, rondo::routing<float>{expert, weight}, y);
///     experts.backward(pass, dy, dx, d_weight);
///
///     x, y, dy, dx      sharded<T, 0>  [own tokens, features]
///     expert, weight    [own tokens, choices]; d_weight likewise
///
/// y of a token = the sum over its choices, best first, of weight * expert(x), in fp32 for 16-bit
/// floats; a choice that found its expert full adds nothing. Expert e is on the rank that
/// `cut::even(experts, n)` says. Rows lie in an expert's queue in the order of the whole sequence,
/// whatever rank they come from: the results have the same bits for any number of ranks, if the
/// bits of an expert's row depend on that row alone.
///
/// Every rank of the axis calls it, one without tokens or without experts too.
/// Cost per rank, n ranks, t own tokens: all_gather of the counts, then forward 2, backward 2
/// all_to_alls of t * choices * features elements at most.
/// Errors: an expert that does not exist, values of another shape than x or of another pass, and
/// what all_to_all refuses.
/// Source: Lepikhin et al., GShard (2020), arXiv:2006.16668.
template <class Team, class Kernels>
class expert_parallel {
 public:
  /// `capacity` 0: no limit.
  expert_parallel(Team ranks, cut tokens, std::size_t experts, std::size_t capacity,
                  Kernels kernels)
      : ranks_{std::move(ranks)},
        travel_{ranks_, std::move(tokens), cut::even(experts, ranks_.size())},
        capacity_{capacity},
        kernels_{std::move(kernels)} {
    static_assert(detail::check_on_host<Team>());
    if (experts == 0 || travel_.tokens().ranks() != ranks_.size()) {
      refuse("expert_parallel: " + std::to_string(experts) + " experts, tokens cut over " +
                 std::to_string(travel_.tokens().ranks()) + " ranks, on an axis of " +
                 std::to_string(ranks_.size()),
             ranks_.rank());
    }
    detail::check_disjoint("expert_parallel", travel_.tokens(), ranks_.rank());
  }

  /// Which experts each rank has.
  [[nodiscard]] const cut& experts() const noexcept { return travel_.experts(); }

  template <class X, class Y, class W>
  void forward(expert_pass<typename X::element>& pass, const X& x, const routing<W>& chosen,
               const Y& y) {
    using T = typename X::element;
    check_types<X, Y, W>();
    const std::size_t width = x.values.columns;
    check("expert_parallel: x", x.values, width);
    check("expert_parallel: y", y.values, width);
    check("expert_parallel: expert", chosen.expert, chosen.expert.columns);
    check("expert_parallel: weight", chosen.weight, chosen.expert.columns);
    queue(pass, chosen);
    pass.width = width;
    T* const leaving = memory<T>(leaving_, pass.row.size() * width);
    for_each_choice(pass, [&](std::size_t token, std::size_t, std::size_t row) {
      std::copy_n(x.values.row(token).data(), width, leaving + row * width);
    });
    pass.rows.resize(travel_.rows(pass.queues) * width);
    travel_.template dispatch<T>(pass.queues, leaving, pass.rows.data(), width);
    T* const made = memory<T>(made_, pass.rows.size());
    travel_.each_expert(pass.queues, [&](std::size_t expert, std::size_t first, std::size_t count) {
      kernels_.forward(expert, matrix<const T>{pass.rows.data() + first * width, count, width},
                       matrix<T>{made + first * width, count, width});
    });
    pass.returned.resize(pass.row.size() * width);
    travel_.template combine<T>(pass.queues, made, pass.returned.data(), width);
    sum_choices<W>(pass, y.values, [&](std::size_t choice) { return pass.weight[choice]; });
  }

  /// Writes dx and d_weight; the caller's kernels add to the experts' own gradients.
  template <class DY, class DX, class W>
  void backward(expert_pass<typename DY::element>& pass, const DY& dy, const DX& dx,
                matrix<W> d_weight) {
    using T = typename DY::element;
    check_types<DY, DX, W>();
    const std::size_t width = pass.width;
    check("expert_parallel: dy", dy.values, width);
    check("expert_parallel: dx", dx.values, width);
    check("expert_parallel: d_weight", d_weight, pass.choices);
    T* const leaving = memory<T>(leaving_, pass.row.size() * width);
    detail::fill(ranks_.memory(), d_weight, W{0});
    for_each_choice(pass, [&](std::size_t token, std::size_t slot, std::size_t row) {
      const W weight = pass.weight[token * d_weight.columns + slot];
      W dot{};
      for (std::size_t i = 0; i < width; ++i) {
        const auto upstream = static_cast<W>(dy.values(token, i));
        dot += upstream * static_cast<W>(pass.returned[row * width + i]);
        leaving[row * width + i] = static_cast<T>(weight * upstream);
      }
      d_weight(token, slot) = dot;
    });
    T* const d_out = memory<T>(arrived_, pass.rows.size());
    travel_.template dispatch<T>(pass.queues, leaving, d_out, width);
    T* const d_rows = memory<T>(made_, pass.rows.size());
    travel_.each_expert(pass.queues, [&](std::size_t expert, std::size_t first, std::size_t count) {
      kernels_.backward(expert, matrix<const T>{pass.rows.data() + first * width, count, width},
                        matrix<const T>{d_out + first * width, count, width},
                        matrix<T>{d_rows + first * width, count, width});
    });
    travel_.template combine<T>(pass.queues, d_rows, pass.returned.data(),
                                width);  // what was returned had its last use
    sum_choices<W>(pass, dx.values, [](std::size_t) { return W{1}; });
  }

  /// What both passes will move where no choice is dropped, and what a pass keeps. `features`: the
  /// columns of x; T its element.
  template <class T>
  [[nodiscard]] layer_plan planned(std::size_t features, std::size_t choices) const {
    const planned_collective travel{schedule::collective::all_to_all,
                                    travel_.tokens().extent() * choices * features, sizeof(T),
                                    Team::name(), ranks_.size()};
    layer_plan made{{{schedule::collective::all_gather, travel_.counted(), sizeof(int),
                      Team::name(), ranks_.size()},
                     travel,
                     travel},
                    {travel, travel},
                    0,
                    0};
    const std::size_t own = travel_.tokens().width(ranks_.rank()) * choices * features * sizeof(T);
    const std::size_t fair = travel.elements * experts().width(ranks_.rank()) / experts().extent();
    made.saved_bytes = own + fair * sizeof(T);
    made.peak_bytes = made.saved_bytes + own + 3 * fair * sizeof(T);
    return made;
  }

 private:
  template <class U>
  [[nodiscard]] static U* memory(detail::arena& in, std::size_t count) {
    return reinterpret_cast<U*>(in.get(count * sizeof(U)));
  }

  template <class X, class Y, class W>
  static consteval void check_types() {
    static_assert(is_sharded<X, 0> && is_sharded<Y, 0>,
                  "rondo: expert_parallel: tokens go to experts from the rank that holds them: "
                  "values are shards of the rows, sharded<T, 0>");
    static_assert(X::axis == Team::axis && Y::axis == Team::axis,
                  "rondo: expert_parallel: the values lie on another axis than these ranks");
    static_assert(std::is_same_v<W, typename accumulator<typename X::element>::type>,
                  "rondo: expert_parallel: weights are of the type in which values are folded: "
                  "float for 16-bit floats");
    static_assert(expert_kernels<Kernels, typename X::element>,
                  "rondo: expert_parallel: the kernels need forward(expert, rows, out) and "
                  "backward(expert, rows, d_out, d_rows)");
  }
  template <class U>
  void check(const char* what, matrix<U> given, std::size_t columns) const {
    detail::check_shape(what, given.rows, given.columns, travel_.tokens().width(ranks_.rank()),
                        columns, ranks_.rank());
  }

  /// Calls `act(run, token)` for each own token.
  template <class Act>
  void for_each_token(const Act& act) const {
    std::size_t token = 0;
    std::size_t run = 0;
    for (const part held : travel_.tokens().runs(ranks_.rank())) {
      for (std::size_t i = 0; i < held.count; ++i) {
        act(run, token++);
      }
      ++run;
    }
  }

  /// Calls `act(token, slot, row)` for each choice that was not dropped, in the order of tokens.
  template <class Pass, class Act>
  static void for_each_choice(const Pass& pass, const Act& act) {
    for (std::size_t choice = 0; choice < pass.row.size(); ++choice) {
      if (pass.row[choice] != Pass::nowhere) {
        act(choice / pass.choices, choice % pass.choices, pass.row[choice]);
      }
    }
  }

  /// Tells every rank how many tokens go where, and finds out where own choices travel.
  template <class Pass, class W>
  void queue(Pass& pass, const routing<W>& chosen) {
    const std::size_t experts = travel_.experts().extent();
    std::vector<int> own(travel_.tokens().runs(ranks_.rank()).size() * experts, 0);
    for_each_token([&](std::size_t run, std::size_t token) {
      for (const int expert : chosen.expert.row(token)) {
        if (expert < 0 || static_cast<std::size_t>(expert) >= experts) {
          refuse("expert_parallel: token " + std::to_string(token) + " goes to expert " +
                     std::to_string(expert) + " of " + std::to_string(experts),
                 ranks_.rank());
        }
        ++own[run * experts + static_cast<std::size_t>(expert)];
      }
    });
    pass.queues = travel_.queues(own, capacity_);
    pass.choices = chosen.expert.columns;
    const std::vector<std::size_t> first = travel_.first_rows(pass.queues);
    std::fill(own.begin(), own.end(), 0);
    pass.row.clear();
    pass.weight.clear();
    for_each_token([&](std::size_t run, std::size_t token) {
      for (std::size_t slot = 0; slot < chosen.expert.columns; ++slot) {
        const auto expert = static_cast<std::size_t>(chosen.expert(token, slot));
        const auto place = static_cast<std::size_t>(own[run * experts + expert]++);
        const bool taken = place < pass.queues.places(ranks_.rank(), run, expert).count;
        pass.row.push_back(taken ? first[run * experts + expert] + place : Pass::nowhere);
        pass.weight.push_back(chosen.weight(token, slot));
      }
    });
  }

  /// Each token's sum over its choices of weight(choice) * what was returned.
  template <class W, class T, class Weight>
  void sum_choices(const expert_pass<T>& pass, matrix<T> to, const Weight& weight) {
    W* const sum = memory<W>(sum_, to.columns);
    for (std::size_t token = 0; token < to.rows; ++token) {
      std::fill_n(sum, to.columns, W{0});
      for (std::size_t slot = 0; slot < pass.choices; ++slot) {
        const std::size_t choice = token * pass.choices + slot;
        if (pass.row[choice] == expert_pass<T>::nowhere) {
          continue;
        }
        const W by = weight(choice);
        const T* from = pass.returned.data() + pass.row[choice] * to.columns;
        for (std::size_t i = 0; i < to.columns; ++i) {
          sum[i] += by * static_cast<W>(from[i]);
        }
      }
      for (std::size_t i = 0; i < to.columns; ++i) {
        to(token, i) = static_cast<T>(sum[i]);
      }
    }
  }

  Team ranks_;
  detail::expert_travel<Team> travel_;
  std::size_t capacity_;
  Kernels kernels_;
  detail::arena leaving_;
  detail::arena arrived_;
  detail::arena made_;
  detail::arena sum_;
};

template <class Team, class Kernels>
expert_parallel(Team, cut, std::size_t, std::size_t, Kernels) -> expert_parallel<Team, Kernels>;

}  // namespace rondo::inline v0_1
