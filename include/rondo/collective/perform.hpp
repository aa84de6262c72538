// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/execute.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// What every collective call does, whatever it computes: refuse what does not fit, find the
/// schedule, run it.
namespace rondo::inline v0_1::detail {

struct nothing_given {};

template <class...>
inline constexpr bool begins_with_buffer = false;
template <class First, class... Rest>
inline constexpr bool begins_with_buffer<First, Rest...> = buffer<First>;

/// True of a turn whose peers' buffers can be loaded and stored where they lie.
template <class Turn>
inline constexpr bool shares_memory = requires { requires Turn::shares_memory; };

template <class Algorithm>
inline constexpr bool is_automatic = std::is_same_v<Algorithm, automatic>;
template <class Algorithm>
inline constexpr bool is_native = std::is_same_v<Algorithm, native>;
template <class Algorithm>
inline constexpr bool is_direct =
    std::is_same_v<Algorithm, one_shot> || std::is_same_v<Algorithm, two_shot>;

/// Parameters of an algorithm that ranks must agree about, the parts of a composed one included.
template <class Algorithm>
[[nodiscard]] constexpr std::uint64_t parameters_of(const Algorithm& algorithm) {
  if constexpr (requires { algorithm.inner_size; }) {
    const std::uint64_t inner = hash_of(algorithm.inner.name, parameters_of(algorithm.inner) + 1);
    const std::uint64_t outer = hash_of(algorithm.outer.name, parameters_of(algorithm.outer) + 1);
    return (inner * 0x9e3779b97f4a7c15u ^ outer) * 0xbf58476d1ce4e5b9u +
           static_cast<std::uint64_t>(algorithm.inner_size);
  } else if constexpr (requires { algorithm.segments; }) {
    return static_cast<std::uint64_t>(algorithm.segments);
  } else {
    return 0;
  }
}

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
  static_assert(schedule::generates<Algorithm, What>,
                "rondo: this algorithm does not make this collective; the table of "
                "docs/collectives.md says which do");
  return comm.kept().template get<schedule::program>(
      program_key<Algorithm>{algorithm, What, root}, [&] {
        return generate(algorithm, schedule::make<What>{},
                        schedule::place{comm.rank(), comm.size(), root});
      });
}

/// Runs `program` over messages. `Element` is what travels: values, or partial results.
template <class Comm, class Turn, class Element, class Fold>
void run_program(Comm& comm, Turn& turn, const schedule::program& program, const Element* in,
                 Element* out, const chunking& in_layout, const chunking& out_layout,
                 const Fold& with) {
  const bool equal = in_layout.uniform() && out_layout.uniform();
  if (program.uniform && !equal) {
    refuse("this algorithm needs the same count on every rank; use ring or one_shot");
  }
  const std::size_t slot = larger(in_layout.largest(program.chunks),
                                      out_layout.largest(program.chunks));
  auto* scratch = reinterpret_cast<Element*>(
      comm.scratch().get(slot * static_cast<std::size_t>(program.slots) * sizeof(Element)));
  const memories<Element, chunking, chunking> at{in,        out,  scratch, in_layout,
                                                  out_layout, slot, program.uniform};
  auto& lists = comm.kept().template get<round_lists>(0, [] { return round_lists{}; });
  execute(turn, program, at, with, lists);
}

/// How a buffer that has a chunk for every rank is cut: equal blocks, or counts given by the caller.
struct cut_by_rank {
  std::size_t block = 0;
  std::span<const std::size_t> per_rank{};
  int which = 0;  ///< tells apart the lists of a call that has two

  /// The table of a list of counts lies in memory of the communicator, until its next call.
  template <class Comm>
  [[nodiscard]] chunking of(Comm& comm) const {
    if (per_rank.empty()) {
      return chunking::blocks(block);
    }
    auto& begins = comm.kept().template get<std::vector<std::size_t>>(
        which, [&] { return std::vector<std::size_t>(per_rank.size() + 1, 0); });
    for (std::size_t rank = 0; rank < per_rank.size(); ++rank) {
      begins[rank + 1] = begins[rank] + per_rank[rank];
    }
    return chunking::table(begins);
  }

  /// The largest number where the sum would wrap: no buffer is that long.
  [[nodiscard]] std::size_t total(int ranks) const {
    if (per_rank.empty()) {
      return block * static_cast<std::size_t>(ranks);
    }
    std::size_t sum = 0;
    for (const auto count : per_rank) {
      sum = count > ~sum ? ~std::size_t{0} : sum + count;
    }
    return sum;
  }
  [[nodiscard]] std::size_t count(int rank) const {
    return per_rank.empty() ? block : per_rank[static_cast<std::size_t>(rank)];
  }
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t mixed = per_rank.size();
    for (const auto count : per_rank) {
      mixed = (mixed ^ count) * 0x100000001b3u;
    }
    return mixed;
  }
};

/// The caller's counts, one per rank, or equal blocks of `block` elements.
template <class Comm, class... Given>
[[nodiscard]] cut_by_rank cut_for(const char* collective, const Comm& comm, std::size_t block,
                                  const Given&... given) {
  if constexpr (number_given<policy::counts, Given...> == 1) {
    const counts each = choose<policy::counts>(nothing_given{}, given...);
    if (each.per_rank.size() != static_cast<std::size_t>(comm.size())) {
      refuse(std::string{collective} + ": counts for " + std::to_string(each.per_rank.size()) +
                 " ranks, expected " + std::to_string(comm.size()),
             comm.rank());
    }
    return {0, each.per_rank, 0};
  } else {
    return {block, {}, 0};
  }
}

/// Makes the call now, or begins it.
template <class Comm, class Body, class... Given>
auto launch(Comm& comm, const call& made, Body body, const Given&...) {
  if constexpr (number_given<policy::async, Given...> == 1) {
    return comm.begin_collective(made, std::move(body));
  } else {
    comm.collective(made, body);
  }
}

inline void check_root(const char* collective, int root, int size) {
  if (root < 0 || root >= size) {
    refuse(std::string{collective} + ": root " + std::to_string(root) + " of " +
           std::to_string(size) + " ranks; pass 0 .. " + std::to_string(size - 1));
  }
}

inline void check_count(const char* collective, const char* which, std::size_t got,
                        std::size_t expected, int rank) {
  if (got != expected) {
    refuse(std::string{collective} + ": " + which + " of rank " + std::to_string(rank) + " has " +
               std::to_string(got) + " elements, expected " + std::to_string(expected),
           rank);
  }
}

}  // namespace rondo::inline v0_1::detail
