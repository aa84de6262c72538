// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <span>
#include <type_traits>

namespace rondo::inline v0_1 {

/// Any contiguous range: a vector, an array, a span. Elements must be trivially copyable, for they
/// travel as bytes.
template <class Range>
concept buffer = requires(Range&& range) {
  {std::data(range)};
  { std::size(range) } -> std::convertible_to<std::size_t>;
  requires std::is_pointer_v<std::remove_cvref_t<decltype(std::data(range))>>;
};

/// The element type of a buffer, without const.
template <buffer Range>
using element_of = std::remove_const_t<
    std::remove_pointer_t<std::remove_cvref_t<decltype(std::data(std::declval<Range&>()))>>>;

/// A buffer whose elements may be written.
template <class Range>
concept writable_buffer = buffer<Range> &&
    !std::is_const_v<std::remove_pointer_t<decltype(std::data(std::declval<Range&>()))>>;

namespace detail {
template <class T>
consteval void check_element() {
  static_assert(std::is_trivially_copyable_v<T>,
                "rondo: elements must be trivially copyable, for they travel as bytes");
  static_assert(alignof(T) <= 64,
                "rondo: elements may be aligned to 64 bytes at most, as the memory they pass "
                "through");
}
}  // namespace detail

/// A buffer as a span to read from; elements that cannot travel do not compile.
template <buffer Range>
[[nodiscard]] constexpr std::span<const element_of<Range>> readable(const Range& range) {
  detail::check_element<element_of<Range>>();
  return {std::data(range), static_cast<std::size_t>(std::size(range))};
}

/// Likewise to write to.
template <writable_buffer Range>
[[nodiscard]] constexpr std::span<element_of<Range>> writable(Range& range) {
  detail::check_element<element_of<Range>>();
  return {std::data(range), static_cast<std::size_t>(std::size(range))};
}

}  // namespace rondo::inline v0_1
