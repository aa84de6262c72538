// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/cost.hpp>
#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/predictions.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1 {

/// What `automatic` picks for a call, and why.
struct explanation {
  struct choice {
    std::string_view algorithm;
    double seconds = 0;  ///< predicted
  };
  choice picked;
  std::vector<choice> alternatives;
  std::string why;

  /// all_reduce of 8192 bytes on 4 ranks: one_shot, 5.4 us: ...; two_shot 6.7 us
  std::string text;
};

namespace detail {

[[nodiscard]] inline std::string in_microseconds(double seconds) {
  const auto hundredths = nearest_whole(seconds * 1e8);
  const std::string rest = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + '.' + (rest.size() < 2 ? "0" : "") + rest + " us";
}

/// Ranks that reach each other's buffers, and know their processors: threads.
template <class Comm>
concept counts_processors = requires(const Comm& comm) {
  comm.processors();
};

/// True where ranks reach each other's buffers, or a window that stands for them.
template <class Comm>
[[nodiscard]] bool goes_direct(const Comm& comm) {
  if constexpr (counts_processors<Comm>) {
    return true;
  } else if constexpr (requires { comm.shares_memory(); }) {
    return comm.shares_memory();
  } else {
    return false;
  }
}

/// A window of GPUs, whose calls are kernels that it can forecast.
template <class Comm>
concept forecasts = requires(const Comm& comm) {
  comm.template forecast<std::uint32_t>(std::size_t{1});
};

/// Calls `visit(make<What>{})`.
template <class Visit>
void with_collective(schedule::collective what, const Visit& visit) {
  using schedule::collective;
  switch (what) {
    case collective::all_reduce:
      return visit(schedule::make<collective::all_reduce>{});
    case collective::reduce_scatter:
      return visit(schedule::make<collective::reduce_scatter>{});
    case collective::all_gather:
      return visit(schedule::make<collective::all_gather>{});
    case collective::all_to_all:
      return visit(schedule::make<collective::all_to_all>{});
    case collective::reduce:
      return visit(schedule::make<collective::reduce>{});
    case collective::broadcast:
      return visit(schedule::make<collective::broadcast>{});
    case collective::gather:
      return visit(schedule::make<collective::gather>{});
    case collective::scatter:
      return visit(schedule::make<collective::scatter>{});
    case collective::barrier:
      return visit(schedule::make<collective::barrier>{});
  }
}

class explaining {
 public:
  template <class Comm>
  [[nodiscard]] static explanation run(schedule::collective what, const Comm& comm, payload moved) {
    static_assert(
        !requires { requires Comm::composes_calls; },
        "rondo: explain: a call over several nodes is several calls; ask the window and "
        "the communicator that it is made of");
    moved = what == schedule::collective::barrier ? payload{0} : moved;
    const std::size_t bytes = moved.values;
    explaining self;
    if constexpr (forecasts<Comm>) {
      self.kernels(what, comm, bytes);
    } else if (goes_direct(comm)) {
      self.direct(what, comm, bytes);
    } else {
      with_collective(what, [&]<schedule::collective What>(schedule::make<What>) {
        self.template messages<What>(comm, moved);
      });
    }
    auto& made = self.made_;
    made.text = std::string{schedule::name_of(what)} + " of " + std::to_string(bytes) +
                " bytes on " + std::to_string(comm.size()) +
                " ranks: " + std::string{made.picked.algorithm} + ", " +
                in_microseconds(made.picked.seconds) + ": " + made.why;
    for (const auto& other : made.alternatives) {
      made.text += "; " + std::string{other.algorithm} + ' ' + in_microseconds(other.seconds);
    }
    return made;
  }

 private:
  void consider(std::string_view algorithm, double seconds, bool picked) {
    if (picked) {
      made_.picked = {algorithm, seconds};
    } else {
      made_.alternatives.push_back({algorithm, seconds});
    }
  }

  /// The costs of ranks that share processors, where the communicator knows of it.
  template <class Comm, class Cost>
  [[nodiscard]] static Cost placed(const Comm& comm, Cost cost) {
    if constexpr (requires { comm.processors_in_all(); }) {
      cost.processors = comm.processors_in_all();
    }
    return cost;
  }

  template <class Comm>
  void kernels(schedule::collective what, const Comm& comm, std::size_t bytes) {
    using schedule::collective;
    const bool rounds = what == collective::all_reduce;
    const bool whole = rounds || what == collective::broadcast;
    const auto parts = whole ? std::size_t{1} : static_cast<std::size_t>(comm.size());
    const auto made = comm.template forecast<std::uint32_t>(bytes / parts / 4);
    consider(one_shot::name, made.packets_seconds, made.packets);
    consider(rounds ? two_shot::name : automatic::name, made.two_shot_seconds, !made.packets);
    made_.why = !made.fits ? "one kernel, and more than its packets carry"
                           : std::string{"one kernel, by packets on "} + std::to_string(made.few) +
                                 " blocks or from buffers on " + std::to_string(made.many) +
                                 ", by window_options::costs";
  }

  template <class Comm>
  void direct(schedule::collective what, const Comm& comm, std::size_t bytes) {
    auto cost = placed(comm, cost_of(comm));
    if constexpr (!counts_processors<Comm>) {
      cost.share = cost.turn;  // nobody reaches a neighbour's buffers to do its share
    }
    const auto size = static_cast<double>(bytes);
    if (what != schedule::collective::all_reduce) {
      const auto work = direct_work_of(what, cost.ranks);
      const std::size_t limit = one_phase_bytes(what);
      const int phases = bytes <= limit && limit != 0 ? 1 : 2;
      consider(one_shot::name, cost.direct(size, work.share, work.movers, phases), true);
      if constexpr (!counts_processors<Comm>) {
        made_.why = "all ranks share a window, through which it is staged";
      } else if (limit == 0 || bytes == 0) {
        made_.why = "ranks share memory, and it takes " +
                    std::string{phases == 1 ? "one phase" : "two phases"};
      } else {
        made_.why = "ranks share memory, and one phase carries up to " + std::to_string(limit) +
                    " bytes, else it takes two";
      }
      return;
    }
    const bool one = prefers_one_shot(comm, bytes);
    consider(one_shot::name, cost.one_shot(size), one);
    consider(two_shot::name, cost.two_shot(size), !one);
    const std::string limit = std::to_string(one_shot_limit(comm)) + " bytes";
    if constexpr (counts_processors<Comm>) {
      made_.why = std::to_string(cost.ranks) + " ranks on " + std::to_string(cost.processors) +
                  " processors meet in " + in_microseconds(cost.phase()) +
                  ", so that a second phase pays above " + limit;
    } else {
      made_.why =
          "all ranks share a window, through which both forms are staged; measured, a second "
          "phase pays above " +
          limit;
    }
  }

  template <schedule::collective What, class Comm>
  void messages(const Comm& comm, payload moved) {
    message_cost cost;
    cost.ranks = comm.size();
    cost.processors = comm.size();
    cost = placed(comm, cost);
    std::string_view chosen;
    bool as_values = false;
    choose_algorithm<What>(comm, moved, true, [&]<class Chosen>(const Chosen&) {
      chosen = Chosen::name;
      as_values = moved.widens() && is_direct<Chosen>;
    });
    for_each_candidate<What>([&]<class Algorithm>(Algorithm algorithm) {
      const std::size_t bytes = is_direct<Algorithm> ? moved.values : moved.partials;
      consider(algorithm.name, message_seconds<What, Algorithm>(cost, static_cast<double>(bytes)),
               algorithm.name == chosen);
    });
    made_.why = as_values ? "values travel as they are, and partial results would be " +
                                std::to_string(moved.partials) + " bytes"
                : few_on_one_node(comm)
                    ? "few ranks of one node, where the fewest rounds win"
                    : "few bytes want few messages, many bytes want few bytes per rank";
  }

  explanation made_;
};

}  // namespace detail

/// Says which algorithm `automatic` takes for a collective on this communicator, and what it and
/// the others are predicted to take. Local: nobody is asked.
///
/// `bytes` are those of a rank's larger buffer, in equal parts. Where ranks reach each other's
/// memory, collectives other than all_reduce have one direct algorithm, which `one_shot` names: one
/// phase for few bytes, two for more. The pick is that of measured limits, the predictions are
/// those of `shared_memory_cost` and `message_cost`, for ranks that share processors, too; between
/// several nodes, as if each had as many ranks and processors as this one and all were one machine.
template <class Comm>
[[nodiscard]] explanation explain(schedule::collective what, const Comm& comm, std::size_t bytes) {
  return detail::explaining::run(what, comm, {bytes});
}

/// The same for `count` values of type T in the larger buffer. Over messages partial results
/// travel, but for one_shot and two_shot, and may be larger than values: op::reproducible_sum's
/// are.
///
///     explain<float>(schedule::collective::all_reduce, comm, count, op::reproducible_sum{})
template <class T, class Comm, class Operation>
[[nodiscard]] explanation explain(schedule::collective what, const Comm& comm, std::size_t count,
                                  const Operation&) {
  using partial = typename reduction<Operation, T>::partial;
  const std::size_t travels = schedule::folds(what) ? sizeof(partial) : sizeof(T);
  return detail::explaining::run(what, comm, {count * sizeof(T), count * travels});
}

}  // namespace rondo::inline v0_1
