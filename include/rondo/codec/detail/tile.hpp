// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/detail/arithmetic.hpp>
#include <rondo/codec/detail/bit_pack.hpp>
#include <rondo/core/detail/halves.hpp>
#include <rondo/core/float16.hpp>

#include <concepts>
#include <cstddef>
#include <cstring>
#include <type_traits>

/// A tile: values of one block as floats in local memory or registers, where loops of constant
/// length become vector code.
namespace rondo::inline v0_1::codec::detail {

/// The type that T's bytes are read as: rondo's own for CUDA's 16-bit floats.
template <class T>
struct stored_as {
  using type = T;
  static_assert(std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, half> ||
                    std::is_same_v<T, bfloat16>,
                "rondo: codec: values must be float, double, half or bfloat16");
};
template <>
struct stored_as<__half> {
  using type = half;
};
template <>
struct stored_as<__nv_bfloat16> {
  using type = bfloat16;
};

/// from[i], as a float.
template <class T>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE float value_at(const T* from, std::size_t i) {
  typename stored_as<T>::type value;
#if defined(__CUDA_ARCH__)  // where a copy of bytes is one of single bytes
  value = *reinterpret_cast<const typename stored_as<T>::type*>(from + i);
#else
  std::memcpy(&value, from + i, sizeof(T));
#endif
  return static_cast<float>(value);
}

/// Whether tiles of N values may be made of eight halves at a time.
template <class T, std::size_t N>
inline constexpr bool in_eights = std::is_same_v<typename stored_as<T>::type, half>&& N % 8 == 0;

/// tile = the N values at `from`, as floats.
template <class T, std::size_t N>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void load(const T* from, float (&tile)[N]) {
#if RONDO_HAS_EIGHT_HALVES
  if constexpr (in_eights<T, N>) {
    if (rondo::detail::converts_halves()) {
      for (std::size_t i = 0; i < N; i += 8) {
        rondo::detail::widen_eight(from + i, tile + i);
      }
      return;
    }
  }
#endif
  for (std::size_t i = 0; i < N; ++i) {
    tile[i] = value_at(from, i);
  }
}

/// to[i] = fold(to[i], tile[i]). Only floats are folded with what was there.
template <class T, std::size_t N, class Fold>
RONDO_ALWAYS_INLINE void store(const float (&tile)[N], T* to, const Fold& fold) {
#if RONDO_HAS_EIGHT_HALVES
  if constexpr (in_eights<T, N>) {
    if (rondo::detail::converts_halves()) {
      for (std::size_t i = 0; i < N; i += 8) {
        float folded[8];
        for (std::size_t k = 0; k < 8; ++k) {
          folded[k] = fold(0.0f, tile[i + k]);
        }
        rondo::detail::narrow_eight(folded, to + i);
      }
      return;
    }
  }
#endif
  for (std::size_t i = 0; i < N; ++i) {
    float old = 0;
    if constexpr (std::is_same_v<T, float>) {
      old = to[i];
    }
    const auto value = static_cast<typename stored_as<T>::type>(fold(old, tile[i]));
    std::memcpy(static_cast<void*>(to + i), &value, sizeof(T));
  }
}

/// The block's statistic, seen whole. Formats whose statistic depends on the order say how.
template <class Format, std::size_t N>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE auto observe_block(const float (&tile)[N]) {
  if constexpr (requires { Format::observe_block(tile); }) {
    return Format::observe_block(tile);
  } else {
    return Format::statistic::observe(tile);
  }
}

template <class Format, class Message>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE auto scale_of(
    const typename Format::statistic& seen, std::size_t count, const Message& told) {
  if constexpr (requires { Format::scale_of(seen, count, told); }) {
    return Format::scale_of(seen, count, told);
  } else {
    return Format::scale_of(seen, count);
  }
}

template <class Format>
inline constexpr std::uint8_t poison_byte = [] {
  if constexpr (requires { Format::poison; }) {
    return Format::poison;
  } else {
    return std::uint8_t{0};
  }
}();

/// Formats whose code for a value depends on nothing but a factor that comes from the scale. They
/// have `factor_of(scale)` and `code_of(value, factor)` in the place of `pack`, and blocks are then
/// encoded many at a time.
template <class Format>
concept has_codes = requires {
  &Format::code_of;
}
&&!requires { Format::dithers; };

/// The same for the value of a code: `step_of(scale)` and `value_of(code, step)` in the place of
/// `unpack`.
template <class Format>
concept has_values = requires {
  &Format::value_of;
};

struct no_factor {};

/// What values of a block are multiplied by, or `no_factor` of a format that has no codes.
template <class Format, class Message>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE auto factor_of(
    [[maybe_unused]] const typename Format::scale_type& scale,
    [[maybe_unused]] const Message& told) {
  if constexpr (!has_codes<Format>) {
    return no_factor{};
  } else if constexpr (requires { Format::factor_of(scale, told); }) {
    return Format::factor_of(scale, told);
  } else {
    return Format::factor_of(scale);
  }
}

template <class Format, class Message>
[[nodiscard]] RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE auto step_of(
    const typename Format::scale_type& scale, const Message& told) {
  if constexpr (requires { Format::step_of(scale, told); }) {
    return Format::step_of(scale, told);
  } else {
    return Format::step_of(scale);
  }
}

/// Packs N values of a block whose scale is known; a poisoned block's payload is constant.
template <class Format, std::size_t N, class Message>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void pack_tile(
    const float (&tile)[N], const typename Format::scale_type& scale,
    std::uint8_t (&payload)[packed_bytes<Format::bits, N>], const Message& told,
    std::size_t index) {
  if (Format::is_poison(scale)) {
    for (std::uint8_t& byte : payload) {
      byte = poison_byte<Format>;
    }
  } else if constexpr (has_codes<Format>) {
    const auto factor = factor_of<Format>(scale, told);
    std::uint8_t codes[N];
    for (std::size_t i = 0; i < N; ++i) {
      codes[i] = static_cast<std::uint8_t>(Format::code_of(tile[i], factor));
    }
    detail::pack<Format::bits>(codes, payload);
  } else if constexpr (requires { Format::pack(tile, scale, payload, told, index); }) {
    Format::pack(tile, scale, payload, told, index);
  } else {
    Format::pack(tile, scale, payload);
  }
}

template <class Format, std::size_t N, class Message>
RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE void unpack_tile(
    const std::uint8_t (&payload)[packed_bytes<Format::bits, N>],
    const typename Format::scale_type& scale, float (&tile)[N], const Message& told) {
  if constexpr (has_values<Format>) {
    const auto step = step_of<Format>(scale, told);
    std::uint8_t codes[N];
    detail::unpack<Format::bits>(payload, codes);
    for (std::size_t i = 0; i < N; ++i) {
      tile[i] = Format::value_of(codes[i], step);
    }
  } else {
    Format::unpack(payload, scale, tile);
  }
}

}  // namespace rondo::inline v0_1::codec::detail
