// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/detail/halves.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace rondo::inline v0_1 {
struct half;
}

/// 16-bit elements that are folded several at a time, as they lie side by side.
namespace rondo::inline v0_1::protocol {

/// Two neighbours, in the word that they lie in. Vector code then widens with a shift or a mask and
/// narrows with a shift and an or, where single elements are moved between registers of different
/// widths: bfloat16 from cache 1.4 x (Zen 5, GCC 12, AVX2 and AVX-512, 2026-11-27). Their order in
/// the word does not matter, for a fold does the same to both.
template <class T>
struct [[gnu::packed, gnu::may_alias]] pair_of {
  std::uint32_t bits;
};

/// Elements of 16 bits that are folded in something wider.
template <class T, class Reduction>
inline constexpr bool comes_in_pairs =
    sizeof(T) == 2 && sizeof(typename Reduction::partial) > 2 &&
    std::is_trivially_copyable_v<T>&& std::is_trivially_default_constructible_v<
        typename Reduction::partial>;

/// `Reduction` for pairs.
template <class T, class Reduction>
struct fold_of_pairs {
  struct partial {
    typename Reduction::partial low;
    typename Reduction::partial high;
  };

  rondo::detail::own_operation<Reduction> with;

  [[gnu::always_inline]] static partial lift(const pair_of<T>& pair) {
    const std::uint32_t bits = pair.bits;
    return {Reduction::lift(rondo::bit_cast<T>(static_cast<std::uint16_t>(bits))),
            Reduction::lift(rondo::bit_cast<T>(static_cast<std::uint16_t>(bits >> 16)))};
  }
  [[gnu::always_inline]] partial fold(const partial& a, const partial& b) const {
    return {with.fold(a.low, b.low), with.fold(a.high, b.high)};
  }
  [[gnu::always_inline]] pair_of<T> lower(const partial& folded) const {
    const std::uint32_t low = rondo::bit_cast<std::uint16_t>(with.lower(folded.low));
    const std::uint32_t high = rondo::bit_cast<std::uint16_t>(with.lower(folded.high));
    return {low | high << 16};
  }
};

#if RONDO_HAS_EIGHT_HALVES
/// Eight halves, which the processor converts together.
struct [[gnu::packed, gnu::may_alias]] eight_halves {
  std::uint16_t bits[8];
};

/// Halves that are folded as floats, and rounded at the end.
template <class T, class Reduction>
inline constexpr bool comes_in_eights = requires(const Reduction& with, const float& folded) {
  requires std::is_same_v<T, half>;
  requires std::is_same_v<typename Reduction::partial, float>;
  requires std::is_same_v<decltype(with.finish(folded)), float>;
};

/// `Reduction` for eights.
template <class Reduction>
struct fold_of_eights {
  struct partial {
    float values[8];
  };

  rondo::detail::own_operation<Reduction> with;

  [[gnu::always_inline]] static partial lift(const eight_halves& eight) {
    partial wide;
    rondo::detail::widen_eight(&eight, wide.values);
    return wide;
  }
  [[gnu::always_inline]] partial fold(const partial& a, const partial& b) const {
    partial folded;
    for (std::size_t i = 0; i < 8; ++i) {
      folded.values[i] = with.fold(a.values[i], b.values[i]);
    }
    return folded;
  }
  [[gnu::always_inline]] eight_halves lower(const partial& folded) const {
    float finished[8];
    for (std::size_t i = 0; i < 8; ++i) {
      finished[i] = with.finish(folded.values[i]);
    }
    eight_halves narrow;
    rondo::detail::narrow_eight(finished, &narrow);
    return narrow;
  }
};
#endif

}  // namespace rondo::inline v0_1::protocol
