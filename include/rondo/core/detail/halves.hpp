// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/vectorize.hpp>
#include <rondo/version.hpp>

#include <cstring>

/// Eight halves from and to floats by one instruction (F16C), with the bits of `half`'s own
/// conversions: integer code takes some twenty. In bodies for `vectorized` only, and only where
/// `converts_halves()`: elsewhere they are not compiled in place, or not there at all.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__CUDA_ARCH__) && \
    (defined(__F16C__) || (RONDO_HAS_AVX2_TWIN && !defined(__clang__)))
#define RONDO_HAS_EIGHT_HALVES 1

namespace rondo::inline v0_1::detail {

[[nodiscard]] inline bool converts_halves() noexcept {
#if defined(__F16C__)
  return true;
#else
  return has_avx2();
#endif
}

using eight_of_16_bits [[gnu::vector_size(16)]] = short;
using eight_floats [[gnu::vector_size(32)]] = float;

[[gnu::target("f16c")]] inline void widen_eight(const void* from, float* to) {
  eight_of_16_bits halves;
  std::memcpy(&halves, from, sizeof halves);
  const eight_floats wide = __builtin_ia32_vcvtph2ps256(halves);
  std::memcpy(to, &wide, sizeof wide);
}

/// To nearest, ties to even; every NaN becomes the same one.
[[gnu::target("f16c")]] inline void narrow_eight(const float* from, void* to) {
  eight_floats wide;
  std::memcpy(&wide, from, sizeof wide);
  constexpr int to_nearest = 0;
  const eight_of_16_bits halves = __builtin_ia32_vcvtps2ph256(wide, to_nearest);
  const eight_of_16_bits is_nan = (halves & 0x7fff) > 0x7c00;
  const eight_of_16_bits narrow = (halves & ~is_nan) | (is_nan & 0x7e00);
  std::memcpy(to, &narrow, sizeof narrow);
}

}  // namespace rondo::inline v0_1::detail

#else
#define RONDO_HAS_EIGHT_HALVES 0
#endif
