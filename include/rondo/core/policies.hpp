// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/policy.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>
#include <utility>

struct CUstream_st;  // what cudaStream_t points to; needs no CUDA header

/// Policies follow the buffers of a call, in any order, at most one of a kind.
namespace rondo::inline v0_1 {

/// The rank that gives (broadcast, scatter) or gets (reduce, gather).
struct root {
  static constexpr policy kind = policy::root;
  int rank = 0;
};

/// The rank a message goes to.
struct to {
  static constexpr policy kind = policy::peer;
  int rank = 0;
};

/// The rank a message comes from.
struct from {
  static constexpr policy kind = policy::peer;
  int rank = 0;
};

/// Tells messages between the same two ranks apart.
struct tag {
  static constexpr policy kind = policy::tag;
  int value = 0;
};

namespace detail {

/// True of an argument whose elements are gone when the statement ends: a temporary that owns them.
/// `Given` is as `Given&&` deduces it, so a reference for what has a name. A view owns nothing.
template <class Given>
inline constexpr bool ends_with_statement =
    !std::is_lvalue_reference_v<Given> &&
    !std::ranges::enable_borrowed_range<std::remove_cv_t<Given>>;

}  // namespace detail

/// How many elements belong to each rank, where they are not equally many. All-to-all takes two:
/// what goes to each rank, and what comes from each. Borrows the lists; `OfTemporary`, which is
/// deduced, tells that one of them ends with the statement.
template <bool OfTemporary = false>
struct counts {
  static constexpr policy kind = policy::counts;
  std::span<const std::size_t> per_rank{};
  std::span<const std::size_t> from_rank{};

  explicit constexpr counts(std::span<const std::size_t> each) : per_rank{each}, from_rank{each} {}
  constexpr counts(std::span<const std::size_t> sent, std::span<const std::size_t> received)
      : per_rank{sent}, from_rank{received} {}
};

template <std::convertible_to<std::span<const std::size_t>> Each>
explicit counts(Each&&) -> counts<detail::ends_with_statement<Each>>;
template <std::convertible_to<std::span<const std::size_t>> Sent,
          std::convertible_to<std::span<const std::size_t>> Received>
counts(Sent&&, Received&&)
    -> counts<detail::ends_with_statement<Sent> || detail::ends_with_statement<Received>>;

/// Begin the call and return at once; the result's `wait()` ends it.
struct async {
  static constexpr policy kind = policy::async;
};

/// Enqueue the call on this stream of a GPU and return at once. The default is the default stream.
struct on {
  static constexpr policy kind = policy::stream;
  CUstream_st* stream = nullptr;
};

namespace detail {

template <class P>
concept states_its_kind = requires {
  { P::kind } -> std::convertible_to<policy>;
};

template <class P>
concept looks_like_codec = requires(const P& codec) {
  codec.wire_bytes(std::size_t{1});
};

/// What has no kind of its own is a codec if it has `wire_bytes`, and else something to fold with.
template <class P>
consteval policy kind_of() {
  if constexpr (states_its_kind<P>) {
    return P::kind;
  } else if constexpr (looks_like_codec<P>) {
    return policy::codec;
  } else {
    return policy::operation;
  }
}

template <policy Kind, class... Given>
inline constexpr int number_given = (0 + ... + (kind_of<Given>() == Kind ? 1 : 0));

template <policy... Allowed>
struct allow {
  template <policy Kind>
  static constexpr bool takes_kind = ((Kind == Allowed) || ...);
  template <class Given>
  static constexpr bool takes = takes_kind<kind_of<Given>()>;
};

/// False if a policy of this kind was given to a call that takes none.
template <class Allow, policy Kind, class... Given>
inline constexpr bool kind_is_taken =
    number_given<Kind, Given...> == 0 || Allow::template takes_kind<Kind>;

/// Refuses a policy pack that is not meant, with one line that says why.
template <class Allow, class... Given>
consteval void check_policies() {
  static_assert((std::is_class_v<Given> && ...),
                "rondo: a policy must be an object such as op::sum{}, ring{} or root{2}; "
                "a bare number or pointer is not one");
  static_assert(
      number_given<policy::operation, Given...> <= 1,
      "rondo: two operations given; pass at most one of op::sum, op::max, a callable, ... "
      "(an unknown policy counts as an operation)");
  static_assert(number_given<policy::algorithm, Given...> <= 1,
                "rondo: two algorithms given; pass at most one of ring, tree, two_shot, ...");
  static_assert(number_given<policy::codec, Given...> <= 1,
                "rondo: two codecs given; pass at most one of int8, int4, ...");
  static_assert(number_given<policy::root, Given...> <= 1, "rondo: two roots given");
  static_assert(number_given<policy::counts, Given...> <= 1,
                "rondo: two counts given; all_to_all takes counts{sent, received}");
  static_assert(number_given<policy::peer, Given...> <= 1, "rondo: two peers given");
  static_assert(number_given<policy::tag, Given...> <= 1, "rondo: two tags given");
  static_assert(kind_is_taken<Allow, policy::operation, Given...>,
                "rondo: this collective does not take an operation (an unknown policy counts as "
                "one)");
  static_assert(kind_is_taken<Allow, policy::algorithm, Given...>,
                "rondo: this call does not take an algorithm");
  static_assert(kind_is_taken<Allow, policy::codec, Given...>,
                "rondo: this collective does not take a codec");
  static_assert(kind_is_taken<Allow, policy::root, Given...>,
                "rondo: this collective does not take root{}");
  static_assert(kind_is_taken<Allow, policy::counts, Given...>,
                "rondo: this collective does not take counts{}");
  static_assert(kind_is_taken<Allow, policy::peer, Given...>,
                "rondo: a collective does not take to{} or from{}; send and receive do");
  static_assert(kind_is_taken<Allow, policy::tag, Given...>,
                "rondo: a collective does not take tag{}; send and receive do");
  static_assert(kind_is_taken<Allow, policy::async, Given...>,
                "rondo: this call does not take async{}");
}

/// Stands for a policy that the call does not have.
struct nothing_given {};

template <policy Kind, class Default>
constexpr Default choose(Default fallback) {
  return fallback;
}

/// The policy of this kind, or `fallback` if the pack has none.
template <policy Kind, class Default, class First, class... Rest>
constexpr auto choose(Default fallback, const First& first, const Rest&... rest) {
  if constexpr (kind_of<First>() == Kind) {
    return first;
  } else {
    return choose<Kind>(fallback, rest...);
  }
}

}  // namespace detail
}  // namespace rondo::inline v0_1
