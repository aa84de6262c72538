// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/core/detail/halves.hpp>
#include <rondo/core/float16.hpp>

#include "catch.hpp"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

// What is said of CUDA's own types, here where CUDA's headers are not seen, is what is said in
// files where they are: a program may have both.
static_assert(std::is_same_v<rondo::accumulator<__half>::type, float>);
static_assert(std::is_same_v<rondo::accumulator<__nv_bfloat16>::type, float>);

namespace {

template <class T>
struct format;
template <>
struct format<rondo::half> {
  static constexpr int exponent_bits = 5;
  static constexpr int mantissa_bits = 10;
};
template <>
struct format<rondo::bfloat16> {
  static constexpr int exponent_bits = 8;
  static constexpr int mantissa_bits = 7;
};

/// IEEE 754's definition, in double: (-1)^s 2^(e - bias) (1 + m / 2^M).
template <class T>
double defined_value(unsigned code) {
  constexpr int mantissa_bits = format<T>::mantissa_bits;
  constexpr int top_exponent = (1 << format<T>::exponent_bits) - 1;
  constexpr int bias = top_exponent / 2;
  const int mantissa = static_cast<int>(code) & ((1 << mantissa_bits) - 1);
  const int exponent = static_cast<int>(code >> mantissa_bits) & top_exponent;
  double value = 0;
  if (exponent == top_exponent) {
    value = mantissa ? std::nan("") : HUGE_VAL;
  } else if (exponent == 0) {
    value = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  } else {
    value = std::ldexp((1 << mantissa_bits) + mantissa, exponent - bias - mantissa_bits);
  }
  return code & 0x8000u ? -value : value;
}

template <class T>
unsigned wrong_decodes() {
  unsigned wrong = 0;
  for (unsigned code = 0; code <= 0xffffu; ++code) {
    const auto value = static_cast<double>(float{T::from_bits(static_cast<std::uint16_t>(code))});
    const double expected = defined_value<T>(code);
    const bool same = std::isnan(expected)
                          ? std::isnan(value)
                          : value == expected && std::signbit(value) == std::signbit(expected);
    wrong += same ? 0 : 1;
  }
  return wrong;
}

template <class T>
unsigned wrong_round_trips() {
  unsigned wrong = 0;
  for (unsigned code = 0; code <= 0xffffu; ++code) {
    const T value = T::from_bits(static_cast<std::uint16_t>(code));
    const T back{float{value}};
    wrong += std::isnan(float{value}) ? !std::isnan(float{back}) : back.bits != value.bits;
  }
  return wrong;
}

/// Between neighbours a < b: up to the middle goes to a, past it to b, the middle to the even one.
template <class T>
unsigned wrong_roundings() {
  unsigned wrong = 0;
  const auto expect = [&](float value, unsigned code) {
    wrong += T{value}.bits != code;
    wrong += T{-value}.bits != (code | 0x8000u);
  };
  const unsigned infinity = std::numeric_limits<T>::infinity().bits;
  for (unsigned code = 0; code < infinity; ++code) {
    const double below = defined_value<T>(code);
    // What would be the next value, were there no infinity.
    const double above =
        code + 1 < infinity ? defined_value<T>(code + 1) : 2 * below - defined_value<T>(code - 1);
    const auto middle = static_cast<float>((below + above) / 2);
    if (!std::isfinite(middle) || static_cast<double>(middle) != (below + above) / 2) {
      continue;  // only for subnormals that float cannot split
    }
    expect(std::nextafterf(middle, 0.0f), code);
    expect(middle, code + (code & 1u));
    expect(std::nextafterf(middle, HUGE_VALF), code + 1);
  }
  return wrong;
}

#if RONDO_HAS_EIGHT_HALVES
/// Codes that eight at a time do not widen as one alone is.
unsigned wrong_eights_from_codes() {
  unsigned wrong = 0;
  for (unsigned code = 0; code <= 0xffffu; code += 8) {
    std::uint16_t codes[8];
    float wide[8];
    for (unsigned i = 0; i < 8; ++i) {
      codes[i] = static_cast<std::uint16_t>(code + i);
    }
    rondo::detail::widen_eight(codes, wide);
    for (unsigned i = 0; i < 8; ++i) {
      const float expected{rondo::half::from_bits(codes[i])};
      wrong += std::isnan(expected) ? !std::isnan(wide[i])
                                    : rondo::bit_cast<std::uint32_t>(wide[i]) !=
                                          rondo::bit_cast<std::uint32_t>(expected);
    }
  }
  return wrong;
}

/// Floats, 2^32 / 251 of them and so every exponent, sign, kind of NaN and rounding.
unsigned wrong_eights_from_floats() {
  unsigned wrong = 0;
  for (std::uint64_t bits = 0; bits < std::uint64_t{1} << 32; bits += std::uint64_t{251} * 8) {
    float wide[8];
    std::uint16_t codes[8];
    for (std::uint32_t i = 0; i < 8; ++i) {
      wide[i] = rondo::bit_cast<float>(static_cast<std::uint32_t>(bits) + 251 * i);
    }
    rondo::detail::narrow_eight(wide, codes);
    for (std::uint32_t i = 0; i < 8; ++i) {
      wrong += codes[i] != rondo::half{wide[i]}.bits;
    }
  }
  return wrong;
}
#endif

}  // namespace

TEST_CASE("float16: eight halves at once have the bits of one at a time") {
#if RONDO_HAS_EIGHT_HALVES
  if (!rondo::detail::converts_halves()) {
    WARN("skipped: this processor has no F16C");
    return;
  }
  CHECK(wrong_eights_from_codes() == 0);
  CHECK(wrong_eights_from_floats() == 0);
#else
  WARN("skipped: this build converts halves one at a time");
#endif
}

TEMPLATE_TEST_CASE("float16: every code decodes to the value IEEE 754 gives it", "", rondo::half,
                   rondo::bfloat16) {
  CHECK(wrong_decodes<TestType>() == 0);
}

TEMPLATE_TEST_CASE("float16: every code survives the way to float and back", "", rondo::half,
                   rondo::bfloat16) {
  CHECK(wrong_round_trips<TestType>() == 0);
}

TEMPLATE_TEST_CASE("float16: rounding is to nearest, ties to even, at every boundary", "",
                   rondo::half, rondo::bfloat16) {
  CHECK(wrong_roundings<TestType>() == 0);
}

TEMPLATE_TEST_CASE("float16: NaN stays NaN and overflow is infinite", "", rondo::half,
                   rondo::bfloat16) {
  for (const std::uint32_t bits :
       {0x7f800001u, 0x7fbfffffu, 0x7fc00000u, 0x7fffffffu, 0xff800001u, 0xffffffffu}) {
    CHECK(std::isnan(float{TestType{rondo::bit_cast<float>(bits)}}));
  }
  CHECK(float{TestType{HUGE_VALF}} == HUGE_VALF);
  CHECK(float{TestType{-HUGE_VALF}} == -HUGE_VALF);
  CHECK(float{TestType{std::numeric_limits<float>::max()}} == HUGE_VALF);
  CHECK(TestType{-0.0f}.bits == 0x8000u);
}

TEMPLATE_TEST_CASE("float16: the numeric limits are the format's", "", rondo::half,
                   rondo::bfloat16) {
  using limits = std::numeric_limits<TestType>;
  constexpr int mantissa_bits = format<TestType>::mantissa_bits;
  CHECK(float{limits::epsilon()} == std::ldexp(1.0f, -mantissa_bits));
  CHECK(float{limits::min()} == std::ldexp(1.0f, limits::min_exponent - 1));
  CHECK(float{limits::max()} ==
        std::ldexp(2.0f - float{limits::epsilon()}, limits::max_exponent - 1));
  CHECK(float{limits::lowest()} == -float{limits::max()});
  CHECK(float{limits::denorm_min()} == std::ldexp(float{limits::min()}, -mantissa_bits));
  CHECK(std::isnan(float{limits::quiet_NaN()}));
  CHECK(limits::digits == mantissa_bits + 1);
}

TEMPLATE_TEST_CASE("float16: a value computes and compares as a float", "", rondo::half,
                   rondo::bfloat16) {
  static_assert(std::is_trivial_v<TestType> && sizeof(TestType) == 2);
  static_assert(!std::is_convertible_v<float, TestType>);
  static_assert(TestType{1.5f} == TestType{1.5f} && TestType{1.0f} < TestType{1.5f});
  static_assert(std::is_same_v<decltype(TestType{} + TestType{}), float>);
  static_assert(TestType{1.5f} * 2 + 1.0f == 4.0f);
  static_assert(
      std::is_same_v<typename rondo::reduction<rondo::op::sum, TestType>::partial, float>);
  CHECK(TestType{0.0f} == TestType{-0.0f});
  CHECK_FALSE(std::numeric_limits<TestType>::quiet_NaN() ==
              std::numeric_limits<TestType>::quiet_NaN());
}
