// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Scales, codes and places on the wire against each format's definition, worked out here in double:
// every byte that means something, for ties, subnormals, zeros of both signs, NaN and short blocks.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/microscaling.hpp>
#include <rondo/codec/nvfp4.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;
using values = std::vector<float>;

/// As arithmetic in float rounds; of two floats, a product, quotient or difference in double rounds
/// to the right float.
double rounded(double x) { return double{static_cast<float>(x)}; }

constexpr double smallest_scale = 0x1p-126;

/// Ties to even, whatever the rounding mode of the environment.
long nearest(double x) {
  const double below = std::floor(x);
  const double rest = x - below;
  const auto whole = static_cast<long>(below);
  return rest < 0.5 || (rest == 0.5 && whole % 2 == 0) ? whole : whole + 1;
}

/// The least bfloat16 not below a positive normal x.
double brain_above(double x) {
  int exponent = 0;
  const double mantissa = std::frexp(x, &exponent);
  return std::ldexp(std::ceil(std::ldexp(mantissa, 8)), exponent - 8);
}

double largest_of(const values& block) {
  double largest = 0;
  for (const float x : block) {
    largest = std::max(largest, std::abs(double{x}));
  }
  return largest;
}

double inverse_of(double scale) { return scale == 0 ? 0 : rounded(1 / scale); }

/// What one block becomes: the bits of its scale, and each value's code.
struct expected_block {
  std::uint32_t scale_bits;
  double scale;
  std::vector<unsigned> codes;
};

std::uint32_t bits_of_scale(double scale, bool brain) {
  const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(scale));
  return brain ? bits >> 16 : bits;
}

// --- the definitions ---------------------------------------------------------------------------

/// s = A / Q, rounded up to the type it is stored in; q = nearest(x / s).
template <int Bits, bool Brain>
struct symmetric {
  static constexpr int bits = Bits;
  static constexpr std::size_t scale_bytes = Brain ? 2 : 4;
  static constexpr unsigned poisoned = 0;

  static expected_block encode(const values& block) {
    constexpr double highest = (1 << (Bits - 1)) - 1;
    const double largest = largest_of(block);
    double scale = largest == 0 ? 0 : std::max(rounded(largest / highest), smallest_scale);
    scale = Brain && scale != 0 ? brain_above(scale) : scale;
    expected_block made{bits_of_scale(scale, Brain), scale, {}};
    for (const float x : block) {
      const long code = nearest(rounded(double{x} * inverse_of(scale)));
      made.codes.push_back(static_cast<unsigned>(code) & ((1u << Bits) - 1u));
    }
    return made;
  }
  static double value(unsigned code) {
    const int sign = 1 << (Bits - 1);
    return (static_cast<int>(code) ^ sign) - sign;
  }
};

/// s = -m / 2^(b-1) for the value m of largest magnitude, of two opposite ones the negative;
/// q = nearest(x / s), at most 2^(b-1) - 1.
template <int Bits>
struct signed_maximum : symmetric<Bits, true> {
  static expected_block encode(const values& block) {
    constexpr int levels = 1 << (Bits - 1);
    const double largest = largest_of(block);
    const bool negative = std::any_of(block.begin(), block.end(),
                                      [&](float x) { return x < 0 && double{x} == -largest; });
    double scale = 0;
    if (largest != 0) {
      scale = brain_above(std::max(largest / levels, smallest_scale)) * (negative ? 1 : -1);
    }
    expected_block made{bits_of_scale(scale, true), scale, {}};
    for (const float x : block) {
      const long code = nearest(rounded(double{x} * inverse_of(scale)));
      REQUIRE(code >= -levels);
      made.codes.push_back(static_cast<unsigned>(std::min(code, levels - 1l)) &
                           ((1u << Bits) - 1u));
    }
    return made;
  }
};

/// A float format of few bits: its greatest code, and emax of the MX specification.
template <int ExponentBits, int MantissaBits, unsigned Largest, int TopExponent>
struct small_float {
  static constexpr int bits = 1 + ExponentBits + MantissaBits;
  static constexpr int top_exponent = TopExponent;
  static constexpr unsigned sign = 1u << (bits - 1);

  static double magnitude(unsigned code) {
    constexpr int bias = (1 << (ExponentBits - 1)) - 1;
    const int mantissa = static_cast<int>(code) & ((1 << MantissaBits) - 1);
    const int exponent = static_cast<int>(code) >> MantissaBits;
    const int hidden = exponent == 0 ? 0 : 1 << MantissaBits;
    return std::ldexp(hidden + mantissa, std::max(exponent, 1) - bias - MantissaBits);
  }
  static double largest() { return magnitude(Largest); }
  static double value(unsigned code) {
    return (code & sign ? -1 : 1) * magnitude(code & (sign - 1));
  }
  /// The nearest code, ties to the even one, saturating, with the value's sign.
  static unsigned code(double x) {
    unsigned made = 0;
    while (made < Largest) {
      const double middle = (magnitude(made) + magnitude(made + 1)) / 2;
      if (std::abs(x) < middle || (std::abs(x) == middle && made % 2 == 0)) {
        break;
      }
      ++made;
    }
    return made | (std::signbit(x) ? sign : 0);
  }
};
using e4m3 = small_float<4, 3, 0x7e, 8>;
using e5m2 = small_float<5, 2, 0x7b, 15>;
using e2m3 = small_float<2, 3, 0x1f, 2>;
using e3m2 = small_float<3, 2, 0x1f, 4>;
using e2m1 = small_float<2, 1, 0x07, 2>;

/// 64ths, -127 .. 127.
struct sixty_fourths {
  static constexpr int bits = 8;
  static constexpr int top_exponent = 0;
  static double largest() { return 127.0 / 64; }
  static double value(unsigned code) { return static_cast<std::int8_t>(code) / 64.0; }
  static unsigned code(double x) {
    return static_cast<unsigned>(std::clamp(nearest(rounded(x * 64)), -127l, 127l)) & 0xffu;
  }
};

/// s = A / largest; the code nearest to x / s.
template <class Element, bool Brain>
struct scaled_float {
  static constexpr int bits = Element::bits;
  static constexpr std::size_t scale_bytes = Brain ? 2 : 4;
  static constexpr unsigned poisoned = 0x7f;

  static expected_block encode(const values& block) {
    const double largest = largest_of(block);
    double scale =
        largest == 0 ? 0 : std::max(rounded(largest / Element::largest()), smallest_scale);
    scale = Brain && scale != 0 ? brain_above(scale) : scale;
    expected_block made{bits_of_scale(scale, Brain), scale, {}};
    for (const float x : block) {
      made.codes.push_back(Element::code(rounded(double{x} * inverse_of(scale))));
    }
    return made;
  }
  static double value(unsigned code) { return Element::value(code); }
};

/// E = ceil(log2(A / largest)) or floor(log2 A) - emax, within -127 .. 127; the code nearest to
/// x * 2^-E. The byte is E + 127, and 0 for a block of zeros.
template <class Element, codec::mx_scale Rule>
struct microscaled {
  static constexpr int bits = Element::bits;
  static constexpr std::size_t scale_bytes = 1;
  static constexpr unsigned poisoned = 0x7f;

  static expected_block encode(const values& block) {
    const double largest = largest_of(block);
    int exponent = -127;
    if (largest != 0 && Rule == codec::mx_scale::floor) {
      exponent = std::max(std::ilogb(largest) - Element::top_exponent, -127);
    } else if (const double share = rounded(largest / Element::largest()); share != 0) {
      while (std::ldexp(1.0, exponent) < share && exponent < 127) {
        ++exponent;
      }
    }
    expected_block made{static_cast<std::uint32_t>(exponent + 127), std::ldexp(1.0, exponent), {}};
    for (const float x : block) {
      made.codes.push_back(Element::code(rounded(std::ldexp(double{x}, -exponent))));
    }
    return made;
  }
  static double value(unsigned code) { return Element::value(code); }
};

// --- wires ---------------------------------------------------------------------------------------

/// Where things stand by the description in docs/codecs.md.
struct layout {
  std::size_t block;
  int bits;
  std::size_t scale_bytes;
  std::size_t header;
  std::size_t count;

  static std::size_t up16(std::size_t at) { return (at + 15) / 16 * 16; }
  [[nodiscard]] std::size_t payload() const {
    return up16(header + (count + block - 1) / block * scale_bytes);
  }
  [[nodiscard]] std::size_t total() const {
    const std::size_t whole = bits == 6 ? (count + block - 1) / block * block : count;
    return up16(payload() + (whole * static_cast<std::size_t>(bits) + 7) / 8);
  }
  [[nodiscard]] std::uint32_t scale(const bytes& wire, std::size_t b) const {
    std::uint32_t got = 0;
    std::memcpy(&got, wire.data() + header + b * scale_bytes, scale_bytes);
    return got;
  }
  [[nodiscard]] static unsigned field(const bytes& wire, std::size_t begin, std::size_t i,
                                      int width) {
    const std::size_t bit = i * static_cast<std::size_t>(width);
    return std::to_integer<unsigned>(wire[begin + bit / 8]) >> (bit % 8) & ((1u << width) - 1u);
  }
  [[nodiscard]] unsigned code(const bytes& wire, std::size_t i) const {
    if (bits != 6) {
      return field(wire, payload(), i, bits);
    }
    const std::size_t begin = payload() + i / block * (block / 4 * 3);
    return field(wire, begin, i % block, 4) | field(wire, begin + block / 2, i % block, 2) << 4;
  }
};

template <class Codec>
bytes encoded(const values& given) {
  bytes wire(Codec{}.wire_bytes(given.size()), std::byte{0xa5});
  Codec{}.encode(given, wire);
  return wire;
}

bool is_finite(const values& block) {
  return std::all_of(block.begin(), block.end(), [](float x) { return std::isfinite(x); });
}

/// Blocks of every kind that a scale or a code may go wrong at.
std::vector<values> blocks_of(std::size_t block) {
  std::vector<values> made;
  for (const int exponent : {-148, -140, -133, -127, -126, -125, -118, -60, 0, 3, 60, 110}) {
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
      auto drawn = samples::student(block, seed + 1);
      for (float& x : drawn) {
        x = std::ldexp(std::clamp(x, -100.0f, 100.0f), exponent);
      }
      made.push_back(drawn);
    }
  }
  // Steps of a half about every kind of largest value: nothing but ties, where scales are exact.
  for (const double top : {127.0, 31.0, 8.0, 7.0, 6.0, 448.0, 57344.0, 28.0, 7.5, 2.0, 1.984375}) {
    for (const double sign : {1.0, -1.0}) {
      for (const double step : {0.5, 0.25, 0.0078125}) {
        values ties(block, 0.0f);
        for (std::size_t i = 0; i < block; ++i) {
          const double x = step * (static_cast<double>(i) - static_cast<double>(block / 2));
          ties[i] = static_cast<float>(std::clamp(x, -top, top));
        }
        ties[block / 3] = static_cast<float>(sign * top);
        made.push_back(ties);
      }
    }
    for (const float at : {std::nextafterf(static_cast<float>(top), 0.0f),
                           std::nextafterf(static_cast<float>(top), HUGE_VALF)}) {
      values near(block, 1.0f);
      near[block - 1] = at;
      near[0] = -at;
      near[1] = at / 2;
      made.push_back(near);
    }
  }
  made.emplace_back(block, 0.0f);
  made.emplace_back(block, -0.0f);
  made.emplace_back(block, 1.0f);
  made.emplace_back(block, -3.0f);
  for (const float one : {0x1p-149f, -0x1p-149f, 0x1p-126f, -0x1p126f, 0x1.fep126f}) {
    values lonely(block, 0.0f);
    lonely[block / 2] = one;
    made.push_back(lonely);
  }
  for (const float bad : {HUGE_VALF, -HUGE_VALF, std::nanf(""), -std::nanf("")}) {
    values spoilt(block, 0.0f);
    spoilt[block - 1] = bad;
    made.push_back(spoilt);
    spoilt[0] = std::nanf("");
    made.push_back(spoilt);
  }
  return made;
}

/// How many scales, codes and decoded values are not as defined.
template <class Codec, class Definition>
unsigned deviations() {
  constexpr std::size_t block = Codec::block;
  unsigned wrong = 0;
  auto blocks = blocks_of(block);
  for (const std::size_t tail : {std::size_t{0}, std::size_t{1}, block / 2 + 1, block - 1}) {
    blocks.push_back(samples::gaussian(tail, 7));
    values all;
    for (const auto& one : blocks) {
      all.insert(all.end(), one.begin(), one.end());
    }
    const layout at{block, Definition::bits, Definition::scale_bytes, 0, all.size()};
    const bytes wire = encoded<Codec>(all);
    REQUIRE(wire.size() == at.total());
    values got(all.size());
    Codec{}.decode(wire, got);
    for (std::size_t b = 0, i = 0; b < blocks.size(); ++b) {
      if (!is_finite(blocks[b])) {
        for (const std::size_t end = i + blocks[b].size(); i < end; ++i) {
          wrong += !std::isnan(got[i]);
          wrong += Definition::bits == 8 && at.code(wire, i) != Definition::poisoned;
        }
        wrong += Definition::scale_bytes == 1 && at.scale(wire, b) != 255;
        continue;
      }
      const auto expected = Definition::encode(blocks[b]);
      wrong += !blocks[b].empty() && at.scale(wire, b) != expected.scale_bits;
      for (const unsigned code : expected.codes) {
        wrong += at.code(wire, i) != code;
        wrong += double{got[i]} != rounded(Definition::value(code) * expected.scale);
        ++i;
      }
    }
    blocks.pop_back();
  }
  return wrong;
}

template <class Codec, bool Brain>
void check_asymmetric() {
  constexpr std::size_t block = Codec::block;
  constexpr double highest = (1 << Codec::bits) - 1;
  unsigned wrong = 0;
  std::size_t missing = 0;
  for (auto given : blocks_of(block)) {
    missing = (missing + 5) % block;  // what stands in their place must not be seen
    given.resize(block - missing);
    for (const float offset : {0.0f, 100.0f, -1e6f}) {
      if (!is_finite(given)) {
        continue;
      }
      for (float& x : given) {
        x += offset;
      }
      const bytes wire = encoded<Codec>(given);
      const layout at{block, Codec::bits, Brain ? 4 : 8, 0, given.size()};
      REQUIRE(wire.size() == at.total());
      const auto number = [&](std::size_t which) {
        std::uint32_t bits = 0;
        std::memcpy(&bits, wire.data() + which * (Brain ? 2 : 4), Brain ? 2 : 4);
        return double{std::bit_cast<float>(Brain ? bits << 16 : bits)};
      };
      const double least = double{*std::min_element(given.begin(), given.end())};
      const double greatest = double{*std::max_element(given.begin(), given.end())};
      const double z = number(0);
      const double step = number(1);
      // The greatest that can be stored and is not above the least; the step spans the rest, and
      // one smaller would not.
      const double grid = std::max(std::abs(least) * 0x1p-7, 0x1p-133);
      wrong += z > least || least - z > (Brain ? grid : 0.0);
      const double exact = (greatest - z) / highest;
      const double least_step = greatest > z ? std::max(exact, smallest_scale) : 0;
      wrong += step < least_step * (1 - 0x1p-22);
      wrong += step > least_step * (1 + (Brain ? 0x1p-7 : 0x1p-22));
      values got(given.size());
      Codec{}.decode(wire, got);
      for (std::size_t i = 0; i < given.size(); ++i) {
        const double code = at.code(wire, i);
        const double place = step == 0 ? 0 : (double{given[i]} - z) / step;
        wrong += std::abs(place - code) > 0.5 + highest * 0x1p-20;
        wrong += double{got[i]} != rounded(rounded(code * step) + z);
      }
    }
  }
  CHECK(wrong == 0);
}

using codec::mx_scale;

}  // namespace

TEST_CASE("definitions: integers and their scales, -Q .. Q") {
  CHECK(deviations<codec::int8<128>, symmetric<8, false>>() == 0);
  CHECK(deviations<codec::int8<32, bfloat16>, symmetric<8, true>>() == 0);
  CHECK(deviations<codec::int6<32>, symmetric<6, true>>() == 0);
  CHECK(deviations<codec::int4_symmetric<64>, symmetric<4, true>>() == 0);
}

TEST_CASE("definitions: integers in the signed-maximum form") {
  CHECK(deviations<codec::int4<32>, signed_maximum<4>>() == 0);
  CHECK(deviations<codec::int2<32>, signed_maximum<2>>() == 0);
}

TEST_CASE("definitions: integers between a block's least and greatest value") {
  check_asymmetric<codec::int8_asymmetric<32>, false>();
  check_asymmetric<codec::int4_asymmetric<32>, true>();
  check_asymmetric<codec::int2_asymmetric<32>, true>();
}

TEST_CASE("definitions: 8-bit floats times a scale") {
  CHECK(deviations<codec::fp8_e4m3<128>, scaled_float<e4m3, false>>() == 0);
  CHECK(deviations<codec::fp8_e5m2<32, bfloat16>, scaled_float<e5m2, true>>() == 0);
}

TEST_CASE("definitions: the MX formats, scales rounded up") {
  CHECK(deviations<codec::mxfp8<>, microscaled<e4m3, mx_scale::round_up>>() == 0);
  CHECK(deviations<codec::mxfp8_e5m2<>, microscaled<e5m2, mx_scale::round_up>>() == 0);
  CHECK(deviations<codec::mxfp6_e2m3<>, microscaled<e2m3, mx_scale::round_up>>() == 0);
  CHECK(deviations<codec::mxfp6_e3m2<>, microscaled<e3m2, mx_scale::round_up>>() == 0);
  CHECK(deviations<codec::mxfp4<>, microscaled<e2m1, mx_scale::round_up>>() == 0);
  CHECK(deviations<codec::mxint8<>, microscaled<sixty_fourths, mx_scale::round_up>>() == 0);
}

TEST_CASE("definitions: the MX formats, scales by floor") {
  constexpr auto floor = mx_scale::floor;
  CHECK(deviations<codec::mxfp8<floor>, microscaled<e4m3, floor>>() == 0);
  CHECK(deviations<codec::mxfp8_e5m2<floor>, microscaled<e5m2, floor>>() == 0);
  CHECK(deviations<codec::mxfp6_e2m3<floor>, microscaled<e2m3, floor>>() == 0);
  CHECK(deviations<codec::mxfp6_e3m2<floor>, microscaled<e3m2, floor>>() == 0);
  CHECK(deviations<codec::mxfp4<floor>, microscaled<e2m1, floor>>() == 0);
  CHECK(deviations<codec::mxint8<floor>, microscaled<sixty_fourths, floor>>() == 0);
}

TEST_CASE("definitions: nvfp4's two scales and its codes") {
  // Transformer Engine, common/cast/nvfp4/core_nvfp4.cuh: g = 448 * 6 / amax, a block's scale
  // d = e4m3(amax_of_block * (g * (1 / 6))), values times min(1 / (d * (1 / g)), FLT_MAX).
  unsigned wrong = 0;
  for (const int exponent : {-140, -100, -20, 0, 20, 100}) {
    auto given = samples::student(16 * 300 + 5, 11);
    for (float& x : given) {
      x = std::ldexp(std::clamp(x, -500.0f, 500.0f), exponent);
    }
    std::fill_n(given.begin() + 32, 16, 0.0f);
    for (std::size_t i = 48; i < 112; ++i) {  // scales that are subnormal, or nothing
      given[i] = std::ldexp(given[i], -4 - static_cast<int>(i - 48) / 16 * 3);
    }
    const bytes wire = encoded<codec::nvfp4>(given);
    const layout at{16, 4, 1, 16, given.size()};
    REQUIRE(wire.size() == at.total());
    const double largest = double{std::numeric_limits<float>::max()};
    const double g = rounded(std::min(2688 / largest_of(given), largest));
    const double inverse = rounded(1 / g);
    float header[2];
    std::memcpy(header, wire.data(), sizeof(header));
    wrong += double{header[0]} != g || double{header[1]} != inverse;
    values got(given.size());
    codec::nvfp4{}.decode(wire, got);
    for (std::size_t first = 0; first < given.size(); first += 16) {
      const std::size_t end = std::min(first + 16, given.size());
      const double amax = largest_of({given.begin() + static_cast<std::ptrdiff_t>(first),
                                      given.begin() + static_cast<std::ptrdiff_t>(end)});
      const unsigned scale = e4m3::code(rounded(amax * rounded(g * rounded(1.0 / 6))));
      const double step = rounded(e4m3::value(scale) * inverse);
      const double factor = std::min(rounded(1 / step), largest);
      wrong += at.scale(wire, first / 16) != scale;
      for (std::size_t i = first; i < end; ++i) {
        const unsigned code = e2m1::code(rounded(double{given[i]} * factor));
        wrong += at.code(wire, i) != code;
        wrong += double{got[i]} != rounded(e2m1::value(code) * step);
      }
    }
  }
  CHECK(wrong == 0);
  const bytes nothing = encoded<codec::nvfp4>(values(20, 0.0f));
  float header[2];
  std::memcpy(header, nothing.data(), sizeof(header));
  CHECK(header[0] == 1);
  CHECK(header[1] == 1);
}
