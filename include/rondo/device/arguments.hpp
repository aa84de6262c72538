// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/device_span.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

/// What may follow the count or the buffers of a collective in a kernel, in any order: an
/// operation, an algorithm, a codec, a root; a prologue, called as `(index) -> element`; an
/// epilogue, called as `(index, element)`, that returns nothing; `granule`.
namespace rondo::inline v0_1::device {

/// Packets of 4 bytes and a flag in one word, whatever the size: least latency, twice the bytes.
/// What does not fit a block's inboxes goes in rounds.
struct packets {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "packets";
};

/// Packets of 120 bytes and a flag in one line of 128: little more than the bytes themselves. Needs
/// lines that arrive as a whole: ranks on one GPU, or NVLink between GPUs; not PCIe.
struct line_packets {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "line_packets";
};

/// Two-shot where ranks store into each other's windows, and read at home. What `two_shot{}` means
/// where peers' buffers cannot be reached.
struct two_shot_push {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "two_shot_push";
};
/// Two-shot where ranks write at home, and load from each other's windows.
struct two_shot_pull {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "two_shot_pull";
};

/// A block's share of the elements begins and ends on multiples of this, such as a row's length, so
/// that its epilogue sees whole rows.
struct granule {
  std::size_t elements = 1;
};

namespace detail {

/// A granule of one element is a line of memory.
template <class T>
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t line_or(std::size_t granule) {
  return granule > 1 ? granule : sizeof(T) < 128 ? 128 / sizeof(T) : 1;
}

}  // namespace detail

/// Which of `count` elements of T the calling block has in a call with this granule: those that its
/// epilogue of an all_reduce is called for.
template <class T, class Window>
[[nodiscard]] RONDO_HOST_DEVICE part share_of(const Window& window, std::size_t count,
                                              granule of = {}) {
  return even_part(count, window.slot_count(), window.slot(), detail::line_or<T>(of.elements));
}

namespace detail {

enum class role { policy, prologue, epilogue, granule };

template <class P>
consteval role role_of() {
  if constexpr (std::is_same_v<P, granule>) {
    return role::granule;
  } else if constexpr (rondo::detail::states_its_kind<P> || rondo::detail::looks_like_codec<P>) {
    return role::policy;
  } else if constexpr (std::is_invocable_v<const P&, std::size_t>) {
    return role::prologue;
  } else {
    return role::policy;  // or an epilogue, which takes the element's type to tell
  }
}

/// The first of the pack that `Wanted<P>::value` holds for, or the fallback.
template <template <class> class Wanted, class Default>
RONDO_HOST_DEVICE constexpr Default pick(const Default& fallback) {
  return fallback;
}
template <template <class> class Wanted, class Default, class First, class... Rest>
RONDO_HOST_DEVICE constexpr auto pick([[maybe_unused]] const Default& fallback,
                                      [[maybe_unused]] const First& first, const Rest&... rest) {
  if constexpr (Wanted<First>::value) {
    return first;
  } else {
    return pick<Wanted>(fallback, rest...);
  }
}

using rondo::detail::nothing_given;

template <class P>
using is_prologue = std::bool_constant<role_of<P>() == role::prologue>;
template <class P>
using is_granule = std::bool_constant<role_of<P>() == role::granule>;
template <class P>
using is_algorithm = std::bool_constant<role_of<P>() == role::policy &&
                                        rondo::detail::kind_of<P>() == policy::algorithm>;
template <class P>
using is_codec = std::bool_constant<role_of<P>() == role::policy &&
                                    rondo::detail::kind_of<P>() == policy::codec>;
template <class P>
using is_root =
    std::bool_constant<role_of<P>() == role::policy && rondo::detail::kind_of<P>() == policy::root>;

/// Policies of calls that fold, of those that move, and of those that move from one rank.
using of_folds = rondo::detail::allow<policy::operation, policy::algorithm, policy::codec>;
using of_moves = rondo::detail::allow<policy::algorithm, policy::codec>;
using of_root = rondo::detail::allow<policy::algorithm, policy::codec, policy::root>;

template <class P>
using is_callable = std::bool_constant<role_of<P>() == role::policy &&
                                       rondo::detail::kind_of<P>() == policy::operation>;
template <class T>
struct with_elements {
  /// Folds two elements into one.
  template <class P>
  static consteval bool folds() {
    if constexpr (is_callable<P>::value) {
      using wide = typename accumulator<T>::type;
      return std::is_invocable_r_v<wide, const P&, wide, wide> ||
             std::is_invocable_r_v<T, const P&, T, T>;
    } else {
      return false;
    }
  }
  template <class P>
  using is_operation = std::bool_constant<folds<P>()>;
  template <class P>
  using is_epilogue = std::bool_constant<is_callable<P>::value && !folds<P>() &&
                                         std::is_invocable_v<const P&, std::size_t, T>>;
  template <class... Given>
  static constexpr bool gives_epilogue = (is_epilogue<Given>::value || ...);
};

/// What followed the buffers or the count of a call, by kind, with what is missing filled in.
template <class Operation, class Algorithm, class Codec, class Prologue, class Epilogue>
struct sorted_arguments {
  using operation_type = Operation;
  using algorithm_type = Algorithm;
  using codec_type = Codec;

  Operation operation;
  Algorithm algorithm;
  Codec codec;
  granule grain;
  Prologue prologue;
  Epilogue epilogue;
};
template <class Operation, class Algorithm, class Codec, class Prologue, class Epilogue>
sorted_arguments(Operation, Algorithm, Codec, granule, Prologue, Epilogue)
    -> sorted_arguments<Operation, Algorithm, Codec, Prologue, Epilogue>;

template <class T, class... Given>
RONDO_HOST_DEVICE constexpr auto sorted(const Given&... given) {
  using of = with_elements<T>;
  return sorted_arguments{pick<of::template is_operation>(op::sum{}, given...),
                          pick<is_algorithm>(automatic{}, given...),
                          pick<is_codec>(nothing_given{}, given...),
                          pick<is_granule>(granule{}, given...),
                          pick<is_prologue>(nothing_given{}, given...),
                          pick<of::template is_epilogue>(nothing_given{}, given...)};
}

/// The element type: what the prologue returns.
template <class... Given>
struct element_of_prologue {
  static_assert((is_prologue<Given>::value || ...),
                "rondo: device: a count needs a prologue, callable as (std::size_t) -> element, to "
                "say what the elements are; or pass device spans");
  using prologue = decltype(pick<is_prologue>(nothing_given{}, std::declval<const Given&>()...));
  using type = std::remove_cvref_t<std::invoke_result_t<const prologue&, std::size_t>>;
};

/// Refuses what a call does not take, with one line that says why.
template <class Allow, class T, class... Given>
consteval void check() {
  using of = with_elements<T>;
  static_assert(std::is_trivially_copyable_v<T>,
                "rondo: elements must be trivially copyable, for they travel as bytes");
  static_assert((0 + ... + int{is_prologue<Given>::value}) <= 1, "rondo: two prologues given");
  static_assert((0 + ... + int{of::template is_epilogue<Given>::value}) <= 1,
                "rondo: two epilogues given");
  static_assert(
      (0 + ... + int{of::template is_operation<Given>::value}) <= 1,
      "rondo: two operations given; pass at most one of op::sum, op::max, a callable, ...");
  static_assert((0 + ... + int{is_algorithm<Given>::value}) <= 1,
                "rondo: two algorithms given; pass at most one of one_shot, two_shot, ring, ...");
  static_assert((0 + ... + int{is_codec<Given>::value}) <= 1,
                "rondo: two codecs given; pass at most one of int8, int4, ...");
  static_assert((0 + ... + int{is_root<Given>::value}) <= 1, "rondo: two roots given");
  static_assert((0 + ... + int{is_granule<Given>::value}) <= 1, "rondo: two granules given");
  static_assert(
      ((role_of<Given>() != role::policy || is_callable<Given>::value ||
        Allow::template takes<Given>)&&...),
      "rondo: device: this collective does not take a policy that was given; its docstring "
      "lists those it takes");
  static_assert(
      std::is_same_v<Allow, of_folds> || !(of::template is_operation<Given>::value || ...),
      "rondo: device: this collective folds nothing; drop the operation");
  static_assert(((!is_callable<Given>::value || of::template is_operation<Given>::value ||
                  of::template is_epilogue<Given>::value) &&
                 ...),
                "rondo: device: an argument is none of: a policy, a prologue (std::size_t) -> "
                "element, an epilogue (std::size_t, element) -> void, an operation "
                "(element, element) -> element");
}

template <class T, class... Given>
consteval void require_epilogue() {
  static_assert(with_elements<T>::template gives_epilogue<Given...>,
                "rondo: device: a count needs an epilogue, callable as (std::size_t, element), to "
                "take the results");
}

}  // namespace detail
}  // namespace rondo::inline v0_1::device
