// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/call_site.hpp>
#include <rondo/collective/movement.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class T, class Operation, class Algorithm>
struct reduce_job {
  Comm& comm;
  const T* in;
  T* out;  ///< written on the root only
  std::size_t count;
  int root;
  Operation operation;
  Algorithm algorithm;

  using folds = reduction<Operation, T>;
  using partial = typename folds::partial;
  static constexpr auto what = schedule::collective::reduce;

  template <class Turn>
  void operator()(Turn& turn) const {
    const folds with{operation, comm.size()};
    if constexpr (is_native<Algorithm>) {
      turn.native(schedule::make<what>{}, *this);
    } else if constexpr (shares_memory<Turn> && (is_automatic<Algorithm> || is_direct<Algorithm>)) {
      protocol::direct_reduce(turn, in, out, count, root, with);
    } else if constexpr (is_automatic<Algorithm>) {
      choose_rooted(turn, count * sizeof(partial),
                    [&](const auto& chosen) { scheduled(turn, chosen, with); });
    } else {
      scheduled(turn, resolved(algorithm, comm), with);
    }
  }

 private:
  /// Ranks other than the root fold in scratch: their output is not theirs to give.
  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen, const folds& with) const {
    const auto& program = program_of<what>(comm, chosen, root);
    const chunking cut = chunking::even(count, program.chunks);
    const folds_with<T, Operation> fold{with};
    const bool gets = comm.rank() == root;
    if constexpr (std::is_same_v<partial, T>) {
      T* to = gets ? out : reinterpret_cast<T*>(comm.widened().get(count * sizeof(T)));
      run_program(comm, turn, program, in, to, cut, cut, fold.partials());
      fold.finish(out, gets ? count : 0);
    } else {
      auto* wide = reinterpret_cast<partial*>(comm.widened().get(2 * count * sizeof(partial)));
      fold.lift(in, wide, count);
      run_program(comm, turn, program, static_cast<const partial*>(wide), wide + count, cut, cut,
                  fold.partials());
      fold.lower(wide + count, out, gets ? count : 0);
    }
  }
};

struct reduce_call {
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    check_policies<allow<policy::operation, policy::root, policy::algorithm, policy::async>,
                   Given...>();
    using T = element_of<Out>;
    const auto from = readable(in);
    const auto to = writable(out);
    const int root_rank = choose<policy::root>(root{0}, given...).rank;
    check_root("reduce", root_rank, comm.size());
    if (comm.rank() == root_rank) {
      check_count("reduce", "the output of the root", to.size(), from.size(), comm.rank());
    }
    const auto operation = choose<policy::operation>(op::sum{}, given...);
    const auto algorithm = choose<policy::algorithm>(automatic{}, given...);
    using operation_type = std::remove_const_t<decltype(operation)>;
    using algorithm_type = std::remove_const_t<decltype(algorithm)>;
    static constexpr signature what{"reduce", type_name<T>(), operation_name<operation_type>(),
                                    algorithm_type::name};
    const call made{&what, from.size(), root_rank, where, parameters_of(algorithm)};
    return launch(comm, made,
                  reduce_job<Comm, T, operation_type, algorithm_type>{
                      comm, from.data(), to.data(), from.size(), root_rank, operation, algorithm},
                  given...);
  }
};

}  // namespace detail

/// Folds the ranks' inputs element by element and gives the root the result.
///
///     reduce(comm, in, out, root{r})   in: [count], out: [count] on the root
///     policies: an operation (sum), a root (0), an algorithm (automatic), async{}
///
/// Other ranks' `out` is not touched and may be empty. Order and exactness as all_reduce.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for a root that is no rank.
RONDO_COLLECTIVE(reduce);

}  // namespace rondo::inline v0_1
