// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/detail/minifloat.hpp>

#include "catch.hpp"

#include <cmath>
#include <cstdint>
#include <vector>

namespace {

using namespace rondo::codec::detail;

/// What defines a format: OCP 8-bit floating point 1.0 and Microscaling 1.0.
struct definition {
  int exponent_bits;
  int mantissa_bits;
  unsigned largest;
};

template <class Format>
constexpr definition defined{};
template <>
constexpr definition defined<e4m3>{4, 3, 0x7e};
template <>
constexpr definition defined<e5m2>{5, 2, 0x7b};
template <>
constexpr definition defined<e2m3>{2, 3, 0x1f};
template <>
constexpr definition defined<e3m2>{3, 2, 0x1f};
template <>
constexpr definition defined<e2m1>{2, 1, 0x07};

template <class Format>
double magnitude(unsigned code) {
  constexpr auto d = defined<Format>;
  const int bias = (1 << (d.exponent_bits - 1)) - 1;
  const int mantissa = static_cast<int>(code) & ((1 << d.mantissa_bits) - 1);
  const int exponent = static_cast<int>(code) >> d.mantissa_bits;
  return exponent == 0
             ? std::ldexp(mantissa, 1 - bias - d.mantissa_bits)
             : std::ldexp((1 << d.mantissa_bits) + mantissa, exponent - bias - d.mantissa_bits);
}

constexpr unsigned sign_of(const definition& d) {
  return 1u << (d.exponent_bits + d.mantissa_bits);
}

}  // namespace

TEMPLATE_TEST_CASE("minifloat: every finite code has the value of its definition", "", e4m3, e5m2,
                   e2m3, e3m2, e2m1) {
  constexpr auto d = defined<TestType>;
  for (unsigned code = 0; code <= d.largest; ++code) {
    CAPTURE(code);
    CHECK(double{TestType::decode(code)} == magnitude<TestType>(code));
    const float negative = TestType::decode(code | sign_of(d));
    CHECK(double{negative} == -magnitude<TestType>(code));
    CHECK(std::signbit(negative));
  }
  CHECK(double{TestType::largest} == magnitude<TestType>(d.largest));
}

TEMPLATE_TEST_CASE("minifloat: rounds to nearest, ties to even, and saturates", "", e4m3, e5m2,
                   e2m3, e3m2, e2m1) {
  constexpr auto d = defined<TestType>;
  const auto expect = [&](float value, unsigned code) {
    CAPTURE(value);
    CHECK(TestType::encode(value) == code);
    CHECK(TestType::encode(-value) == (code | sign_of(d)));
  };
  for (unsigned code = 0; code < d.largest; ++code) {
    const auto middle =
        static_cast<float>((magnitude<TestType>(code) + magnitude<TestType>(code + 1)) / 2);
    expect(std::nextafterf(middle, 0), code);
    expect(middle, code + (code & 1u));
    expect(std::nextafterf(middle, HUGE_VALF), code + 1);
  }
  expect(std::nextafterf(TestType::largest, HUGE_VALF), d.largest);
  expect(2 * TestType::largest, d.largest);
  expect(HUGE_VALF, d.largest);
  expect(0x1p-149f, 0);
}

TEST_CASE("minifloat: e4m3 and e5m2 decode their special codes") {
  CHECK(std::isnan(e4m3::decode(0x7f)));
  CHECK(std::isnan(e4m3::decode(0xff)));
  CHECK(e5m2::decode(0x7c) == HUGE_VALF);
  CHECK(e5m2::decode(0xfc) == -HUGE_VALF);
  for (const unsigned code : {0x7du, 0x7eu, 0x7fu, 0xfdu}) {
    CHECK(std::isnan(e5m2::decode(code)));
  }
}

TEST_CASE("minifloat: e2m1 has the values and the boundaries that NVIDIA publishes") {
  constexpr float values[] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
  for (unsigned code = 0; code < 8; ++code) {
    CHECK(e2m1::decode(code) == values[code]);
  }
  constexpr std::pair<float, unsigned> rounded[] = {
      {0.25f, 0}, {0.2500001f, 1}, {0.7499999f, 1}, {0.75f, 2}, {1.25f, 2}, {1.7499999f, 3},
      {1.75f, 4}, {2.5f, 4},       {3.4999998f, 5}, {3.5f, 6},  {5.0f, 6},  {5.01f, 7}};
  for (const auto& [value, code] : rounded) {
    CAPTURE(value);
    CHECK(e2m1::encode(value) == code);
  }
}

TEST_CASE("minifloat: e3m2 rounds as ml_dtypes does") {
  // jax-ml/ml_dtypes, tests/mxfloat_test.cc
  constexpr std::pair<float, unsigned> rounded[] = {
      {29.0f, 31}, {26.0f, 30}, {0.1251f, 2}, {0.0314f, 1}, {0.03f, 0}};
  for (const auto& [value, code] : rounded) {
    CHECK(e3m2::encode(value) == code);
  }
}

TEST_CASE("minifloat: limits are those that ml_dtypes publishes") {
  // jax-ml/ml_dtypes, tests/float8_test.cc and tests/mxfloat_test.cc: the greatest value, the
  // smallest normal and the smallest subnormal one.
  const auto expect = []<class Element>(Element, float largest, unsigned normal, float least_normal,
                                        float least) {
    CHECK(Element::largest == largest);
    CHECK(Element::decode(normal) == least_normal);
    CHECK(Element::decode(1) == least);
    CHECK(Element::encode(least) == 1);
  };
  expect(e4m3{}, 448, 0x08, 0x1p-6f, 0x1p-9f);
  expect(e5m2{}, 57344, 0x04, 0x1p-14f, 0x1p-16f);
  expect(e2m3{}, 7.5f, 0x08, 1, 0.125f);
  expect(e3m2{}, 28, 0x04, 0.25f, 0.0625f);
  expect(e2m1{}, 6, 0x02, 1, 0.5f);
}

TEST_CASE("minifloat: special values encode as CUDA's saturating conversions do") {
  // cuda_fp8.h, cuda_fp6.h, cuda_fp4.h of CUDA 13.0 on the host. NaN is another matter: it is the
  // block's scale that marks it, and the code is the greatest whatever the format.
  constexpr float infinity = HUGE_VALF;
  CHECK(e4m3::encode(infinity) == 0x7e);
  CHECK(e4m3::encode(464) == 0x7e);
  CHECK(e4m3::encode(465) == 0x7e);
  CHECK(e5m2::encode(infinity) == 0x7b);
  CHECK(e5m2::encode(61440) == 0x7b);
  CHECK(e2m1::encode(infinity) == 0x7);
  CHECK(e2m1::encode(-infinity) == 0xf);
  CHECK(e2m1::encode(-0.0f) == 0x8);
  CHECK(e2m3::encode(infinity) == 0x1f);
  CHECK(e2m1::encode(std::nanf("")) == 0x7);
  CHECK(e2m3::encode(std::nanf("")) == 0x1f);
}
