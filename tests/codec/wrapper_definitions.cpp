// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What the wrappers, top_k and the linear codecs say they do, value by value.
#include <rondo/codec/error_feedback.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/low_rank.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/codec/shared_scale.hpp>
#include <rondo/codec/sign.hpp>
#include <rondo/codec/stochastic.hpp>
#include <rondo/codec/top_k.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstring>
#include <functional>
#include <span>
#include <thread>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;
using values = std::vector<float>;

template <class Codec>
bytes encoded(const Codec& with, const values& given, const codec::context& where = {}) {
  bytes wire(with.wire_bytes(given.size()));
  with.encode(given, wire, where);
  return wire;
}

template <class Codec>
values one_trip(const Codec& with, const values& given, const codec::context& where = {}) {
  values got(given.size());
  with.decode(encoded(with, given, where), got);
  return got;
}

/// splitmix64 from its publication: state, then two multiplications.
std::uint64_t splitmix(std::uint64_t state) {
  samples::random draw{state};
  return draw.bits();
}

/// The noise of value `index` as it must stay, for runs that are replayed with a later release: 16
/// bits of a hash of (seed, step, message, place).
double noise_of(std::uint64_t seed, const codec::context& where, std::uint64_t index) {
  const std::uint64_t message =
      (std::uint64_t{where.hop} << 33) + std::uint64_t{where.rank} * 2 + (where.of_sum ? 1 : 0);
  std::uint64_t key = splitmix(splitmix(splitmix(seed) ^ where.step) ^ message);
  const std::uint64_t pair = (where.first + index) / 2;
  key += (pair >> 32) * 0x9e3779b97f4a7c15u;
  auto hash = static_cast<std::uint32_t>(pair) * 0x9e3779b1u + static_cast<std::uint32_t>(key);
  hash = (hash ^ (hash >> 16)) * 0x7feb352du;
  hash = (hash ^ (hash >> 15)) * 0x846ca68bu;
  hash = hash ^ (hash >> 16) ^ static_cast<std::uint32_t>(key >> 32);
  const std::uint32_t draw = (where.first + index) % 2 == 0 ? hash & 0xffffu : hash >> 16;
  return (draw + 0.5) / 65536 - 0.5;
}

/// Ranks that are threads, whose sums are made in rank order.
class lockstep {
 public:
  explicit lockstep(std::size_t ranks) : given_(ranks), all_(static_cast<std::ptrdiff_t>(ranks)) {}

  struct of_rank {
    lockstep& all;
    std::size_t rank;
    void sum(std::span<float> mine) const {
      all.given_[rank].assign(mine.begin(), mine.end());
      all.all_.arrive_and_wait();
      values total(mine.size(), 0.0f);
      for (const auto& one : all.given_) {
        std::transform(one.begin(), one.end(), total.begin(), total.begin(), std::plus<>{});
      }
      all.all_.arrive_and_wait();
      std::copy(total.begin(), total.end(), mine.begin());
    }
  };

  template <class Body>
  void run(const Body& body) {
    std::vector<std::thread> threads;
    for (std::size_t rank = 0; rank < given_.size(); ++rank) {
      threads.emplace_back([&, rank] { body(rank, of_rank{*this, rank}); });
    }
    for (auto& one : threads) {
      one.join();
    }
  }

 private:
  std::vector<values> given_;
  std::barrier<> all_;
};

}  // namespace

TEST_CASE("stochastic: rounds x / s plus noise, and the noise is a stated function of its place") {
  const std::uint64_t seed = 77;
  const codec::stochastic random{codec::int8<32>{}, seed};
  values given = samples::gaussian(4096, 1);
  for (std::size_t i = 0; i < given.size(); i += 32) {
    given[i] = 127.0f / 32;  // the scale is 1/32, and divisions are exact
    for (std::size_t k = i + 1; k < i + 32; ++k) {
      given[k] = std::clamp(given[k], -3.9f, 3.9f);
    }
  }
  for (const codec::context& where :
       {codec::context{}, codec::context{.step = 9, .rank = 3, .first = 64},
        codec::context{.step = 2, .rank = 1, .first = 4096, .of_sum = true},
        codec::context{.rank = 5, .first = (std::uint64_t{1} << 33) + 32, .hop = 2}}) {
    const values got = one_trip(random, given, where);
    unsigned wrong = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      const auto noisy = static_cast<float>(double{given[i] * 32} + noise_of(seed, where, i));
      wrong += std::abs(got[i] * 32 - noisy) > 0.5f;
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("stochastic: a value that has a code keeps it, whatever is drawn") {
  const codec::stochastic random{codec::int8<128>{}, 5};
  values given(1 << 20);
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i] = static_cast<float>(static_cast<int>(i % 255) - 127);
    if (i % 128 == 0) {
      given[i] = -127;
    }
  }
  CHECK(one_trip(random, given) == given);
}

TEST_CASE("stochastic: a block's extremes keep their codes where x / s is rounded up, as drawn") {
  const codec::stochastic random{codec::int8<128>{}, 7};
  samples::random draw{3};
  unsigned above = 0;
  for (int magnitude = 0; magnitude < 8;) {
    const float largest = 1 + static_cast<float>(draw.bits() >> 41) * 0x1p-23f;
    const float scale = largest / 127;
    if (largest * (1 / scale) <= 127) {
      continue;
    }
    // With the farthest of 2^16 draws this rounds to 128, of which no code but -128 is left.
    ++magnitude;
    for (const float sign : {1.0f, -1.0f}) {
      const values got = one_trip(random, values(1 << 20, sign * largest));
      const float kept = sign * 127 * scale;
      above += static_cast<unsigned>(
          std::count_if(got.begin(), got.end(), [kept](float x) { return x != kept; }));
    }
  }
  CHECK(above == 0);
}

TEST_CASE("stochastic: goes up as often as the value is far from the code below it") {
  const codec::stochastic random{codec::int8<128>{}, 6};
  for (const double part : {0.5, 0.25, 0.125}) {
    values given(1 << 18, static_cast<float>(3 + part));
    for (std::size_t i = 0; i < given.size(); i += 128) {
      given[i] = 127;
    }
    const values got = one_trip(random, given);
    double up = 0;
    double drawn = 0;
    unsigned elsewhere = 0;
    for (std::size_t i = 0; i < given.size(); ++i) {
      if (i % 128 != 0) {
        elsewhere += got[i] != 3 && got[i] != 4;
        up += got[i] == 4;
        ++drawn;
      }
    }
    CHECK(elsewhere == 0);
    // Four deviations of a mean of so many draws.
    CHECK(std::abs(up / drawn - part) < 4 * std::sqrt(part * (1 - part) / drawn));
  }
}

TEST_CASE("rotated: signs are drawn from the seed, some of each, and others for another seed") {
  const codec::int8<32> plain{};
  values spike(32, 0.0f);
  spike[5] = 1;
  // H D e5: the sign that D has at 5 is that of every value in the matrix's row of ones.
  unsigned flipped = 0;
  std::vector<bytes> wires;
  for (std::uint64_t seed = 0; seed < 64; ++seed) {
    const codec::rotated turned{plain, seed};
    const bytes wire = encoded(turned, spike);
    values in_the_turned_domain(32);
    plain.decode(wire, in_the_turned_domain);
    flipped += in_the_turned_domain[0] < 0;
    CHECK(std::abs(std::abs(in_the_turned_domain[0]) - 1 / std::sqrt(32.0f)) < 1e-3f);
    wires.push_back(encoded(turned, samples::gaussian(256, 3)));
  }
  CHECK(flipped > 16);
  CHECK(flipped < 48);
  unsigned alike = 0;
  for (std::size_t a = 0; a < wires.size(); ++a) {
    alike += static_cast<unsigned>(std::count(wires.begin(), wires.end(), wires[a])) - 1;
  }
  CHECK(alike == 0);
}

TEST_CASE("error feedback: what sign leaves is the value less the mean magnitude of its sign") {
  values residual(256, 0.0f);
  const codec::error_feedback with{codec::sign<256>{}, residual};
  const values given = samples::gaussian(256, 2);
  encoded(with, given);
  double mean = 0;
  for (const float x : given) {
    mean += std::abs(double{x}) / 256;
  }
  for (std::size_t i = 0; i < given.size(); ++i) {
    const double sent = given[i] < 0 ? -mean : mean;
    CHECK(double{residual[i]} == Approx(double{given[i]} - sent).margin(1e-6));
  }
}

TEST_CASE("error feedback: averages that an owner sends are what it was given, call by call") {
  constexpr std::size_t count = 256;
  values residual(count, 0.0f);
  values of_sum(count, 0.0f);
  const codec::sign<256> inner{};
  const codec::error_feedback with{inner, residual, of_sum};
  std::vector<double> balance(count, 0.0);  // given less sent
  for (std::uint64_t call = 0; call < 5; ++call) {
    const bytes one = encoded(inner, samples::gaussian(count, 10 + call));
    const bytes other = encoded(inner, samples::gaussian(count, 20 + call));
    const std::span<const std::byte> wires[] = {one, other, other, one};
    bytes sum(with.wire_bytes(count));
    with.encode_sum(wires, count, sum, {}, 4);
    values given(count, 0.0f);
    for (const auto& wire : wires) {
      inner.decode_add(wire, given);
    }
    values sent(count);
    inner.decode(sum, sent);
    for (std::size_t i = 0; i < count; ++i) {
      balance[i] += double{given[i]} / 4 - double{sent[i]};
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(double{of_sum[i]} == Approx(balance[i]).margin(1e-5));
  }
}

TEST_CASE("top_k: a fraction of nothing, of more than all and of no number is refused") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double fraction : {0.0, -0.1, 1.0000001, nan}) {
    CHECK_THROWS_WITH(codec::top_k{fraction}, Catch::Matchers::ContainsSubstring("top_k"));
  }
  CHECK(codec::top_k{1}.fraction == 1);
}

TEST_CASE("top_k: values equal to the least that is sent do not take a larger one's place") {
  CHECK(one_trip(codec::top_k{0.5}, values{1, -1, 1, 2}) == values{1, 0, 0, 2});
  CHECK(one_trip(codec::top_k{0.5}, values{0, 0, 0, -2}) == values{0, 0, 0, -2});
}

TEST_CASE("top_k: the wire has places, ascending, and then the values; NaN goes before all") {
  const codec::top_k with{0.3};  // 3 of 10
  values given{0, 5, -1, 0, 7, 2, 0, std::nanf(""), -3, 0};
  const bytes wire = encoded(with, given);
  CHECK(wire.size() == 32);
  std::uint16_t places[3];
  float sent[3];
  std::memcpy(places, wire.data(), sizeof(places));
  std::memcpy(sent, wire.data() + 8, sizeof(sent));
  CHECK((places[0] == 1 && places[1] == 4 && places[2] == 7));
  CHECK((sent[0] == 5 && sent[1] == 7 && std::isnan(sent[2])));

  // What is not sent stays with error feedback, and what is sent leaves nothing.
  values residual(10, 0.0f);
  given[7] = 1;
  encoded(codec::error_feedback{with, residual}, given);
  CHECK(residual == values{0, 0, -1, 0, 0, 2, 0, 1, 0, 0});
}

TEST_CASE("shared_scale: values past the magnitudes given are clamped to the last code") {
  using codec_type = codec::shared_scale<8, 32>;
  const values given{100, -100, 1, 0.5f};
  const values absmax{1};
  std::vector<std::int16_t> sums(4);
  codec_type::encode(given, absmax, sums);
  CHECK(sums == std::vector<std::int16_t>{127, -127, 127, 64});
  values got(4);
  codec_type::decode(sums, absmax, got, 2.0f);
  CHECK(got[0] == Approx(0.5f));
  CHECK(got[1] == Approx(-0.5f));
}

TEST_CASE("low_rank: what the ranks receive and what they keep are what they gave") {
  constexpr std::size_t ranks = 3;
  constexpr std::size_t rows = 20;
  constexpr std::size_t columns = 12;
  std::vector<values> received(ranks);
  std::vector<values> kept(ranks);
  std::vector<double> given(rows * columns, 0.0);
  lockstep{ranks}.run([&](std::size_t rank, const lockstep::of_rank& all) {
    codec::low_rank_memory<2> memory{rows, columns, 3};
    values gradient = samples::gaussian(rows * columns, rank + 1);
    codec::low_rank{memory}.all_reduce(gradient, gradient, all, 1.0f);
    received[rank] = gradient;
    kept[rank].assign(memory.residual().begin(), memory.residual().end());
  });
  CHECK(received[0] == received[1]);
  CHECK(received[0] == received[2]);
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const values gradient = samples::gaussian(rows * columns, rank + 1);
    std::transform(gradient.begin(), gradient.end(), given.begin(), given.begin(),
                   [](float x, double sum) { return sum + double{x}; });
  }
  double largest = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    double accounted = double{received[0][i]};
    for (const auto& one : kept) {
      accounted += double{one[i]};
    }
    largest = std::max(largest, std::abs(accounted - given[i]));
  }
  CHECK(largest < 1e-4);

  // A rank keeps what is orthogonal to P, so that nothing it has sent is owed again: all that it
  // received, which is P times something, has no part in it.
  for (const auto& one : kept) {
    for (std::size_t a = 0; a < columns; ++a) {
      for (std::size_t b = 0; b < columns; ++b) {
        double dot = 0;
        for (std::size_t row = 0; row < rows; ++row) {
          dot += double{received[0][row * columns + a]} * double{one[row * columns + b]};
        }
        CHECK(std::abs(dot) < 1e-3);
      }
    }
  }
}
