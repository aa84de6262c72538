// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/perform.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class Algorithm>
struct barrier_job {
  Comm& comm;
  Algorithm algorithm;

  static constexpr auto what = schedule::collective::barrier;

  template <class Turn>
  void operator()(Turn& turn) const {
    if constexpr (is_native<Algorithm>) {
      turn.native(schedule::make<what>{}, *this);
    } else if constexpr (shares_memory<Turn> && (is_automatic<Algorithm> || is_direct<Algorithm>)) {
      protocol::one_thread alone;
      protocol::barrier(alone, turn);
    } else if constexpr (is_automatic<Algorithm>) {
      scheduled(turn, bruck{});
    } else {
      scheduled(turn, algorithm);
    }
  }

 private:
  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    const std::byte* none = nullptr;
    run_program(comm, turn, program_of<what>(comm, chosen, 0), none, static_cast<std::byte*>(nullptr),
                chunking::blocks(0), chunking::blocks(0), fold_nothing<std::byte>{});
  }
};

template <class Comm, class... Given>
auto make_barrier(source_location where, Comm& comm, const Given&... given) {
  check_policies<allow<policy::algorithm, policy::async>, Given...>();
  const auto algorithm = choose<policy::algorithm>(automatic{}, given...);
  using algorithm_type = std::remove_const_t<decltype(algorithm)>;
  static constexpr signature what{"barrier", "", {}, algorithm_type::name};
  const call made{&what, 0, -1, where, parameters_of(algorithm)};
  return launch(comm, made, barrier_job<Comm, algorithm_type>{comm, algorithm}, given...);
}

}  // namespace detail

/// Returns when every rank has called it. Policies: an algorithm (automatic), async{}.
/// Cost: one latency on thread ranks, ceil(log2 n) over messages. Errors: mismatch, timeout, revoked.
template <class Comm>
auto barrier(Comm&& comm, source_location where = source_location::current()) {
  return detail::make_barrier(where, comm);
}
template <class Comm, class A>
auto barrier(Comm&& comm, const A& a, source_location where = source_location::current()) {
  return detail::make_barrier(where, comm, a);
}
template <class Comm, class A, class B>
auto barrier(Comm&& comm, const A& a, const B& b,
             source_location where = source_location::current()) {
  return detail::make_barrier(where, comm, a, b);
}

}  // namespace rondo::inline v0_1
