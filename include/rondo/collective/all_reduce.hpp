// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/automatic.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/check_codec.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/collective/detail/coded_all_reduce.hpp>
#include <rondo/collective/detail/fold_at_owner.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/collective/detail/linear_all_reduce.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/one_shot.hpp>
#include <rondo/protocol/two_shot.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

template <class...>
inline constexpr bool begins_with_buffer = false;
template <class First, class... Rest>
inline constexpr bool begins_with_buffer<First, Rest...> = buffer<First>;

template <class Comm, class T, class Algorithm, class Fold>
struct all_reduce_job {
  Comm& comm;
  const T* in;
  T* out;
  std::size_t count;
  Algorithm algorithm;
  Fold fold;

  static constexpr auto what = schedule::collective::all_reduce;

  template <class Turn>
  void direct(Turn& turn) const {
    protocol::one_thread alone;
    const std::size_t most = turn.stage_bytes() / sizeof(T);
    if constexpr (std::is_same_v<Algorithm, one_shot>) {
      if (most == 0) {
        refuse("all_reduce: an element of " + std::to_string(sizeof(T)) +
                   " bytes does not fit the " + std::to_string(turn.stage_bytes()) +
                   " bytes that one_shot stages; use two_shot or ring",
               turn.rank());
      }
    }
    const bool one =
        std::is_same_v<Algorithm, one_shot> ||
        (is_automatic<Algorithm> && most != 0 && prefers_one_shot(turn, count * sizeof(T)));
    if (!one) {
      protocol::two_shot_all_reduce(alone, turn, in, out, count, fold.reduction);
      return;
    }
    std::size_t done = 0;
    do {  // a call with no elements still meets its peers
      const std::size_t some = smaller(count - done, most);
      protocol::one_shot_all_reduce(alone, turn, in + done, out + done, some, fold.reduction);
      done += some;
      turn.advance();
    } while (done < count);
  }

  template <class Turn, class Run>
  void choose(const Turn& turn, const Run& run) const {
    choose_all_reduce<Fold::commutes>(turn, fold.payload_of(count), run);
  }

  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen) const {
    if constexpr (values_travel<Chosen, Fold>) {
      if constexpr (std::is_same_v<Chosen, one_shot>) {
        fold_at_owner(
            comm, turn, in, out,
            [&](int) {
              return part{0, count};
            },
            fold);
      } else {
        const chunking cut = chunking::even(count, turn.size());
        T* const own = out + cut.offset(turn.rank());
        fold_at_owner(
            comm, turn, in, own, [&](int rank) { return cut.part_of(rank); }, fold);
        gather_from_owners(comm, turn, own, out, cut);
      }
    } else {
      const auto& program = program_of<what>(comm, chosen, 0);
      const chunking cut = chunking::even(count, program.chunks);
      run_folding(comm, turn, program, in, count, out, 0, count, cut, cut, fold);
    }
  }
};

struct all_reduce_call {
  template <class Comm, buffer Values, class... Given>
  requires(!begins_with_buffer<Given...>) static auto make(source_location where, Comm& comm,
                                                           Values& values, const Given&... given) {
    static_assert(writable_buffer<Values>, "rondo: all_reduce in place needs a writable buffer");
    if constexpr (writable_buffer<Values>) {
      return start(where, comm, readable(values), writable(values), given...);
    }
  }
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    return start(where, comm, readable(in), writable(out), given...);
  }

 private:
  template <class Comm, class T, class... Given>
  static auto start(source_location where, Comm& comm, std::span<const T> in, std::span<T> out,
                    const Given&... given) {
    check_policies<allow<policy::operation, policy::algorithm, policy::codec, policy::async>,
                   Given...>();
    const caller by{"all_reduce", where};
    check_count(by, "the output", out.size(), in.size(), comm.rank());
    check_apart(
        by, in, out, [&] { return in.data() == out.data(); }, comm.rank());
    const auto with = policies_of(given...);
    using chosen = std::remove_const_t<decltype(with)>;
    using operation = typename chosen::operation_type;
    using algorithm = typename chosen::algorithm_type;
    const call made = call_of<schedule::collective::all_reduce, T>(with, in.size(), where);
    if constexpr (!chosen::coded) {
      using fold = folds_with<T, operation>;
      using job = by_algorithm<all_reduce_job<Comm, T, algorithm, fold>>;
      return launch(comm, made,
                    job{{.comm = comm,
                         .in = in.data(),
                         .out = out.data(),
                         .count = in.size(),
                         .algorithm = with.algorithm,
                         .fold = {{with.operation, comm.size()}}}},
                    given...);
    } else {
      using coded = typename chosen::codec_type;
      constexpr bool linear = codec::linear_codec<coded>;
      if constexpr (!linear) {
        check_codec<operation, algorithm, coded>();
      }
      using job =
          std::conditional_t<linear, linear_all_reduce_job<Comm, T, operation, algorithm, coded>,
                             coded_all_reduce<Comm, T, operation, algorithm, coded>>;
      return launch(comm, made,
                    job{.comm = comm,
                        .in = in.data(),
                        .out = out.data(),
                        .count = in.size(),
                        .operation = with.operation,
                        .algorithm = with.algorithm,
                        .codec = with.codec},
                    given...);
    }
  }
};

}  // namespace detail

/// Folds the ranks' buffers element by element and gives every rank the result.
///
///     all_reduce(comm, values)                         in place
///     all_reduce(comm, in, out)                        in: [count], out: [count]
///     policies: an operation (sum), an algorithm (automatic), a codec (none), async{}
///
/// Every rank calls it, with the same count, type, operation and algorithm. All ranks get the same
/// bits. `one_shot`, `two_shot` and what `automatic` picks on thread ranks fold in rank order; the
/// other algorithms in the order of their schedule. 16-bit floats fold in fp32.
///
/// Cost per rank, n ranks, B bytes: two_shot and ring move 2 (n-1)/n B; one_shot (n-1) B in one
/// latency. Errors: mismatch, timeout, revoked; error_code::invalid_argument for unequal
/// buffers, and for two that overlap.
RONDO_COLLECTIVE(all_reduce);

}  // namespace rondo::inline v0_1
