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

struct reduce_scatter_direct {
  template <class Turn, class Job>
  static void run(Turn& turn, const Job& job) {
    protocol::direct_reduce_scatter(turn, job.in, job.out, job.in_cut(), job.fold.reduction);
  }
};

struct reduce_scatter_call {
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    check_policies<
        allow<policy::operation, policy::algorithm, policy::codec, policy::counts, policy::async>,
        Given...>();
    using T = element_of<Out>;
    const auto from = readable(in);
    const auto to = writable(out);
    const caller by{"reduce_scatter", where};
    const auto cut = cut_for(by, comm, to.size(), given...);
    check_count(by, "the input", from.size(), cut.total(comm.size()), comm.rank());
    check_count(by, "the output", to.size(), cut.count(comm.rank()), comm.rank());
    check_apart<T>(
        by, from, to, [&] { return to.data() == from.data() + cut.begin(comm.rank()); },
        comm.rank());
    const auto with = policies_of(given...);
    const call made =
        call_of<schedule::collective::reduce_scatter, T>(with, from.size(), where, -1, cut.hash());
    return launch_movement<schedule::collective::reduce_scatter, reduce_scatter_direct, T>(
        comm, made, from.data(), to.data(), cut, cut, with, given...);
  }
};

}  // namespace detail

/// Folds the ranks' inputs element by element and gives each rank one part of the result.
///
///     reduce_scatter(comm, in, out)                 in: [n count], out: [count]
///     reduce_scatter(comm, in, out, counts{each})   in: [sum of each], out: [each[rank]]
///     policies: an operation (sum), an algorithm (automatic), a codec (none), counts, async{}
///
/// `out` may be this rank's own part of `in`. Order: that of ranks, but for `halving_doubling` and
/// `ring`; `automatic` takes those for operations that commute. Exactness as all_reduce.
/// Cost per rank: (n-1)/n of the input's bytes.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for counts that do not
/// fit, and for buffers that overlap otherwise.
RONDO_COLLECTIVE(reduce_scatter);

}  // namespace rondo::inline v0_1
