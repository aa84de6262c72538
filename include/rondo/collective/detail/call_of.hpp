// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/check_algorithm.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>

/// How every collective call begins: its policies and its fingerprint.
namespace rondo::inline v0_1::detail {

template <class Algorithm>
inline constexpr bool is_automatic = std::is_same_v<Algorithm, automatic>;
template <class Algorithm>
inline constexpr bool is_native = std::is_same_v<Algorithm, native>;
template <class Algorithm>
inline constexpr bool is_direct =
    std::is_same_v<Algorithm, one_shot> || std::is_same_v<Algorithm, two_shot>;

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
          with.parameters(count == counts_of_each_rank ? 0 : count) ^ cuts};
}

/// Makes the call now, or begins it.
template <class Comm, class Body, class... Given>
auto launch(Comm& comm, const call& made, Body body, const Given&...) {
  static_assert(takes_calls<Comm>,
                "rondo: this communicator lacks some of what a collective needs; see "
                "rondo/transport/communicator.hpp");
  if constexpr (number_given<policy::async, Given...> == 1) {
    static_assert(
        requires { comm.begin_collective(made, std::move(body)); },
        "rondo: this communicator has no calls for async{}; see "
        "rondo/transport/communicator.hpp");
    return comm.begin_collective(made, std::move(body));
  } else {
    comm.collective(made, body);
  }
}

}  // namespace rondo::inline v0_1::detail
