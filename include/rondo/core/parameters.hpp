// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/type_name.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstdint>
#include <string_view>
#if defined(__GXX_RTTI)
#include <typeinfo>
#endif

/// What of a policy's state, known only at run time, ranks must agree about.
namespace rondo::inline v0_1 {

/// A number for all of `each`, in this order.
template <std::same_as<std::uint64_t>... Numbers>
[[nodiscard]] constexpr std::uint64_t mixed_parameters(Numbers... each) {
  std::uint64_t mixed = 0;
  ((mixed = (mixed ^ (mixed >> 31) ^ each) * 0x9e3779b97f4a7c15u), ...);
  return mixed;
}

/// An algorithm, an operation, a codec, or any type of the user's that stands for one may offer
/// `parameters()`: a number that is equal where its state is. It becomes part of a call's
/// fingerprint, so that ranks whose states differ get a mismatch in place of wrong values.
template <class Policy>
concept states_parameters = requires(const Policy& given) {
  { given.parameters() } -> std::convertible_to<std::uint64_t>;
};

namespace detail {

/// True of types whose spelling another type may share: closures of one signature in one scope.
template <class T>
inline constexpr bool has_closure = type_name<T>().find("lambda") != std::string_view::npos;

#if defined(__GXX_RTTI)
/// Tells such types apart by the linker's name for them.
template <class T>
[[nodiscard]] std::uint64_t closure_number() {
  static const std::uint64_t number = hash_of(typeid(T).name());
  return number;
}
#else
/// Tells such types apart by a byte that each has for itself: how far it lies from another one of
/// the same binary is the same in every process that runs it, wherever that is loaded.
template <class T>
struct [[gnu::visibility("hidden")]] byte_of {
  static constexpr char here = 0;
};
template <class T>
[[nodiscard]] std::uint64_t closure_number() {
  return static_cast<std::uint64_t>(reinterpret_cast<std::uintptr_t>(&byte_of<T>::here) -
                                    reinterpret_cast<std::uintptr_t>(&byte_of<void>::here));
}
#endif

}  // namespace detail

/// What `parameters()` says, 0 for a policy that has none.
template <class Policy>
[[nodiscard]] constexpr std::uint64_t parameters_of(const Policy& given) {
  if constexpr (states_parameters<Policy>) {
    return given.parameters();
  } else if constexpr (detail::has_closure<Policy>) {
    return detail::closure_number<Policy>();
  } else {
    return 0;
  }
}

}  // namespace rondo::inline v0_1
