// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/protocol/partials.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class T, class Algorithm>
struct broadcast_job {
  Comm& comm;
  const T* in;  ///< read on the root only
  T* out;
  std::size_t count;
  int root;
  Algorithm algorithm;

  static constexpr auto what = schedule::collective::broadcast;

  template <class Turn>
  void direct(Turn& turn) const {
    protocol::direct_broadcast(turn, in, out, count, root);
  }

  template <class Turn, class Run>
  void choose(const Turn& turn, const Run& run) const {
    choose_rooted<true>(turn, payload{count * sizeof(T)}, run);
  }

  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    const auto& program = program_of<what>(comm, chosen, root);
    const chunking cut = chunking::even(count, program.chunks);
    run_program(comm, turn, program, in, out, cut, cut, protocol::fold_nothing<T>{});
  }
};

struct broadcast_call {
  template <class Comm, writable_buffer Values, class... Given>
  static auto make(source_location where, Comm& comm, Values& values, const Given&... given) {
    check_policies<allow<policy::root, policy::algorithm, policy::async>, Given...>();
    using T = element_of<Values>;
    const auto whole = writable(values);
    const int root_rank = choose<policy::root>(root{0}, given...).rank;
    check_root(caller{"broadcast", where}, root_rank, comm.size());
    const auto with = policies_of(given...);
    using chosen = std::remove_const_t<decltype(with)>;
    using job = by_algorithm<broadcast_job<Comm, T, typename chosen::algorithm_type>>;
    return launch(comm,
                  call_of<schedule::collective::broadcast, T>(with, whole.size(), where, root_rank),
                  job{{.comm = comm,
                       .in = whole.data(),
                       .out = whole.data(),
                       .count = whole.size(),
                       .root = root_rank,
                       .algorithm = with.algorithm}},
                  given...);
  }
};

}  // namespace detail

/// Copies the root's values to every rank.
///
///     broadcast(comm, values, root{r})   values: [count]
///     policies: a root (0), an algorithm (automatic), async{}
///
/// Cost per rank: the bytes, once; log2 n latencies as a tree.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for a root that is no rank.
RONDO_COLLECTIVE(broadcast);

}  // namespace rondo::inline v0_1
