// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/protocol/partials.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class Algorithm>
struct barrier_job {
  Comm& comm;
  Algorithm algorithm;

  static constexpr auto what = schedule::collective::barrier;

  template <class Turn>
  void direct(Turn& turn) const {
    protocol::one_thread alone;
    protocol::barrier(alone, turn);
  }

  template <class Turn, class Run>
  void choose(const Turn& turn, const Run& run) const {
    choose_algorithm<what>(turn, payload{0}, true, run);
  }

  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    const std::byte* none = nullptr;
    run_program(comm, turn, program_of<what>(comm, chosen, 0), none,
                static_cast<std::byte*>(nullptr), chunking::blocks(0), chunking::blocks(0),
                protocol::fold_nothing<std::byte>{});
  }
};

struct barrier_call {
  template <class Comm, class... Given>
  static auto make(source_location where, Comm& comm, const Given&... given) {
    check_policies<allow<policy::algorithm, policy::async>, Given...>();
    const auto with = policies_of(given...);
    using chosen = std::remove_const_t<decltype(with)>;
    using job = by_algorithm<barrier_job<Comm, typename chosen::algorithm_type>>;
    return launch(comm, call_of<schedule::collective::barrier, void>(with, 0, where),
                  job{{.comm = comm, .algorithm = with.algorithm}}, given...);
  }
};

}  // namespace detail

/// Returns when every rank has called it. Policies: an algorithm (automatic), async{}.
/// Cost: one latency on thread ranks, ceil(log2 n) over messages.
/// Errors: mismatch, timeout, revoked.
RONDO_COLLECTIVE(barrier);

}  // namespace rondo::inline v0_1
