// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/detail/tile.hpp>
#include <rondo/core/vectorize.hpp>

#include <cstddef>

/// Runs of values of any type as floats and back. Compiled once for a type, whatever the codec:
/// codecs have loops for floats alone, and their other values pass through a group in cache.
namespace rondo::inline v0_1::codec::detail {

inline constexpr std::size_t convert_tile = 256;

/// to[i] = from[i], as a float.
template <class T>
void load_run(const T* from, std::size_t count, float* to) {
  vectorized<registers::of_64_bytes>([&]() RONDO_INLINE_BODY {
    std::size_t index = 0;
    for (; index + convert_tile <= count; index += convert_tile) {
      load(from + index, *reinterpret_cast<float(*)[convert_tile]>(to + index));
    }
    RONDO_KEEP_LOOP
    for (; index < count; ++index) {
      to[index] = value_at(from, index);
    }
  });
}

/// to[i] = fold(to[i], from[i]). Only floats are folded with what was there.
template <class T, class Fold>
void store_run(const float* from, std::size_t count, T* to, const Fold& fold) {
  vectorized<registers::of_64_bytes>([=]() RONDO_INLINE_BODY {
    std::size_t index = 0;
    for (; index + convert_tile <= count; index += convert_tile) {
      store(*reinterpret_cast<const float(*)[convert_tile]>(from + index), to + index, fold);
    }
    RONDO_KEEP_LOOP
    for (; index < count; ++index) {
      store(*reinterpret_cast<const float(*)[1]>(from + index), to + index, fold);
    }
  });
}

/// values[i] /= divisor.
inline void divide_run(float* values, std::size_t count, float divisor) {
  vectorized<registers::of_64_bytes>([&]() RONDO_INLINE_BODY {
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = divide(values[i], divisor);
    }
  });
}

/// What decoded values do to those that were there.
struct replace_fold {
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE float operator()(float, float decoded) const {
    return decoded;
  }
};
struct add_fold {
  RONDO_HOST_DEVICE RONDO_ALWAYS_INLINE float operator()(float old, float decoded) const {
    return old + decoded;
  }
};
struct subtract_fold {
  RONDO_ALWAYS_INLINE float operator()(float old, float decoded) const { return old - decoded; }
};

}  // namespace rondo::inline v0_1::codec::detail
