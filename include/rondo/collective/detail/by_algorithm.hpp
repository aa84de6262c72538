// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/schedule/check_algorithm.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

/// How a collective is made, once ranks have begun it: by the transport, directly, or as a
/// schedule.
namespace rondo::inline v0_1::detail {

template <class Algorithm, class Comm>
[[nodiscard]] Algorithm resolved(Algorithm algorithm, const Comm& comm) {
  if constexpr (requires { algorithm.inner_size; }) {
    if (algorithm.inner_size == 0) {
      algorithm.inner_size = comm.node_size();
    }
  }
  return algorithm;
}

template <class Algorithm>
struct program_key {
  Algorithm algorithm;
  schedule::collective what;
  int root;
  friend bool operator==(const program_key&, const program_key&) = default;
};

/// The calling rank's program, made at the first call.
template <schedule::collective What, class Comm, class Algorithm>
[[nodiscard]] const schedule::program& program_of(Comm& comm, const Algorithm& algorithm,
                                                  int root) {
  schedule::check_algorithm<Algorithm, What>();
  return comm.kept().template get<schedule::program>(
      program_key<Algorithm>{algorithm, What, root}, [&] {
        if constexpr (schedule::generates<Algorithm, What>) {
          return generate(algorithm, schedule::make<What>{},
                          schedule::place{comm.rank(), comm.size(), root});
        } else {
          return schedule::program{};  // refused above
        }
      });
}

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_counts(schedule::collective what,
                                                                 std::string_view algorithm) {
  refuse(std::string{schedule::name_of(what)} + ": " + std::string{algorithm} +
         " needs the same count for every rank; with counts that differ use automatic, " +
         std::string{schedule::algorithms_by_counts(what)});
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_uneven_parts(int parts) {
  refuse("this algorithm cuts the values into " + std::to_string(parts) +
         " equal parts; use another one, or a count that is a multiple of it");
}

[[nodiscard]] inline bool cuts_equally(const schedule::program& program, const chunking& in_layout,
                                       const chunking& out_layout) {
  return in_layout.equal(program.chunks) && out_layout.equal(program.chunks);
}

/// Runs `program` over messages. `Element` is what travels: values, or partial results.
template <class Comm, class Turn, class Element, class Fold>
void run_program(Comm& comm, Turn& turn, const schedule::program& program, const Element* in,
                 Element* out, const chunking& in_layout, const chunking& out_layout,
                 const Fold& with) {
  if (program.uniform && !cuts_equally(program, in_layout, out_layout)) {
    refuse_uneven_parts(program.chunks);
  }
  const std::size_t slot =
      larger(in_layout.largest(program.chunks), out_layout.largest(program.chunks));
  Element* const scratch =
      comm.scratch().template get<Element>(slot * static_cast<std::size_t>(program.slot_count));
  const std::size_t touched =
      (in_layout.whole(program.chunks) + out_layout.whole(program.chunks)) * sizeof(Element);
  const memories<Element> at{
      .input = in,
      .output = out,
      .scratch = scratch,
      .input_layout = in_layout,
      .output_layout = out_layout,
      .slot_elements = slot,
      .uniform = program.uniform,
      .how =
          touched >= protocol::streams_from() ? protocol::store::streamed : protocol::store::cached,
  };
  execute(turn, program, at, with, lists_of(comm));
}

/// True of a turn that makes a job itself where no algorithm is asked for.
template <class Turn, class Job>
inline constexpr bool native_first = requires {
  requires Turn::template native_first<Job>;
};

/// Makes a collective by the algorithm that was asked for. A `Job` has `what`, `comm`, `algorithm`
/// and
///  - `direct(turn)`                makes it over peer memory
///  - `choose(turn, run)`           gives `run` the algorithm that `automatic` stands for over
///                                  messages
///  - `scheduled(turn, algorithm)`  makes it by a schedule, over messages
template <class Job>
struct by_algorithm : Job {
  template <class Turn>
  void operator()(Turn& turn) const {
    static_assert(gives_turns<std::remove_reference_t<decltype(Job::comm)>> && exchanging<Turn>,
                  "rondo: this communicator or its turn lacks some of what a schedule needs; see "
                  "rondo/transport/communicator.hpp and turn.hpp");
    using algorithm_type = decltype(Job::algorithm);
    if constexpr (is_native<algorithm_type> ||
                  (is_automatic<algorithm_type> && native_first<Turn, Job>)) {
      static_assert(
          requires { turn.native(schedule::make<Job::what>{}, *this); },
          "rondo: these ranks have no collectives of their own to call; native{} goes "
          "with MPI and NCCL");
      turn.native(schedule::make<Job::what>{}, *this);
    } else if constexpr (shares_memory<Turn> &&
                         (is_automatic<algorithm_type> || is_direct<algorithm_type>)) {
      this->direct(turn);
    } else if constexpr (is_automatic<algorithm_type>) {
      this->choose(turn, [&](const auto& chosen) { this->scheduled(turn, chosen); });
    } else {
      this->scheduled(turn, resolved(this->algorithm, this->comm));
    }
  }
};

}  // namespace rondo::inline v0_1::detail
