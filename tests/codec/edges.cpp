// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Both ends of what a float can be: zeros, and magnitudes that a rounded scale may carry past the
// largest float; and that stated bounds are near what happens.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/cast.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/microscaling.hpp>
#include <rondo/codec/nvfp4.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/codec/sign.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <span>
#include <type_traits>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;
using values = std::vector<float>;
using codec::mx_scale;

template <class Codec>
bytes encoded(const Codec& with, const values& given) {
  bytes wire(with.wire_bytes(given.size()), std::byte{0xa5});
  with.encode(given, wire);
  return wire;
}

template <class Codec>
values one_trip(const Codec& with, const values& given) {
  values got(given.size());
  with.decode(encoded(with, given), got);
  return got;
}

bool all_zero(std::span<const std::byte> wire) {
  return std::all_of(wire.begin(), wire.end(), [](std::byte one) { return one == std::byte{0}; });
}

/// Calls visit(name, codec) for one codec of each format.
template <class Visit>
void for_each_format(const Visit& visit) {
  visit("int8<128>", codec::int8<128>{});
  visit("int8<32, bfloat16>", codec::int8<32, bfloat16>{});
  visit("int6<32>", codec::int6<32>{});
  visit("int4<32>", codec::int4<32>{});
  visit("int2<32>", codec::int2<32>{});
  visit("int8_asymmetric<32>", codec::int8_asymmetric<32>{});
  visit("int2_asymmetric<32>", codec::int2_asymmetric<32>{});
  visit("fp8_e4m3<128>", codec::fp8_e4m3<128>{});
  visit("fp8_e5m2<32, bfloat16>", codec::fp8_e5m2<32, bfloat16>{});
  visit("mxfp8", codec::mxfp8<>{});
  visit("mxfp4", codec::mxfp4<>{});
  visit("mxint8", codec::mxint8<>{});
  visit("mxint8<floor>", codec::mxint8<mx_scale::floor>{});
  visit("mxfp4<floor>", codec::mxfp4<mx_scale::floor>{});
  visit("nvfp4", codec::nvfp4{});
}

/// The largest error of a block over its bound.
template <class Codec>
double worst_over_bound(const Codec& with, const values& given) {
  const values got = one_trip(with, given);
  double worst = 0;
  for (std::size_t first = 0; first < given.size(); first += Codec::block) {
    const std::size_t end = std::min<std::size_t>(first + Codec::block, given.size());
    float largest = 0;
    double error = 0;
    for (std::size_t i = first; i < end; ++i) {
      largest = std::max(largest, std::abs(given[i]));
      const double off = std::abs(double{given[i]} - double{got[i]});
      error = std::isnan(off) ? HUGE_VAL : std::max(error, off);
    }
    worst = std::max(worst, error / double{with.max_error(largest)});
  }
  return worst;
}

}  // namespace

TEST_CASE("edges: zeros of a block are bytes of zero, whatever the format") {
  for_each_format([](const char* name, const auto& with) {
    CAPTURE(name);
    const std::size_t header = std::is_same_v<std::decay_t<decltype(with)>, codec::nvfp4> ? 8 : 0;
    const bytes wire = encoded(with, values(3 * with.block + 1, 0.0f));
    CHECK(all_zero(std::span{wire}.subspan(header)));
  });
  CHECK(all_zero(encoded(codec::sign<256>{}, values(300, -0.0f))));
}

TEST_CASE("edges: negative zero is sent as positive by one bit, with its sign by a float format") {
  values given(256, -0.0f);
  given[1] = -1;
  const values by_sign = one_trip(codec::sign<256>{}, given);
  CHECK(by_sign[0] > 0);
  CHECK(by_sign[1] < 0);
  CHECK(std::signbit(one_trip(codec::fp8_e4m3<128>{}, given)[0]));
  CHECK(std::signbit(one_trip(codec::mxfp4<>{}, given)[0]));
}

TEST_CASE(
    "edges: up to 2^126 errors are within the bound, and beyond it nothing but an infinity "
    "may take a value's place") {
  for_each_format([](const char* name, const auto& with) {
    CAPTURE(name);
    const std::size_t block = with.block;
    for (const float top : {0x1p126f, 0x1.4p126f, 0x1p127f, 0x1.8p127f, 0x1.fcp127f, 0x1.fep127f,
                            0x1.ff8p127f, FLT_MAX}) {
      for (const float sign : {1.0f, -1.0f}) {
        CAPTURE(top, sign);
        auto given = samples::gaussian(3 * block, 4);
        const values clean = one_trip(with, given);
        for (std::size_t i = block; i < 2 * block; ++i) {
          given[i] = std::clamp(given[i] / 4, -1.0f, 1.0f) * top;
        }
        given[block + 3] = sign * top;
        given[block + 4] = -sign * top;
        const values got = one_trip(with, given);
        const float bound = with.max_error(top);
        unsigned wrong = 0;
        for (std::size_t i = block; i < 2 * block; ++i) {
          const bool near = std::abs(double{got[i]} - double{given[i]}) <= double{bound};
          const bool past = std::isinf(got[i]) && (got[i] > 0) == (given[i] > 0);
          wrong += top <= 0x1p126f ? !near : !(near || past);
        }
        CHECK(wrong == 0);
        if (!std::is_same_v<std::decay_t<decltype(with)>, codec::nvfp4>) {  // one factor for all
          CHECK(std::equal(got.begin(), got.begin() + static_cast<std::ptrdiff_t>(block),
                           clean.begin()));
          CHECK(std::equal(got.end() - static_cast<std::ptrdiff_t>(block), got.end(),
                           clean.end() - static_cast<std::ptrdiff_t>(block)));
        }
      }
    }
  });
}

TEST_CASE("edges: a bound is nearly reached, and not passed") {
  const auto expect = [](const char* name, const auto& with, double reached) {
    CAPTURE(name);
    auto given = samples::gaussian(1 << 16, 8);
    for (std::size_t i = 0; i < given.size(); i += with.block) {
      const float largest = 5 + static_cast<float>(i % 1000) / 100;
      given[i] = i / with.block % 2 == 0 ? largest : -largest;
      given[i + 1] = -given[i];
    }
    const double worst = worst_over_bound(with, given);
    CHECK(worst <= 1);
    CHECK(worst >= reached);
  };
  expect("int8<128>", codec::int8<128>{}, 0.9);
  expect("int6<32>", codec::int6<32>{}, 0.9);
  expect("int4<32>", codec::int4<32>{}, 0.9);
  expect("int4_symmetric<32>", codec::int4_symmetric<32>{}, 0.9);
  expect("int8_asymmetric<32>", codec::int8_asymmetric<32>{}, 0.9);
  expect("int4_asymmetric<32>", codec::int4_asymmetric<32>{}, 0.9);
  expect("fp8_e4m3<128>", codec::fp8_e4m3<128>{}, 0.9);
  expect("fp8_e5m2<128>", codec::fp8_e5m2<128>{}, 0.75);
  expect("mxfp8", codec::mxfp8<>{}, 0.9);
  expect("mxfp6_e2m3", codec::mxfp6_e2m3<>{}, 0.9);
  expect("mxfp6_e3m2", codec::mxfp6_e3m2<>{}, 0.9);
  expect("mxfp4", codec::mxfp4<>{}, 0.9);
  expect("mxint8", codec::mxint8<>{}, 0.9);
  expect("mxfp4<floor>", codec::mxfp4<mx_scale::floor>{}, 0.9);
  expect("nvfp4", codec::nvfp4{}, 0.5);
}

TEST_CASE("edges: where magnitudes are added up, the bound holds as far as it says") {
  const auto expect = [](const char* name, const auto& with, float top) {
    CAPTURE(name);
    samples::random draw{9};
    for (unsigned trial = 0; trial < 200; ++trial) {
      values given(2 * with.block);
      for (float& value : given) {
        const double share = trial % 2 == 0 ? 1 : draw.uniform();
        value = static_cast<float>(draw.bits() % 2 == 0 ? share : -share) * top;
      }
      CHECK(worst_over_bound(with, given) <= 1);
    }
  };
  expect("rotated int2<32>", codec::rotated{codec::int2<32>{}, 1}, 0x1p120f);
  expect("rotated int2_asymmetric<32>", codec::rotated{codec::int2_asymmetric<32>{}, 2}, 0x1p120f);
  expect("rotated int4<64>", codec::rotated{codec::int4<64>{}, 3}, 0x1p120f);
  expect("rotated mxfp4", codec::rotated{codec::mxfp4<>{}, 4}, 0x1p120f);
  expect("sign<256>", codec::sign<256>{}, 0x1p119f);
  expect("sign<2048>", codec::sign<2048>{}, 0x1p116f);
}

TEST_CASE("float8: down to the share of the largest that is stated, values lose theirs at most") {
  const auto expect = [](const char* name, const auto& with, double share, int down_to) {
    CAPTURE(name);
    samples::random draw{8};
    double worst = 0;
    for (unsigned trial = 0; trial < 300; ++trial) {
      values given(with.block);
      given[0] = static_cast<float>(1 + draw.uniform());
      for (std::size_t i = 1; i < given.size(); ++i) {  // most of them at the lower end
        const double octaves = i % 2 == 0 ? draw.uniform() * down_to : down_to - draw.uniform();
        given[i] = static_cast<float>(double{given[0]} * std::exp2(-octaves));
      }
      const values got = one_trip(with, given);
      for (std::size_t i = 0; i < given.size(); ++i) {
        worst = std::max(worst, std::abs(double{got[i]} / double{given[i]} - 1));
      }
    }
    CHECK(worst <= share * (1 + 1e-5));
    CHECK(worst >= 0.9 * share);
  };
  expect("fp8_e4m3<128>", codec::fp8_e4m3<128>{}, 1.0 / 17, 14);
  expect("fp8_e4m3<32, bfloat16>", codec::fp8_e4m3<32, bfloat16>{}, 1.0 / 17, 14);
  expect("fp8_e5m2<128>", codec::fp8_e5m2<128>{}, 1.0 / 9, 29);
}

TEST_CASE("cast: a value loses its share at most, and what the wire cannot hold has no bound") {
  const auto expect = [](auto with, double share, float least, float most) {
    samples::random draw{6};
    values given(5000);
    for (float& value : given) {  // normal numbers of the wire
      const double log_least = std::log2(double{least});
      value = static_cast<float>(
          std::exp2(log_least + draw.uniform() * (std::log2(double{most}) - log_least)));
    }
    const values got = one_trip(with, given);
    double worst = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      worst = std::max(worst, std::abs(double{got[i]} / double{given[i]} - 1));
      CHECK(std::abs(double{got[i]} - double{given[i]}) <= double{with.max_error(given[i])});
    }
    CHECK(worst <= share);
    CHECK(worst >= 0.9 * share);
  };
  expect(codec::cast<bfloat16>{}, 0x1p-8, 0x1p-126f, 0x1.fep127f);
  expect(codec::cast<half>{}, 0x1p-11, 0x1p-14f, 65504);
  const codec::cast<half> narrow;
  CHECK(one_trip(narrow, {65519})[0] == 65504);
  CHECK(narrow.max_error(65519) >= 15);
  for (const float large : {65520.0f, 1e6f, FLT_MAX}) {  // infinite on the wire
    CHECK(std::isinf(one_trip(narrow, {large})[0]));
    CHECK(std::isinf(narrow.max_error(large)));
  }
  CHECK(codec::cast<float>{}.max_error(FLT_MAX) == 0);
}

TEST_CASE("edges: doubles are rounded to floats before anything is asked of them") {
  std::vector<double> given(64, 0.1);
  given[3] = 1.0 + 0x1p-30;
  values as_floats(given.begin(), given.end());
  const codec::int8<32> with{};
  bytes wire(with.wire_bytes(given.size()));
  with.encode(given, wire);
  CHECK(wire == encoded(with, as_floats));
  given[40] = 1e300;  // infinite as a float
  with.encode(given, wire);
  with.decode(wire, as_floats);
  CHECK(as_floats[3] == 1.0f);
  CHECK(
      std::all_of(as_floats.begin() + 32, as_floats.end(), [](float x) { return std::isnan(x); }));
}

TEST_CASE("sign: the magnitude of a block, short ones too, is the mean of its own") {
  constexpr std::size_t block = 256;
  for (const std::size_t count : {1, 5, 255, 256, 257, 700, 4095}) {
    const auto given = samples::gaussian(count, count);
    const auto got = one_trip(codec::sign<block>{}, given);
    for (std::size_t first = 0; first < count; first += block) {
      const std::size_t here = (std::min)(block, count - first);
      double sum = 0;
      for (std::size_t i = first; i < first + here; ++i) {
        sum += std::abs(static_cast<double>(given[i]));
      }
      const double mean = sum / static_cast<double>(here);
      for (std::size_t i = first; i < first + here; ++i) {
        CAPTURE(count, i);
        CHECK(std::abs(std::abs(static_cast<double>(got[i])) - mean) <= 1e-6 * mean);
        CHECK(std::signbit(got[i]) == std::signbit(given[i]));
      }
    }
  }
}
