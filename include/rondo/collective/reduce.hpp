// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/collective/detail/fold_at_owner.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/direct.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class T, class Algorithm, class Fold>
struct reduce_job {
  Comm& comm;
  const T* in;
  T* out;  ///< written on the root only
  std::size_t count;
  int root;
  Algorithm algorithm;
  Fold fold;

  static constexpr auto what = schedule::collective::reduce;

  template <class Turn>
  void direct(Turn& turn) const {
    protocol::direct_reduce(turn, in, out, count, root, fold.reduction);
  }

  template <class Turn, class Run>
  void choose(const Turn& turn, const Run& run) const {
    choose_rooted<Fold::commutes>(turn, fold.payload_of(count), run);
  }

  /// Ranks other than the root fold in scratch: their output is not theirs to give.
  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    const bool gets = comm.rank() == root;
    if constexpr (values_travel<Chosen, Fold> && std::is_same_v<Chosen, one_shot>) {
      fold_at_owner(
          comm, turn, in, out,
          [&](int) {
            return part{0, count};
          },
          fold, root);
    } else if constexpr (values_travel<Chosen, Fold>) {
      const chunking cut = chunking::even(count, turn.size());
      const part mine = cut.part_of(turn.rank());
      T* const own = gets ? out + mine.first : comm.widened().template get<T>(mine.count);
      fold_at_owner(
          comm, turn, in, own, [&](int rank) { return cut.part_of(rank); }, fold);
      gather_from_owners(comm, turn, own, out, cut, root);
    } else {
      const auto& program = program_of<what>(comm, chosen, root);
      const chunking cut = chunking::even(count, program.chunks);
      T* to = out;
      if (!gets && !Fold::lifts) {
        to = comm.widened().template get<T>(count);
      }
      run_folding(comm, turn, program, in, count, to, 0, gets ? count : 0, cut, cut, fold);
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
    const caller by{"reduce", where};
    check_root(by, root_rank, comm.size());
    if (comm.rank() == root_rank) {
      check_count(by, "the output of the root", to.size(), from.size(), comm.rank());
      check_apart<T>(
          by, from, to, [&] { return from.data() == to.data(); }, comm.rank());
    }
    const auto with = policies_of(given...);
    using chosen = std::remove_const_t<decltype(with)>;
    using fold = folds_with<T, typename chosen::operation_type>;
    using job = by_algorithm<reduce_job<Comm, T, typename chosen::algorithm_type, fold>>;
    return launch(comm,
                  call_of<schedule::collective::reduce, T>(with, from.size(), where, root_rank),
                  job{{.comm = comm,
                       .in = from.data(),
                       .out = to.data(),
                       .count = from.size(),
                       .root = root_rank,
                       .algorithm = with.algorithm,
                       .fold = {{with.operation, comm.size()}}}},
                  given...);
  }
};

}  // namespace detail

/// Folds the ranks' inputs element by element and gives the root the result.
///
///     reduce(comm, in, out, root{r})   in: [count], out: [count] on the root
///     policies: an operation (sum), a root (0), an algorithm (automatic), async{}
///
/// Other ranks' `out` is not touched and may be empty. Order: that of ranks, but for `tree` to a
/// root that is not 0, and `ring`; `automatic` takes those for operations that commute. Exactness
/// as all_reduce. Cost: the root gets the bytes n-1 times, or 2 (n-1)/n times in `two_shot`.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for a root that is no rank,
/// and for buffers of the root that overlap without being the same.
RONDO_COLLECTIVE(reduce);

}  // namespace rondo::inline v0_1
