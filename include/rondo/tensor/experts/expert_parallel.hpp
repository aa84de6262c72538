// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/experts/detail/expert_rows.hpp>
#include <rondo/tensor/experts/detail/expert_travel.hpp>
#include <rondo/tensor/experts/routing.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
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

namespace detail {

/// The same kind of array, of other elements.
template <class Array, class U>
struct array_like;
template <template <class...> class Array, class T, class... More, class U>
struct array_like<Array<T, More...>, U> {
  using type = Array<U>;
};

}  // namespace detail

/// What one pass forward leaves for its pass backward; the caller's, one for each micro-batch that
/// is under way. On GPUs: `expert_pass<T, cuda::buffer<T>>`, where the queues alone are the host's.
template <class T, class Memory = std::vector<T>>
struct expert_pass {
  using wide = typename accumulator<T>::type;
  template <class U>
  using array = typename detail::array_like<Memory, U>::type;

  expert_queues queues;
  std::size_t width = 0;  ///< columns of x
  std::size_t choices = 0;
  std::size_t travelled = 0;   ///< rows that left this rank
  bool is_due = false;         ///< the pass backward, which needs what lies here, and uses it up
  array<std::size_t> row;      ///< [own tokens, choices]: where it travels; `nowhere` if dropped
  array<wide> weight;          ///< [own tokens, choices]
  array<std::size_t> arrival;  ///< which of `rows` each row is that travels to this rank
  array<T> rows;               ///< of this rank's experts, in the order of their queues
  array<T> returned;           ///< what became of this rank's tokens, in the order of travel

  static constexpr std::size_t nowhere = detail::nowhere;

  /// Choices of this rank's tokens that found their expert full.
  [[nodiscard]] std::size_t dropped() const { return row.size() - travelled; }
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
///
/// On GPUs the host waits once in each pass forward, until the counts of all ranks' tokens are
/// there: only it can tell NCCL how many rows go where. All else is enqueued. Neither pass can be
/// captured: what backward enqueues holds for the last pass forward alone. d_weight is added up in
/// another order there, the same for any number of ranks.
/// Cost per rank, n ranks, t own tokens: all_gather of the counts, then forward 2, backward 2
/// all_to_alls of t * choices * features elements at most.
/// Errors: an expert that does not exist (on GPUs, on every rank), values of another shape than x
/// or of another pass, a second pass backward of one pass forward (not told on GPUs), and what
/// all_to_all refuses. Source: Lepikhin et al., GShard (2020), arXiv:2006.16668.
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

  template <class X, class Memory, class Y, class W>
  void forward(expert_pass<typename X::element, Memory>& pass, const X& x, const routing<W>& chosen,
               const Y& y, source_location where = source_location::current()) {
    using T = typename X::element;
    check_types<X, Y, W, Memory>();
    const std::size_t width = x.values.columns;
    check("expert_parallel: x", x.values, width);
    check("expert_parallel: y", y.values, width);
    check("expert_parallel: expert", chosen.expert, chosen.expert.columns);
    check("expert_parallel: weight", chosen.weight, chosen.expert.columns);
    if constexpr (!Team::on_device) {
      check_experts(chosen.expert);
    }
    pass.is_due = false;
    queue(where, pass, chosen);
    pass.width = width;
    const auto memory = ranks_.memory();
    // All memory first: to make some may wait for kernels, and those of NCCL's for other ranks.
    const matrix<T> leaving = leaving_.template get<T>(pass.travelled, width);
    pass.rows.resize(pass.arrival.size() * width);
    T* const made = made_.template get<T>(pass.rows.size()).data();
    pass.returned.resize(pass.travelled * width);
    detail::scatter_copies<memory_type, T>(memory, rows_of(pass), pass.choices, x.values, leaving);
    travel_.template dispatch<T>(where, pass.queues, arrivals_of(pass), leaving.data,
                                 pass.rows.data(), width);
    travel_.each_expert(pass.queues, [&](std::size_t expert, std::size_t first, std::size_t count) {
      kernels_.forward(expert, matrix<const T>{pass.rows.data() + first * width, count, width},
                       matrix<T>{made + first * width, count, width});
    });
    travel_.template combine<T>(where, pass.queues, arrivals_of(pass), made, pass.returned.data(),
                                width);
    sum_choices<W>(pass, y.values, pass.weight.data());
    pass.is_due = true;
  }

  /// Writes dx and d_weight; the caller's kernels add to the experts' own gradients.
  template <class DY, class Memory, class DX, class W>
  void backward(expert_pass<typename DY::element, Memory>& pass, const DY& dy, const DX& dx,
                matrix<W> d_weight, source_location where = source_location::current()) {
    using T = typename DY::element;
    check_types<DY, DX, W, Memory>();
    if constexpr (Team::on_device) {
      ranks_.memory().require_no_graph(
          "how many rows go where is as the last pass forward found it, so that a graph would hold "
          "for that one alone");
    }
    const std::size_t width = pass.width;
    check("expert_parallel: dy", dy.values, width);
    check("expert_parallel: dx", dx.values, width);
    check("expert_parallel: d_weight", d_weight, pass.choices);
    if (!Team::on_device && !std::exchange(pass.is_due, false)) {
      refuse(
          "expert_parallel: a pass backward without its pass forward, or the second one, which "
          "finds what it needs used up; run the pass forward again",
          ranks_.rank());
    }
    const matrix<T> leaving = leaving_.template get<T>(pass.travelled, width);
    T* const d_out = arrived_.template get<T>(pass.rows.size()).data();
    T* const d_rows = made_.template get<T>(pass.rows.size()).data();
    const matrix<const T> returned{pass.returned.data(), pass.travelled, width};
    detail::weigh_choices<memory_type, T, W>(
        ranks_.memory(),
        {pass.row.data(), pass.weight.data(), dy.values, returned, leaving, d_weight},
        [&](std::size_t lanes) { return terms_.template get<W>(pass.row.size(), lanes); });
    travel_.template dispatch<T>(where, pass.queues, arrivals_of(pass), leaving.data, d_out, width);
    travel_.each_expert(pass.queues, [&](std::size_t expert, std::size_t first, std::size_t count) {
      kernels_.backward(expert, matrix<const T>{pass.rows.data() + first * width, count, width},
                        matrix<const T>{d_out + first * width, count, width},
                        matrix<T>{d_rows + first * width, count, width});
    });
    // What was returned had its last use.
    travel_.template combine<T>(where, pass.queues, arrivals_of(pass), d_rows, pass.returned.data(),
                                width);
    sum_choices<W>(pass, dx.values, nullptr);
  }

  /// What both passes will move where no choice is dropped, and what a pass keeps. `features`: the
  /// columns of x; T its element.
  template <class T>
  [[nodiscard]] layer_plan planned(std::size_t features, std::size_t choices) const {
    const planned_collective counts{.what = schedule::collective::all_gather,
                                    .elements = travel_.counted(),
                                    .element_bytes = sizeof(int),
                                    .axis = Team::name(),
                                    .ranks = ranks_.size()};
    const planned_collective travel{.what = schedule::collective::all_to_all,
                                    .elements = travel_.tokens().extent() * choices * features,
                                    .element_bytes = sizeof(T),
                                    .axis = Team::name(),
                                    .ranks = ranks_.size()};
    layer_plan made{.forward = {counts, travel, travel}, .backward = {travel, travel}};
    const std::size_t own = travel_.tokens().width(ranks_.rank()) * choices * features * sizeof(T);
    const std::size_t fair = travel.elements * experts().width(ranks_.rank()) / experts().extent();
    made.saved_bytes = own + fair * sizeof(T);
    made.peak_bytes = made.saved_bytes + own + 3 * fair * sizeof(T);
    return made;
  }

 private:
  using memory_type = typename Team::memory_type;

  template <class X, class Y, class W, class Memory>
  static consteval void check_types() {
    static_assert(is_sharded<X, 0> && is_sharded<Y, 0>,
                  "rondo: expert_parallel: tokens go to experts from the rank that holds them: "
                  "values are shards of the rows, sharded<T, 0>");
    static_assert(X::axis == Team::axis && Y::axis == Team::axis,
                  "rondo: expert_parallel: the values lie on another axis than these ranks");
    static_assert(std::is_same_v<W, typename accumulator<typename X::element>::type>,
                  "rondo: expert_parallel: weights are of the type in which values are folded: "
                  "float for 16-bit floats");
    static_assert(Team::on_device != std::is_same_v<Memory, std::vector<typename X::element>>,
                  "rondo: expert_parallel: what a pass keeps is where the values are: on GPUs "
                  "expert_pass<T, cuda::buffer<T>>, elsewhere expert_pass<T>");
    static_assert(expert_kernels<Kernels, typename X::element>,
                  "rondo: expert_parallel: the kernels need forward(expert, rows, out) and "
                  "backward(expert, rows, d_out, d_rows)");
  }
  template <class U>
  void check(const char* what, matrix<U> given, std::size_t columns) const {
    detail::check_shape(what, given.rows, given.columns, travel_.tokens().width(ranks_.rank()),
                        columns, ranks_.rank());
  }

  void check_experts(matrix<const int> expert) const {
    for (std::size_t token = 0; token < expert.rows; ++token) {
      for (const int one : expert.row(token)) {
        if (std::cmp_less(one, 0) || std::cmp_greater_equal(one, experts().extent())) {
          refuse("expert_parallel: token " + std::to_string(token) + " goes to expert " +
                     std::to_string(one) + " of " + std::to_string(experts().extent()),
                 ranks_.rank());
        }
      }
    }
  }

  template <class Pass>
  [[nodiscard]] static std::span<const std::size_t> rows_of(const Pass& pass) {
    return {pass.row.data(), pass.row.size()};
  }
  template <class Pass>
  [[nodiscard]] static std::span<const std::size_t> arrivals_of(const Pass& pass) {
    return {pass.arrival.data(), pass.arrival.size()};
  }

  /// Calls `act(run, tokens of it, blocks of them)` for each run of own tokens; both are counted
  /// over all runs.
  template <class Act>
  void for_each_run(const Act& act) const {
    part tokens{0, 0};
    part blocks{0, 0};
    std::size_t run = 0;
    for (const part held : travel_.tokens().runs(ranks_.rank())) {
      tokens = {tokens.first + tokens.count, held.count};
      blocks = {blocks.first + blocks.count, detail::blocks_of_tokens(held.count, at_once)};
      act(run++, tokens, blocks);
    }
  }

  /// Tells every rank how many tokens go where, and finds out where own choices travel.
  template <class Pass, class W>
  void queue(source_location where, Pass& pass, const routing<W>& chosen) {
    const auto memory = ranks_.memory();
    if constexpr (Team::on_device) {
      memory.require_no_graph(
          "the host must wait here for numbers that the device computes, which cannot be captured");
    }
    const matrix<const int> expert = chosen.expert;
    const std::size_t all = experts().extent();
    std::size_t runs = 0;
    std::size_t blocks = 0;
    for_each_run([&](std::size_t, part, part of_run) {
      ++runs;
      blocks += of_run.count;
    });
    const matrix<int> own = counts_.template get<int>(runs, all);
    const matrix<int> before = before_.template get<int>(blocks, all);
    for_each_run([&](std::size_t run, part tokens, part of_run) {
      const matrix<int> here = before.rows_at(of_run);
      memory.each(here.rows, 1, detail::count_choices{expert.rows_at(tokens), at_once, here});
      memory.each(all, 1, detail::add_up_blocks{here, own.row(run).data()});
    });
    pass.queues = travel_.queues(where, own, expert.columns, capacity_);
    pass.choices = expert.columns;
    pass.travelled = travel_.leaving(pass.queues);
    pass.row.resize(expert.elements());
    pass.weight.resize(expert.elements());
    memory.template copy<W>(chosen.weight, {pass.weight.data(), expert.rows, expert.columns});
    const part* const taken = travel_.taken(pass.queues);
    for_each_run([&](std::size_t run, part tokens, part of_run) {
      const matrix<std::size_t> rows{pass.row.data(), expert.rows, expert.columns};
      memory.each(of_run.count, 1,
                  detail::place_choices{expert.rows_at(tokens), at_once, before.rows_at(of_run),
                                        taken + run * all, rows.rows_at(tokens)});
    });
    travel_.find_arrivals(pass.queues, pass.arrival);
  }

  /// Each token's sum over its choices of its weight, if there is one, * what was returned.
  template <class W, class Pass, class T>
  void sum_choices(const Pass& pass, matrix<T> to, const W* weight) {
    detail::sum_choices<memory_type, T, W>(
        ranks_.memory(), rows_of(pass), weight, pass.choices,
        {pass.returned.data(), pass.travelled, to.columns}, to,
        [&] { return terms_.template get<W>(to.columns).data(); });
  }

  static constexpr std::size_t at_once = detail::tokens_at_once<memory_type>;

  Team ranks_;
  detail::expert_travel<Team> travel_;
  std::size_t capacity_;
  Kernels kernels_;
  detail::room<memory_type> counts_{ranks_.memory()};
  detail::room<memory_type> before_{ranks_.memory()};
  detail::room<memory_type> leaving_{ranks_.memory()};
  detail::room<memory_type> arrived_{ranks_.memory()};
  detail::room<memory_type> made_{ranks_.memory()};
  detail::room<memory_type> terms_{ranks_.memory()};
};

template <class Team, class Kernels>
expert_parallel(Team, cut, std::size_t, std::size_t, Kernels) -> expert_parallel<Team, Kernels>;

}  // namespace rondo::inline v0_1
