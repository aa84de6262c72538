// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The integer formats against a scalar loop in double.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/nvfp4.hpp>
#include <rondo/codec/sign.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

template <class Codec>
bytes encoded(const std::vector<float>& values) {
  bytes wire(Codec{}.wire_bytes(values.size()));
  Codec{}.encode(values, wire);
  return wire;
}

float float_at(const bytes& wire, std::size_t offset) {
  float value = 0;
  std::memcpy(&value, wire.data() + offset, sizeof(value));
  return value;
}

/// Ties to even, whatever the rounding mode of the environment.
long nearest(double x) {
  const double below = std::floor(x);
  const double rest = x - below;
  const auto whole = static_cast<long>(below);
  return rest < 0.5 || (rest == 0.5 && whole % 2 == 0) ? whole : whole + 1;
}

}  // namespace

TEST_CASE("integer: int8 codes are those of a scalar loop in double") {
  const auto values = samples::student(128 * 50, 1);
  const auto wire = encoded<codec::int8<128>>(values);
  unsigned wrong = 0;
  for (std::size_t b = 0; b < 50; ++b) {
    double largest = 0;
    for (std::size_t i = 0; i < 128; ++i) {
      largest = std::max(largest, std::abs(double{values[b * 128 + i]}));
    }
    const double scale = double{float_at(wire, 4 * b)};
    wrong += std::abs(scale - largest / 127) > largest * 0x1p-30;
    for (std::size_t i = 0; i < 128; ++i) {
      const double exact = double{values[b * 128 + i]} / scale;
      const auto code = static_cast<std::int8_t>(wire[208 + b * 128 + i]);
      const bool near_tie = std::abs(exact - std::floor(exact) - 0.5) < 1e-5;
      wrong += near_tie ? std::abs(exact - code) > 0.50001 : code != nearest(exact);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("integer: int4 gives its lowest code to the value of largest magnitude") {
  for (const float sign : {1.0f, -1.0f}) {
    std::vector<float> values(32, 0.0f);
    values[3] = sign * 8;
    values[4] = sign * -8;
    values[5] = sign * 3;
    values[31] = sign * -1;
    std::vector<float> got(32);
    codec::int4<32>{}.decode(encoded<codec::int4<32>>(values), got);
    // Of two opposite values, the negative counts as the largest; the other loses one step.
    CHECK(got[sign > 0 ? 4 : 3] == -8);
    CHECK(got[sign > 0 ? 3 : 4] == 7);
    CHECK(got[5] == values[5]);
    CHECK(got[31] == values[31]);
    CHECK(got[0] == 0);
  }
}

TEST_CASE("integer: codes stand in bytes from the lowest bits up") {
  std::vector<float> values(32, 0.0f);
  values[0] = 7;
  values[1] = -7;
  values[2] = 1;
  const auto wire = encoded<codec::int4_symmetric<32>>(values);
  CHECK(std::to_integer<int>(wire[16]) == 0x97);
  CHECK(std::to_integer<int>(wire[17]) == 0x01);

  std::vector<float> six(32, 0.0f);
  six[0] = 31;
  six[1] = -31;
  six[5] = 1;
  const auto planes = encoded<codec::int6<32>>(six);
  CHECK(std::to_integer<int>(planes[16]) == 0x1f);  // low nibbles of 31 and -31
  CHECK(std::to_integer<int>(planes[18]) == 0x10);  // value 5
  CHECK(std::to_integer<int>(planes[32]) == 0x09);  // upper pairs 01 and 10
}

TEST_CASE("integer: a scale that is stored short is rounded up, so that nothing overflows") {
  samples::random draw{3};
  for (int i = 0; i < 100000; ++i) {
    const auto value = static_cast<float>(std::exp(80 * (draw.uniform() - 0.5)));
    const auto up = codec::detail::rounded_up<bfloat16>(value);
    const auto down = codec::detail::rounded_down<bfloat16>(-value);
    REQUIRE(float{up} >= value);
    REQUIRE(float{bfloat16::from_bits(static_cast<std::uint16_t>(up.bits - 1))} < value);
    REQUIRE(float{down} <= -value);
    REQUIRE(float{bfloat16::from_bits(static_cast<std::uint16_t>(down.bits - 1))} > -value);
  }
}

TEST_CASE("integer: the asymmetric form keeps its precision far from zero") {
  auto values = samples::gaussian(4096, 4);
  for (float& value : values) {
    value += 100;
  }
  std::vector<float> got(values.size());
  codec::int8_asymmetric<32>{}.decode(encoded<codec::int8_asymmetric<32>>(values), got);
  float worst = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    worst = std::max(worst, std::abs(values[i] - got[i]));
  }
  CHECK(worst < 0.03f);
}

TEST_CASE("sign: one bit and the mean magnitude, zero counting as positive") {
  std::vector<float> values(256, 0.0f);
  values[0] = -2;
  values[9] = 4;
  const auto wire = encoded<codec::sign<256>>(values);
  CHECK(float_at(wire, 0) == 6.0f / 256);
  CHECK(std::to_integer<int>(wire[16]) == 0x01);
  CHECK(std::all_of(wire.begin() + 17, wire.end(), [](std::byte b) { return b == std::byte{0}; }));

  const auto random = samples::gaussian(2048 + 700, 5);
  const auto long_wire = encoded<codec::sign<2048>>(random);
  double sum = 0;
  double tail = 0;
  for (std::size_t i = 0; i < random.size(); ++i) {
    (i < 2048 ? sum : tail) += std::abs(double{random[i]});
  }
  CHECK(double{float_at(long_wire, 0)} == Approx(sum / 2048).epsilon(1e-6));
  CHECK(double{float_at(long_wire, 4)} == Approx(tail / 700).epsilon(1e-6));
}

TEST_CASE("nvfp4: bytes are those of the definition, in double") {
  const auto values = samples::student(16 * 40, 6);
  const auto wire = encoded<codec::nvfp4>(values);
  double absmax = 0;
  for (const float value : values) {
    absmax = std::max(absmax, std::abs(double{value}));
  }
  CHECK(double{float_at(wire, 0)} == Approx(448 * 6 / absmax).epsilon(1e-6));
  std::vector<float> got(values.size());
  codec::nvfp4{}.decode(wire, got);
  constexpr double grid[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  unsigned wrong = 0;
  for (std::size_t b = 0; b < 40; ++b) {
    // The e4m3 scale of the block as its byte says, by definition.
    const unsigned code = std::to_integer<unsigned>(wire[16 + b]);
    const double scale = std::ldexp((code >> 3 ? 8 : 0) + static_cast<int>(code & 7),
                                    (code >> 3 ? static_cast<int>(code >> 3) : 1) - 10) *
                         absmax / (448 * 6);
    for (std::size_t i = 16 * b; i < 16 * (b + 1); ++i) {
      double best = 1e30;
      for (const double step : grid) {
        best = std::min(best, std::abs(std::abs(double{values[i]}) - step * scale));
      }
      wrong +=
          std::abs(double{values[i]} - double{got[i]}) > best + 1e-6 * std::abs(double{values[i]});
    }
  }
  CHECK(wrong == 0);
}
