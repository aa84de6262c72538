// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <initializer_list>
#include <string_view>
#include <type_traits>

RONDO_HOST_DEVICE_BEGIN

/// Reductions: what to fold with. Any callable `(T, T) -> T` will do; these are the named ones.
namespace rondo::inline v0_1 {

namespace op {

/// a + b, as a T: sums of narrow integers wrap.
struct sum {
  static constexpr std::string_view name = "sum";
  static constexpr bool commutes = true;
  template <class T>
  requires requires(T a, T b) { static_cast<T>(a + b); }
  RONDO_HOST_DEVICE constexpr T operator()(T a, T b) const { return static_cast<T>(a + b); }
};

/// a * b, likewise.
struct product {
  static constexpr std::string_view name = "product";
  static constexpr bool commutes = true;
  template <class T>
  requires requires(T a, T b) { static_cast<T>(a * b); }
  RONDO_HOST_DEVICE constexpr T operator()(T a, T b) const {
    if constexpr (std::is_unsigned_v<T>) {
      return static_cast<T>(1u * a * b);  // a narrow T becomes int by itself, and that overflows
    } else {
      return static_cast<T>(a * b);
    }
  }
};

/// The smaller one; a NaN on any rank wins.
struct min {
  static constexpr std::string_view name = "min";
  static constexpr bool commutes = true;
  template <class T>
  requires requires(T a, T b) { a < b; }
  RONDO_HOST_DEVICE constexpr T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return b < a || b != b ? b : a;
    } else {
      return b < a ? b : a;
    }
  }
};

/// The larger one; a NaN on any rank wins.
struct max {
  static constexpr std::string_view name = "max";
  static constexpr bool commutes = true;
  template <class T>
  requires requires(T a, T b) { a < b; }
  RONDO_HOST_DEVICE constexpr T operator()(T a, T b) const {
    if constexpr (std::is_floating_point_v<T>) {
      return a < b || b != b ? b : a;
    } else {
      return a < b ? b : a;
    }
  }
};

/// The sum, in T (of narrow integers it wraps), divided once, at the end, by the number of ranks.
struct average {
  static constexpr std::string_view name = "average";
  static constexpr bool commutes = true;
  template <class T>
  requires requires(T a, T b) { static_cast<T>(a + b); }
  RONDO_HOST_DEVICE constexpr T operator()(T a, T b) const { return static_cast<T>(a + b); }
  template <class T>
  RONDO_HOST_DEVICE constexpr T finish(T folded, int ranks) const {
    if constexpr (std::is_integral_v<T> && sizeof(T) <= 4 && !std::is_same_v<T, bool>) {
      // Vector code, and exact: a quotient of such integers is an integer, or at least 2^-32 of
      // itself away from one, and a double rounds by 2^-53.
      return static_cast<T>(static_cast<double>(folded) / ranks);
    } else if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(folded / static_cast<std::common_type_t<T, int>>(ranks));
    } else {
      return static_cast<T>(folded / static_cast<T>(ranks));
    }
  }
};

}  // namespace op

namespace detail {

/// True of those function objects of <functional> that commute, known by their names: the header is
/// large. Its std::minus, std::divides and std::function do not.
template <class Operation>
consteval bool is_function_object(std::initializer_list<std::string_view> names) {
  std::string_view name = type_name<Operation>();
  if (!name.starts_with("std::")) {
    return false;
  }
  name = name.substr(0, name.find('<'));
  name.remove_prefix(name.rfind(':') + 1);  // inline namespaces, too
  for (const std::string_view known : names) {
    if (name == known) {
      return true;
    }
  }
  return false;
}

template <class Operation>
inline constexpr bool is_product = std::is_same_v<Operation, op::product> ||
                                   is_function_object<Operation>({"multiplies"});

}  // namespace detail

/// Whether fold(a, b) is fold(b, a), so that ranks may be folded in any order: true of the
/// operations above and of std::plus, multiplies, bit_and, bit_or, bit_xor, logical_and and
/// logical_or. Another operation says so by a member `commutes = true`; until it does, `automatic`
/// keeps to the order of ranks. So it does for products of a class `T`, which may be matrices.
template <class Operation, class T = double>
inline constexpr bool commutes =
    (requires { requires Operation::commutes; } ||
     detail::is_function_object<Operation>({"plus", "multiplies", "bit_and", "bit_or", "bit_xor",
                                            "logical_and", "logical_or"})) &&
    !(detail::is_product<Operation> && std::is_class_v<T>);

/// The type that values of type T are folded in. 16-bit floats specialise it to float.
template <class T>
struct accumulator {
  using type = T;
};

namespace detail {

template <class From, class To>
concept does_not_narrow = requires(From value) {
  To{value};
};

/// False of two arithmetic types if a value of `From` may become another one as a `To`.
template <class From, class To>
inline constexpr bool keeps_value =
    !std::is_arithmetic_v<From> || !std::is_arithmetic_v<To> || does_not_narrow<From, To>;

/// Whether an operation on T may return it: an integer that T was promoted to goes back to T, and a
/// wider float is rounded to T, as T's own sums are.
template <class Returned, class T>
inline constexpr bool is_result_of = keeps_value<Returned, T>;
template <class Returned, std::integral T>
inline constexpr bool is_result_of<Returned, T> =
    keeps_value<Returned, T> || std::is_same_v<Returned, decltype(T{} + T{})>;
template <std::floating_point Returned, std::floating_point T>
inline constexpr bool is_result_of<Returned, T> = true;

/// Whether what an operation on T returns is one; true where it cannot be called at all.
template <class Operation, class T>
consteval bool returns_result() {
  if constexpr (std::is_invocable_v<const Operation&, T, T>) {
    return is_result_of<std::remove_cvref_t<std::invoke_result_t<const Operation&, T, T>>, T>;
  } else {
    return true;
  }
}

template <class T, class Operation, class Result, class A, class B>
consteval bool parameters_keep(Result (Operation::*)(A, B) const) {
  return keeps_value<T, std::remove_cvref_t<A>> && keeps_value<T, std::remove_cvref_t<B>>;
}

/// Whether values of type T reach an operation unchanged. Parameters that are templates do, and so
/// do overloads.
template <class Operation, class T>
consteval bool takes_unchanged() {
  if constexpr (requires { parameters_keep<T>(&Operation::operator()); }) {
    return parameters_keep<T>(&Operation::operator());
  } else {
    return true;
  }
}

}  // namespace detail

/// How an operation folds elements of type T on `ranks` ranks: lift each to the accumulator type,
/// fold, lower the result. Specialise it for an operation whose partial results are not of T, or
/// that does something of its own at the beginning or the end.
template <class Operation, class T>
struct reduction {
  using wide = typename accumulator<T>::type;
  /// Partial results, as they are kept and as they travel.
  using partial =
      std::conditional_t<std::is_invocable_r_v<wide, const Operation&, wide, wide>, wide, T>;
  static_assert(
      std::is_invocable_r_v<partial, const Operation&, partial, partial>,
      "rondo: the operation cannot be called as (element, element) -> element; it returns "
      "the result and changes neither argument; op::sum, which is the default, and op::average "
      "need a + b, op::product a * b, op::min and op::max a < b; or pass an operation of your own");
  static_assert(detail::takes_unchanged<Operation, partial>(),
                "rondo: the operation takes numbers of another type, which would change the "
                "elements; let it take the elements' type, or auto");
  static_assert(!detail::takes_unchanged<Operation, partial>() ||
                    detail::returns_result<Operation, partial>(),
                "rondo: the operation returns numbers of another type, which would be changed to "
                "the elements'; let it return the elements' type");

  /// Whether a value has to be lifted to be a partial result, and a partial result has to be
  /// lowered to be a value of T's. A specialisation that does not say is taken to need both.
  static constexpr bool lifts = !std::is_same_v<partial, T>;
  static constexpr bool lowers = lifts || requires(const Operation& last, partial folded) {
    last.finish(folded, 1);
  };

  Operation operation{};
  int ranks = 1;

  RONDO_HOST_DEVICE static constexpr partial lift(const T& value) {
    return static_cast<partial>(value);
  }
  RONDO_HOST_DEVICE constexpr partial fold(const partial& a, const partial& b) const {
    return static_cast<partial>(operation(a, b));
  }
  RONDO_HOST_DEVICE constexpr T lower(const partial& folded) const {
    return static_cast<T>(finish(folded));
  }
  /// What `lower` rounds to T.
  RONDO_HOST_DEVICE constexpr auto finish(const partial& folded) const {
    if constexpr (requires { operation.finish(folded, ranks); }) {
      return operation.finish(folded, ranks);
    } else {
      return folded;
    }
  }
};

namespace detail {

template <class Reduction>
[[nodiscard]] consteval bool must_lift() {
  if constexpr (requires { Reduction::lifts; }) {
    return Reduction::lifts;
  } else {
    return true;
  }
}

template <class Reduction>
[[nodiscard]] consteval bool must_lower() {
  if constexpr (requires { Reduction::lowers; }) {
    return Reduction::lowers;
  } else {
    return true;
  }
}

/// What a sum over `ranks` is divided by to be the result of the operation.
template <class Operation>
[[nodiscard]] RONDO_HOST_DEVICE constexpr float divisor_of(int ranks) {
  return std::is_same_v<Operation, op::average> ? static_cast<float>(ranks) : 1.0F;
}

}  // namespace detail

/// The name an operation goes by in messages.
template <class Operation>
[[nodiscard]] constexpr std::string_view operation_name() {
  if constexpr (requires { Operation::name; }) {
    return Operation::name;
  } else {
    return type_name<Operation>();
  }
}

}  // namespace rondo::inline v0_1

RONDO_HOST_DEVICE_END
