// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Codecs made of other codecs: rotated, stochastic, mixed_by_size, requantised.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/cast.hpp>
#include <rondo/codec/error_feedback.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/mixed_by_size.hpp>
#include <rondo/codec/requantised.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/codec/sign.hpp>
#include <rondo/codec/stochastic.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <cmath>
#include <cstring>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

template <class Codec>
bytes encoded(const Codec& codec, std::span<const float> values, codec::context where = {}) {
  bytes wire(codec.wire_bytes(values.size()));
  codec.encode(values, wire, where);
  return wire;
}

template <class Codec>
std::vector<float> decoded(const Codec& codec, const bytes& wire, std::size_t count) {
  std::vector<float> values(count);
  codec.decode(wire, values);
  return values;
}

template <class Codec>
double one_trip(const Codec& codec, const std::vector<float>& values) {
  return samples::sqnr(values, decoded(codec, encoded(codec, values), values.size()));
}

}  // namespace

TEST_CASE("rotated: the rotation is the Hadamard matrix, over the root of 32") {
  for (std::size_t column = 0; column < 32; ++column) {
    float x[32] = {};
    x[column] = 1;
    codec::detail::hadamard32(x);
    for (std::size_t row = 0; row < 32; ++row) {
      // Sylvester: (-1) to the number of bits that row and column share.
      const int shared = __builtin_popcountll(row & column);
      REQUIRE(x[row] == (shared % 2 == 0 ? 1.0f : -1.0f));
    }
  }
}

TEST_CASE("rotated: what is turned and turned back is what it was") {
  using format = codec::detail::rotated_format<codec::int8<32>::format>;
  format f{};
  f.seed = 5;
  const auto told = f.begin({});
  const auto values = samples::student(64, 1);
  float tile[64];
  std::copy(values.begin(), values.end(), tile);
  format::turn(tile, told);
  double energy = 0;
  double before = 0;
  for (std::size_t i = 0; i < 64; ++i) {
    energy += double{tile[i]} * double{tile[i]};
    before += double{values[i]} * double{values[i]};
  }
  CHECK(energy == Approx(before).epsilon(1e-6));
  format::turn_back(tile, told);
  for (std::size_t i = 0; i < 64; ++i) {
    CHECK(tile[i] == Approx(values[i]).margin(1e-5));
  }
}

TEST_CASE("rotated: 4 bits keep more of heavy tails and outliers") {
  const auto student = samples::student(65536, 2);
  const auto outliers = samples::outliers(65536, 3);
  const codec::int4<32> plain{};
  const codec::rotated turned{plain, 7};
  CHECK(one_trip(turned, student) > 20.5);
  CHECK(one_trip(turned, student) > one_trip(plain, student) + 3);
  CHECK(one_trip(turned, outliers) > one_trip(plain, outliers) + 4);
  CHECK(codec::bits_per_value(turned) == codec::bits_per_value(plain));
}

TEST_CASE("rotated: two-shot int4 on heavy tails keeps 17.6 dB at every rank count") {
  const codec::rotated turned{codec::int4<32>{}, 7};
  std::vector<float> exact(65536, 0.0f);
  bytes sum(turned.wire_bytes(exact.size()));
  std::vector<bytes> wires;
  for (std::size_t rank = 0; rank < 64; ++rank) {
    const auto values = samples::student(exact.size(), 100 + rank);
    wires.push_back(encoded(turned, values));
    for (std::size_t i = 0; i < exact.size(); ++i) {
      exact[i] += values[i];
    }
    const std::vector<std::span<const std::byte>> views(wires.begin(), wires.end());
    turned.encode_sum(views, exact.size(), sum);
    CAPTURE(rank + 1);
    CHECK(samples::sqnr(exact, decoded(turned, sum, exact.size())) >= 17.6);
  }
}

TEST_CASE("rotated: any count works, within the bound, and a NaN poisons its block alone") {
  const codec::rotated turned{codec::int4<64>{}, 9};
  for (const std::size_t count : {0u, 1u, 31u, 32u, 33u, 63u, 64u, 65u, 95u, 97u, 1000u}) {
    CAPTURE(count);
    const auto values = samples::gaussian(count, count);
    bytes wire(turned.wire_bytes(count) + 16, std::byte{0xa5});
    turned.encode(values, wire);
    CHECK(wire[turned.wire_bytes(count)] == std::byte{0xa5});
    std::vector<float> got(count + 1, -77.0f);
    turned.decode(wire, std::span{got}.first(count));
    CHECK(got[count] == -77.0f);
    float worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
      worst = std::max(worst, std::abs(got[i] - values[i]));
    }
    CHECK(worst <= turned.max_error(5));
  }
  auto values = samples::gaussian(256, 1);
  const auto clean = decoded(turned, encoded(turned, values), 256);
  values[70] = std::nanf("");
  const auto got = decoded(turned, encoded(turned, values), 256);
  for (std::size_t i = 0; i < 256; ++i) {
    CHECK((i / 64 == 1 ? std::isnan(got[i]) : got[i] == clean[i]));
  }
}

TEST_CASE("rotated: padding of a short block is not seen, whatever the format pads with") {
  // What an asymmetric block pads with, its first value, is a spike when it is turned.
  const codec::rotated turned{codec::int8_asymmetric<128>{}, 3};
  const codec::rotated narrow{codec::int8_asymmetric<32>{}, 3};
  for (const std::size_t count : {32u, 64u, 96u, 160u}) {
    CAPTURE(count);
    auto values = samples::gaussian(count, count);
    for (float& value : values) {
      value *= 0.01f;
    }
    for (std::size_t first = 0; first < count; first += 128) {
      values[first] = 1;
    }
    const auto got = decoded(turned, encoded(turned, values), count);
    double worst = 0;
    for (std::size_t i = 0; i < count; ++i) {
      worst = std::max(worst, std::abs(double{got[i]} - double{values[i]}));
    }
    CHECK(worst < 0.005);
    if (count == 32) {  // one whole block of 32
      CHECK(got == decoded(narrow, encoded(narrow, values), count));
    }
  }
}

TEST_CASE("stochastic: the mean over steps is the value, and no value is a step away") {
  const codec::stochastic random{codec::int4_symmetric<32>{}, 1};
  const auto values = samples::gaussian(1024, 5);
  std::vector<double> mean(values.size(), 0.0);
  constexpr int steps = 4000;
  float largest = 0;
  for (int step = 0; step < steps; ++step) {
    const auto got =
        decoded(random, encoded(random, values, {.step = static_cast<std::uint64_t>(step)}), 1024);
    for (std::size_t i = 0; i < values.size(); ++i) {
      mean[i] += double{got[i]} / steps;
      largest = std::max(largest, std::abs(values[i] - got[i]));
    }
  }
  CHECK(largest <= random.max_error(4));
  double bias = 0;
  double spread = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    bias += mean[i] - double{values[i]};
    spread += (mean[i] - double{values[i]}) * (mean[i] - double{values[i]});
  }
  // A step is about 2.3 / 7; the mean of 4000 draws has a deviation of at most half of it / 63.
  CHECK(std::sqrt(spread / 1024) < 0.4 / 2 / 63);
  CHECK(std::abs(bias / 1024) < 3 * 0.4 / 2 / 63 / 32);
}

TEST_CASE("stochastic: over 2^24 values the mean error is within three deviations of zero") {
  const codec::stochastic random{codec::int8<128>{}, 3};
  double sum = 0;
  double squares = 0;
  constexpr std::size_t part = 1 << 20;
  for (std::uint64_t k = 0; k < 16; ++k) {
    const auto values = samples::gaussian(part, 50 + k);
    const auto got = decoded(random, encoded(random, values, {.first = k * part}), part);
    for (std::size_t i = 0; i < part; ++i) {
      const double error = double{got[i]} - double{values[i]};
      sum += error;
      squares += error * error;
    }
  }
  CHECK(std::abs(sum) < 3 * std::sqrt(squares));
}

TEST_CASE("stochastic: bytes depend on seed, step, rank and place, and on nothing else") {
  const codec::stochastic random{codec::int8<32>{}, 1};
  const auto values = samples::gaussian(4096, 6);
  const auto reference = encoded(random, values, {.step = 3, .rank = 1});
  CHECK(reference == encoded(random, values, {.step = 3, .rank = 1}));
  CHECK(reference != encoded(random, values, {.step = 4, .rank = 1}));
  CHECK(reference != encoded(random, values, {.step = 3, .rank = 2}));
  CHECK(reference != encoded(codec::stochastic{codec::int8<32>{}, 2}, values, {3, 1}));

  // A chunk draws what its place in the whole buffer gives it.
  const auto whole = decoded(random, reference, 4096);
  const auto half =
      encoded(random, std::span{values}.subspan(2048), {.step = 3, .rank = 1, .first = 2048});
  const auto upper = decoded(random, half, 2048);
  CHECK(std::memcmp(upper.data(), whole.data() + 2048, 2048 * sizeof(float)) == 0);
}

TEST_CASE("stochastic: noise is unlike that of any other call, rank, place, message or phase") {
  const codec::stochastic random{codec::int8<128>{}, 1};
  const std::size_t count = 65536;
  const auto values = samples::gaussian(count, 9);
  const auto noise_at = [&](const codec::context& where) {
    auto got = decoded(random, encoded(random, values, where), count);
    for (std::size_t i = 0; i < count; ++i) {
      got[i] -= values[i];
    }
    return got;
  };
  std::vector<std::vector<float>> noises;
  noises.push_back(noise_at({}));
  noises.push_back(noise_at({.step = 1}));
  for (const std::uint32_t rank : {1u, 2u, 63u}) {
    noises.push_back(noise_at({.rank = rank}));
  }
  for (const std::uint64_t first :
       {std::uint64_t{128}, std::uint64_t{1} << 20, std::uint64_t{1} << 33}) {
    noises.push_back(noise_at({.first = first}));
  }
  for (const std::uint32_t hop : {1u, 2u, 0x7fffffffu}) {
    noises.push_back(noise_at({.hop = hop}));
  }
  noises.push_back(noise_at({.of_sum = true}));
  const double limit = 5 / std::sqrt(static_cast<double>(count));
  for (std::size_t a = 0; a < noises.size(); ++a) {
    for (std::size_t b = 0; b < a; ++b) {
      CAPTURE(a, b);
      CHECK(std::abs(samples::correlation(noises[a], noises[b])) < limit);
    }
  }
}

TEST_CASE("mixed_by_size: short runs take the one codec, long runs the other") {
  const codec::mixed_by_size mixed{codec::exact{}, codec::int8<128>{}, 1000};
  static_assert(decltype(mixed)::block == 128);
  const auto values = samples::gaussian(1000, 7);
  const auto few = std::span{values}.first(999);
  CHECK(encoded(mixed, few) == encoded(codec::exact{}, few));
  CHECK(encoded(mixed, values) == encoded(codec::int8<128>{}, values));
  CHECK(decoded(mixed, encoded(mixed, few), 999) == std::vector<float>(few.begin(), few.end()));
}

TEST_CASE("mixed_by_size: a codec with a memory is asked for chunks of what is long, too") {
  std::vector<float> residual(2000, 0.0f);
  const auto memory = [&](std::size_t floats) {
    return codec::error_feedback{codec::int8<32>{}, std::span{residual}.first(floats)};
  };
  const codec::int8<128> plain;
  const auto short_remembers = [&](std::size_t floats) {
    return codec::mixed_by_size{memory(floats), plain, 1000};
  };
  CHECK(short_remembers(2000).lacking(2000).empty());
  CHECK(short_remembers(999).lacking(999).empty());
  CHECK_FALSE(short_remembers(998).lacking(999).empty());
  // Four ranks encode 2000 values in chunks of 500, which are short, up to the last one.
  CHECK_FALSE(short_remembers(999).lacking(2000).empty());

  const auto long_remembers = [&](std::size_t floats) {
    return codec::mixed_by_size{plain, memory(floats), 1000};
  };
  CHECK(long_remembers(0).lacking(999).empty());
  CHECK_FALSE(long_remembers(999).lacking(1000).empty());
  CHECK(long_remembers(1000).lacking(1000).empty());
}

TEST_CASE("requantised: is the codec it names, asked for by name") {
  using plain = codec::int8<128>;
  const codec::requantised again{plain{}};
  static_assert(codec::traits<codec::requantised<plain>>::requantises_per_hop);
  static_assert(!codec::traits<plain>::requantises_per_hop);
  const auto values = samples::gaussian(1000, 8);
  CHECK(encoded(again, values) == encoded(plain{}, values));
}
