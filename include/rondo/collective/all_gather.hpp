// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/collective/detail/coded_movement.hpp>
#include <rondo/collective/detail/cut_by_rank.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1 {
namespace detail {

struct all_gather_direct {
  template <class Turn, class Job>
  static void run(Turn& turn, const Job& job) {
    protocol::direct_all_gather(turn, job.in, job.out, job.out_cut());
  }
};

struct all_gather_call {
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    check_policies<allow<policy::algorithm, policy::codec, policy::counts, policy::async>,
                   Given...>();
    using T = element_of<Out>;
    const auto from = readable(in);
    const auto to = writable(out);
    const caller by{"all_gather", where};
    const auto cut = cut_for(by, comm, from.size(), given...);
    check_count(by, "the input", from.size(), cut.count(comm.rank()), comm.rank());
    check_count(by, "the output", to.size(), cut.total(comm.size()), comm.rank());
    check_apart<T>(
        by, from, to, [&] { return from.data() == to.data() + cut.begin(comm.rank()); },
        comm.rank());
    const auto with = policies_of(given...);
    const call made =
        call_of<schedule::collective::all_gather, T>(with, to.size(), where, -1, cut.hash());
    return launch_movement<schedule::collective::all_gather, all_gather_direct, T>(
        comm, made, from.data(), to.data(), cut, cut, with, given...);
  }
};

}  // namespace detail

/// Gives every rank the concatenation of all ranks' inputs, in rank order.
///
///     all_gather(comm, in, out)                 in: [count], out: [n count]
///     all_gather(comm, in, out, counts{each})   in: [each[rank]], out: [sum of each]
///     policies: an algorithm (automatic), a codec (none), counts, async{}
///
/// `in` may be this rank's own part of `out`. Cost per rank: the peers' bytes, once.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for counts that do not
/// fit, and for buffers that overlap otherwise.
RONDO_COLLECTIVE(all_gather);

}  // namespace rondo::inline v0_1
