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
  void operator()(Turn& turn) const {
    if constexpr (is_native<Algorithm>) {
      turn.native(schedule::make<what>{}, *this);
    } else if constexpr (shares_memory<Turn> && (is_automatic<Algorithm> || is_direct<Algorithm>)) {
      protocol::direct_broadcast(turn, in, out, count, root);
    } else if constexpr (is_automatic<Algorithm>) {
      choose_rooted(turn, count * sizeof(T),
                    [&](const auto& chosen) { scheduled(turn, chosen); });
    } else {
      scheduled(turn, resolved(algorithm, comm));
    }
  }

 private:
  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    const auto& program = program_of<what>(comm, chosen, root);
    const chunking cut = chunking::even(count, program.chunks);
    run_program(comm, turn, program, in, out, cut, cut, fold_nothing<T>{});
  }
};

struct broadcast_call {
  template <class Comm, writable_buffer Values, class... Given>
  static auto make(source_location where, Comm& comm, Values& values, const Given&... given) {
    check_policies<allow<policy::root, policy::algorithm, policy::async>, Given...>();
    using T = element_of<Values>;
    const auto whole = writable(values);
    const int root_rank = choose<policy::root>(root{0}, given...).rank;
    check_root("broadcast", root_rank, comm.size());
    const auto algorithm = choose<policy::algorithm>(automatic{}, given...);
    using algorithm_type = std::remove_const_t<decltype(algorithm)>;
    static constexpr signature what{"broadcast", type_name<T>(), {}, algorithm_type::name};
    const call made{&what, whole.size(), root_rank, where, parameters_of(algorithm)};
    return launch(comm, made,
                  broadcast_job<Comm, T, algorithm_type>{comm, whole.data(), whole.data(),
                                                         whole.size(), root_rank, algorithm},
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
