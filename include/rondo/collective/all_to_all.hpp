// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/collective/detail/coded_movement.hpp>
#include <rondo/collective/detail/cut_by_rank.hpp>
#include <rondo/collective/detail/movement.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1 {
namespace detail {

/// Every rank shows where in its input each peer's chunk lies, then the chunks are loaded.
struct all_to_all_direct {
  template <class Turn, class Job>
  static void run(Turn& turn, const Job& job) {
    const auto sent = job.in_cut();
    const auto received = job.out_cut();
    if (job.sent.per_rank.empty()) {
      move(turn, job.in, job.out, sent, received, [&](int rank, int) { return sent.offset(rank); });
      return;
    }
    const auto size = static_cast<std::size_t>(turn.size());
    part* const mine = job.comm.scratch().template get<part>(2 * size);
    part* const theirs = mine + size;
    for (int rank = 0; rank < turn.size(); ++rank) {
      mine[rank] = {sent.offset(rank), sent.count(rank)};
    }
    move(turn, static_cast<const part*>(mine), theirs, chunking::blocks(1), chunking::blocks(1),
         [](int rank, int) { return static_cast<std::size_t>(rank); });
    for (int rank = 0; rank < turn.size(); ++rank) {
      require_count(turn, rank, received.count(rank), theirs[rank].count);
    }
    turn.advance();
    move(turn, job.in, job.out, sent, received, [&](int, int rank) { return theirs[rank].first; });
  }

 private:
  template <class Turn, class T, class Theirs>
  static void move(Turn& turn, const T* in, T* out, const chunking& sent, const chunking& received,
                   const Theirs& theirs) {
    if constexpr (protocol::reaches_buffers<Turn>) {
      const bool equal = sent.uniform() && received.uniform();
      protocol::direct_all_to_all(turn, in, out, received, equal, theirs);
    } else {
      protocol::staged_all_to_all(turn, in, out, sent, received);
    }
  }
};

struct all_to_all_call {
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    check_policies<allow<policy::algorithm, policy::codec, policy::counts, policy::async>,
                   Given...>();
    using T = element_of<Out>;
    const auto from = readable(in);
    const auto to = writable(out);
    const auto size = static_cast<std::size_t>(comm.size());
    const caller by{"all_to_all", where};
    const auto sent = cut_for(by, comm, from.size() / size, given...);
    cut_by_rank received = sent;
    if constexpr (number_given<policy::counts, Given...> == 1) {
      const counts both = choose<policy::counts>(nothing_given{}, given...);
      if (both.from_rank.size() != size) {
        refuse_list(by, "what comes from ", both.from_rank.size(), comm.size(), comm.rank());
      }
      received = cut_by_rank{.per_rank = both.from_rank, .which = 1};
    }
    check_count(by, "the input", from.size(), sent.total(comm.size()), comm.rank());
    check_count(by, "the output", to.size(), received.total(comm.size()), comm.rank());
    check_apart<T>(
        by, from, to, [] { return false; }, comm.rank());
    const auto with = policies_of(given...);
    const bool equal = sent.per_rank.empty();  // lists differ from rank to rank
    const call made = call_of<schedule::collective::all_to_all, T>(
        with, equal ? from.size() : counts_of_each_rank, where);
    return launch_movement<schedule::collective::all_to_all, all_to_all_direct, T>(
        comm, made, from.data(), to.data(), sent, received, with, given...);
  }
};

}  // namespace detail

/// Sends chunk d of each rank's input to rank d, which puts it where the sender's number says.
///
///     all_to_all(comm, in, out)                           in: [n count], out: [n count]
///     all_to_all(comm, in, out, counts{sent, received})   in: [sum of sent],
///                                                         out: [sum of received]
///     policies: an algorithm (automatic), a codec (none), counts, async{}
///
/// `sent[d]` on rank s must equal `received[s]` on rank d. Cost per rank: (n-1)/n of the bytes.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for counts that do not fit or
/// for buffers that overlap.
RONDO_COLLECTIVE(all_to_all);

}  // namespace rondo::inline v0_1
