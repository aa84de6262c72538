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

struct scatter_direct {
  template <class Turn, class Job>
  static void run(Turn& turn, const Job& job) {
    protocol::direct_scatter(turn, job.in, job.out, job.sent.of(job.comm), job.root);
  }
};

struct scatter_call {
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    check_policies<allow<policy::root, policy::algorithm, policy::counts, policy::async>,
                   Given...>();
    using T = element_of<Out>;
    const auto from = readable(in);
    const auto to = writable(out);
    const int root_rank = choose<policy::root>(root{0}, given...).rank;
    check_root("scatter", root_rank, comm.size());
    const auto cut = cut_for("scatter", comm, to.size(), given...);
    check_count("scatter", "the output", to.size(), cut.count(comm.rank()), comm.rank());
    if (comm.rank() == root_rank) {
      check_count("scatter", "the input of the root", from.size(), cut.total(comm.size()),
                  comm.rank());
    }
    const auto algorithm = choose<policy::algorithm>(automatic{}, given...);
    using algorithm_type = std::remove_const_t<decltype(algorithm)>;
    static constexpr signature what{"scatter", type_name<T>(), {}, algorithm_type::name};
    const call made{&what, cut.total(comm.size()), root_rank, where,
                    parameters_of(algorithm) ^ cut.hash()};
    using job = movement<schedule::collective::scatter, scatter_direct, Comm, T, algorithm_type,
                         moves_only<T>>;
    return launch(comm, made,
                  job{comm, from.data(), to.data(), cut, cut, root_rank, algorithm, {}},
                  given...);
  }
};

}  // namespace detail

/// Gives each rank its part of the root's input.
///
///     scatter(comm, in, out, root{r})                 in: [n count] on the root, out: [count]
///     scatter(comm, in, out, root{r}, counts{each})   in: [sum of each], out: [each[rank]]
///     policies: a root (0), an algorithm (automatic), counts, async{}
///
/// Other ranks' `in` is not read and may be empty. Cost: the root sends (n-1) chunks.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for counts that do not fit.
RONDO_COLLECTIVE(scatter);

}  // namespace rondo::inline v0_1
