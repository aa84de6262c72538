// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/collective/detail/movement.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <type_traits>

/// Gather and scatter: every rank has its own part, the root has the whole.
namespace rondo::inline v0_1::detail {

template <schedule::collective What>
struct rooted_movement {
  static constexpr bool gathers = What == schedule::collective::gather;

  template <class Turn, class Job>
  static void run(Turn& turn, const Job& job) {
    if constexpr (gathers) {
      protocol::direct_gather(turn, job.in, job.out, job.received.of(job.comm), job.root);
    } else {
      protocol::direct_scatter(turn, job.in, job.out, job.sent.of(job.comm), job.root);
    }
  }

  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    check_policies<allow<policy::root, policy::algorithm, policy::counts, policy::async>,
                   Given...>();
    using T = element_of<Out>;
    const caller by{schedule::name_of(What), where};
    const auto from = readable(in);
    const auto to = writable(out);
    const std::size_t own = gathers ? from.size() : to.size();
    const std::size_t whole = gathers ? to.size() : from.size();
    const int root_rank = choose<policy::root>(root{0}, given...).rank;
    check_root(by, root_rank, comm.size());
    const auto cut = cut_for(by, comm, own, given...);
    check_count(by, gathers ? "the input" : "the output", own, cut.count(comm.rank()), comm.rank());
    const std::size_t total = cut.total(comm.size());
    if (comm.rank() == root_rank) {
      check_count(by, gathers ? "the output of the root" : "the input of the root", whole, total,
                  comm.rank());
      const std::size_t mine = cut.begin(root_rank);
      check_apart<T>(
          by, from, to,
          [&] {
            return gathers ? from.data() == to.data() + mine : to.data() == from.data() + mine;
          },
          comm.rank());
    }
    const auto with = policies_of(given...);
    using chosen = std::remove_const_t<decltype(with)>;
    using job = by_algorithm<
        movement<What, rooted_movement, Comm, T, typename chosen::algorithm_type, moves_only<T>>>;
    return launch(comm, call_of<What, T>(with, total, where, root_rank, cut.hash()),
                  job{{.comm = comm,
                       .in = from.data(),
                       .out = to.data(),
                       .sent = cut,
                       .received = cut,
                       .root = root_rank,
                       .algorithm = with.algorithm}},
                  given...);
  }
};

}  // namespace rondo::inline v0_1::detail
