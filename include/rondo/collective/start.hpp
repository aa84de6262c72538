// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/check_algorithm.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

/// How every collective call begins: its policies, its fingerprint, what is refused.
namespace rondo::inline v0_1::detail {

template <class Algorithm>
inline constexpr bool is_automatic = std::is_same_v<Algorithm, automatic>;
template <class Algorithm>
inline constexpr bool is_native = std::is_same_v<Algorithm, native>;
template <class Algorithm>
inline constexpr bool is_direct =
    std::is_same_v<Algorithm, one_shot> || std::is_same_v<Algorithm, two_shot>;

struct nothing_given {};

/// A call's policies by kind, what is missing filled in.
template <class Operation, class Algorithm, class Codec>
struct chosen_policies {
  Operation operation;
  Algorithm algorithm;
  Codec codec;

  using operation_type = Operation;
  using algorithm_type = Algorithm;
  using codec_type = Codec;
  static constexpr bool coded = !std::is_same_v<Codec, nothing_given>;

  /// What ranks must agree about besides types. Of a codec's, the size of its wire tells, too.
  [[nodiscard]] constexpr std::uint64_t parameters(std::size_t count) const {
    std::uint64_t of_codec = parameters_of(codec);
    if constexpr (requires { codec.wire_bytes(count); }) {
      of_codec = mixed_parameters(of_codec, std::uint64_t{codec.wire_bytes(count)});
    }
    return mixed_parameters(parameters_of(algorithm), parameters_of(operation), of_codec);
  }
};

template <class Operation, class Algorithm, class Codec>
chosen_policies(Operation, Algorithm, Codec) -> chosen_policies<Operation, Algorithm, Codec>;

template <class... Given>
[[nodiscard]] constexpr auto policies_of(const Given&... given) {
  return chosen_policies{choose<policy::operation>(op::sum{}, given...),
                         choose<policy::algorithm>(automatic{}, given...),
                         choose<policy::codec>(nothing_given{}, given...)};
}

/// What a call site fixes at compile time, in words. T is void where nothing moves.
template <schedule::collective What, class T, class Operation, class Algorithm, class Codec>
inline constexpr signature signature_of{
    schedule::name_of(What), std::is_void_v<T> ? std::string_view{} : type_name<T>(),
    schedule::folds(What) ? operation_name<Operation>() : std::string_view{}, Algorithm::name,
    chosen_policies<Operation, Algorithm, Codec>::coded ? type_name<Codec>() : std::string_view{}};

/// One rank's view of a call: what its peers must agree about. `cuts` stands for lists of counts.
template <schedule::collective What, class T, class Operation, class Algorithm, class Codec>
[[nodiscard]] call call_of(const chosen_policies<Operation, Algorithm, Codec>& with,
                           std::size_t count, source_location where, int root = -1,
                           std::uint64_t cuts = 0) {
  if constexpr (!is_automatic<Algorithm> && !is_native<Algorithm>) {
    schedule::check_algorithm<Algorithm, What>();
  }
  return {&signature_of<What, T, Operation, Algorithm, Codec>, count, root, where,
          with.parameters(count) ^ cuts};
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

// Words are put together out of line: calls that are right are not to pay for them.

[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_root(std::string_view collective,
                                                               int root, int size) {
  refuse(std::string{collective} + ": root " + std::to_string(root) + " of " +
         std::to_string(size) + " ranks; pass 0 .. " + std::to_string(size - 1));
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_count(std::string_view collective,
                                                                const char* which, std::size_t got,
                                                                std::size_t expected, int rank) {
  refuse(std::string{collective} + ": " + which + " of rank " + std::to_string(rank) + " has " +
             std::to_string(got) + " elements, expected " + std::to_string(expected),
         rank);
}
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse_overlap(std::string_view collective,
                                                                  int rank) {
  refuse(std::string{collective} + ": input and output of rank " + std::to_string(rank) +
             " overlap; pass buffers that do not, or one in place as the collective allows it",
         rank);
}

inline void check_root(std::string_view collective, int root, int size) {
  if (root < 0 || root >= size) {
    refuse_root(collective, root, size);
  }
}

inline void check_count(std::string_view collective, const char* which, std::size_t got,
                        std::size_t expected, int rank) {
  if (got != expected) {
    refuse_count(collective, which, got, expected, rank);
  }
}

/// Refuses an input that shares memory with the output, unless `in_place()` says that it may.
template <class T, class InPlace>
void check_apart(std::string_view collective, std::span<const T> in, std::span<T> out,
                 const InPlace& in_place, int rank) {
  const auto in_begins = reinterpret_cast<std::uintptr_t>(in.data());
  const auto out_begins = reinterpret_cast<std::uintptr_t>(out.data());
  // Distances are unsigned: a negative one comes around and is longer than any buffer.
  if ((out_begins - in_begins < in.size_bytes() || in_begins - out_begins < out.size_bytes()) &&
      !in_place() && !in.empty() && !out.empty()) {
    refuse_overlap(collective, rank);
  }
}

}  // namespace rondo::inline v0_1::detail
