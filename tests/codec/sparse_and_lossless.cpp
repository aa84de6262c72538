// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The codecs that are not made of blocks with a scale: top_k, lossless_bfloat16, and those that a
// collective drives: shared_scale, low_rank.
#include <rondo/codec/lossless.hpp>
#include <rondo/codec/low_rank.hpp>
#include <rondo/codec/shared_scale.hpp>
#include <rondo/codec/top_k.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <numeric>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

/// Ranks whose sum is made by a callable.
template <class Sum>
struct ranks_by {
  Sum replace;
  void sum(std::span<float> values) const { replace(values); }
};
template <class Sum>
ranks_by(Sum) -> ranks_by<Sum>;

}  // namespace

TEST_CASE("top_k: sends the largest magnitudes as they are, and zeros for the others") {
  const codec::top_k codec{0.01};
  for (const std::size_t count : {1u, 2u, 99u, 100u, 101u, 5000u, 65536u, 65537u, 200000u}) {
    CAPTURE(count);
    const auto values = samples::gaussian(count, count);
    bytes wire(codec.wire_bytes(count) + 1, std::byte{0xa5});
    codec.encode(values, wire);
    CHECK(wire.back() == std::byte{0xa5});
    std::vector<float> got(count, 5.0f);
    codec.decode(wire, got);
    unsigned wrong = 0;
    for (std::size_t first = 0; first < count; first += 65536) {
      const std::size_t here = std::min<std::size_t>(65536, count - first);
      const auto sent = std::max<std::size_t>(
          1, static_cast<std::size_t>(std::ceil(0.01 * static_cast<double>(here))));
      std::vector<std::size_t> order(here);
      std::iota(order.begin(), order.end(), first);
      std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        return std::abs(values[a]) > std::abs(values[b]);
      });
      for (std::size_t k = 0; k < here; ++k) {
        wrong += got[order[k]] != (k < sent ? values[order[k]] : 0.0f);
      }
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("top_k: a fraction of one sends everything, the least one value") {
  const std::vector<float> values{1, -2, 3, -4};
  for (const double fraction : {1.0, 1e-300}) {
    CAPTURE(fraction);
    const codec::top_k codec{fraction};
    bytes wire(codec.wire_bytes(values.size()));
    codec.encode(values, wire);
    std::vector<float> got(values.size(), 5.0f);
    codec.decode(wire, got);
    CHECK(got == (fraction == 1 ? values : std::vector<float>{0, 0, 0, -4}));
  }
}

TEST_CASE("top_k: of equal magnitudes the first go") {
  const codec::top_k codec{0.25};
  const std::vector<float> values{1, -2, 2, 2, -2, 1, 2, 0};
  bytes wire(codec.wire_bytes(values.size()));
  codec.encode(values, wire);
  std::vector<float> got(values.size());
  codec.decode(wire, got);
  CHECK(got == std::vector<float>{0, -2, 2, 0, 0, 0, 0, 0});
  codec.decode_add(wire, got);
  CHECK(got == std::vector<float>{0, -4, 4, 0, 0, 0, 0, 0});
  codec.decode_subtract(wire, got);
  CHECK(got == std::vector<float>{0, -2, 2, 0, 0, 0, 0, 0});
}

TEST_CASE("top_k: a wire that names a place past the end is refused") {
  const codec::top_k codec{0.1};
  bytes wire(codec.wire_bytes(100), std::byte{0xff});
  std::vector<float> values(100, 0.0f);
  CHECK_THROWS_AS(codec.decode(wire, values), error);
  CHECK_THROWS_AS(codec.decode_add(wire, values), error);
}

TEST_CASE("lossless: every bfloat16 comes back as it was, whatever it is") {
  const codec::lossless_bfloat16 codec{};
  samples::random draw{1};
  for (const std::size_t count : {0u, 1u, 7u, 8u, 9u, 511u, 512u, 513u, 5000u, 65536u}) {
    for (int kind = 0; kind < 4; ++kind) {
      CAPTURE(count, kind);
      const auto normal = samples::gaussian(count, count);
      std::vector<bfloat16> values(count);
      for (std::size_t i = 0; i < count; ++i) {
        const auto random = static_cast<std::uint16_t>(draw.bits() & 0xffff);
        values[i] = kind == 0   ? bfloat16{normal[i]}
                    : kind == 1 ? bfloat16::from_bits(random)
                    : kind == 2 ? bfloat16::from_bits(static_cast<std::uint16_t>(i))
                                : bfloat16{i % 3 == 0 ? normal[i] : 0.0f};
      }
      bytes wire(codec.wire_bytes(count), std::byte{0xa5});
      const std::size_t used = codec.encode(values, wire);
      CHECK(used <= wire.size());
      if (kind == 0 && count >= 5000) {
        CHECK(static_cast<double>(used) < 0.71 * static_cast<double>(2 * count));
      }
      std::vector<bfloat16> got(count);
      codec.decode(std::span{wire}.first(used), got);
      CHECK((count == 0 || std::memcmp(got.data(), values.data(), 2 * count) == 0));
    }
  }
}

TEST_CASE("lossless: a NaN keeps its bits in any kind of buffer") {
  const codec::lossless_bfloat16 codec{};
  const std::array values{bfloat16::from_bits(0x7f81), bfloat16::from_bits(0xffff)};
  bytes wire(codec.wire_bytes(values.size()));
  codec.encode(values, wire);
  std::array<bfloat16, 2> got{};
  codec.decode(wire, got);
  CHECK(got[0].bits == values[0].bits);
  CHECK(got[1].bits == values[1].bits);
}

TEST_CASE("lossless: broken wires are refused or decode to something, but never past the end") {
  const codec::lossless_bfloat16 codec{};
  const std::size_t count = 1500;
  std::vector<bfloat16> values;
  for (const float value : samples::gaussian(count, 1)) {
    values.push_back(bfloat16{value});
  }
  bytes wire(codec.wire_bytes(count));
  const std::size_t used = codec.encode(values, wire);
  samples::random draw{2};
  std::vector<float> got(count);
  unsigned refused = 0;
  for (int i = 0; i < 2000; ++i) {
    // An exact allocation, so that a sanitizer sees any step past it.
    bytes broken(wire.begin(), wire.begin() + static_cast<std::ptrdiff_t>(used));
    for (int k = 0; k < 8; ++k) {
      broken[draw.bits() % (i % 2 == 0 ? 16 : broken.size())] =
          static_cast<std::byte>(draw.bits() & 0xff);
    }
    try {
      codec.decode(broken, got);
    } catch (const error&) {
      ++refused;
    }
  }
  CHECK(refused > 500);
  bytes short_wire(8);
  CHECK_THROWS_AS(codec.decode(short_wire, got), error);
}

TEST_CASE("shared_scale: a sum of integers is the integer of the sum, to half a step per rank") {
  using codec_type = codec::shared_scale<8>;
  static_assert(codec_type::max_ranks == 258);
  for (const std::size_t count : {1u, 127u, 128u, 129u, 5000u}) {
    for (const int ranks : {1, 2, 5, 64}) {
      std::vector<std::vector<float>> values;
      std::vector<float> absmax(codec_type::blocks(count), 0.0f);
      std::vector<float> one(absmax.size());
      std::vector<double> exact(count, 0.0);
      for (int rank = 0; rank < ranks; ++rank) {
        values.push_back(samples::gaussian(count, static_cast<std::uint64_t>(rank)));
        codec_type::observe(values.back(), one);
        for (std::size_t b = 0; b < one.size(); ++b) {
          absmax[b] = std::max(absmax[b], one[b]);
        }
        for (std::size_t i = 0; i < count; ++i) {
          exact[i] += double{values.back()[i]};
        }
      }
      std::vector<std::int16_t> sums(count, 0);
      std::vector<std::int16_t> part(count);
      for (const auto& mine : values) {
        codec_type::encode(mine, absmax, part);
        for (std::size_t i = 0; i < count; ++i) {
          sums[i] = static_cast<std::int16_t>(sums[i] + part[i]);
        }
      }
      std::vector<float> got(count);
      codec_type::decode(sums, absmax, got);
      unsigned wrong = 0;
      for (std::size_t i = 0; i < count; ++i) {
        const double most = double{codec_type::max_error(absmax[i / 128], ranks)};
        wrong += std::abs(double{got[i]} - exact[i]) > most;
      }
      CAPTURE(count, ranks);
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("shared_scale: with codes of 16 bits, halves between them stay within the bound") {
  using codec_type = codec::shared_scale<16>;
  constexpr std::size_t count = 128 * 200;
  samples::random draw{5};
  std::vector<float> values(count);
  for (std::size_t first = 0; first < count; first += 128) {
    const double largest = 1 + draw.uniform();
    values[first] = static_cast<float>(largest);
    for (std::size_t i = first + 1; i < first + 128; ++i) {
      const double code = std::floor(draw.uniform() * codec_type::highest) + 0.5;
      values[i] = static_cast<float>(largest * code / codec_type::highest);
    }
  }
  std::vector<float> absmax(codec_type::blocks(count));
  std::vector<std::int16_t> sums(count);
  codec_type::observe(values, absmax);
  codec_type::encode(values, absmax, sums);
  std::vector<float> got(count);
  codec_type::decode(sums, absmax, got);
  unsigned wrong = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double most = double{codec_type::max_error(absmax[i / 128], 1)};
    wrong += std::abs(double{got[i]} - double{values[i]}) > most;
  }
  CHECK(wrong == 0);
}

TEST_CASE("shared_scale: a NaN on one rank makes its block NaN, and no other") {
  using codec_type = codec::shared_scale<4, 32>;
  auto values = samples::gaussian(100, 1);
  values[40] = std::nanf("");
  std::vector<float> absmax(4);
  std::vector<std::int8_t> sums(100);
  codec_type::observe(values, absmax);
  codec_type::encode(values, absmax, sums);
  std::vector<float> got(100);
  codec_type::decode(sums, absmax, got);
  for (std::size_t i = 0; i < 100; ++i) {
    CHECK(std::isnan(got[i]) == (i / 32 == 1));
  }
}

TEST_CASE("low_rank: a sum of low rank arrives whole") {
  constexpr std::size_t rows = 40;
  constexpr std::size_t columns = 30;
  constexpr int ranks = 3;
  // All ranks' matrices share two columns spaces, so their sum has rank 2.
  const auto u = samples::gaussian(rows * 2, 1);
  const auto v = samples::gaussian(columns * 2, 2);
  std::vector<float> exact(rows * columns, 0.0f);
  std::vector<std::vector<float>> gradients;
  for (int rank = 0; rank < ranks; ++rank) {
    gradients.emplace_back(rows * columns);
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns; ++c) {
        const float value =
            u[2 * r] * v[2 * c] * static_cast<float>(rank + 1) + u[2 * r + 1] * v[2 * c + 1];
        gradients.back()[r * columns + c] = value;
        exact[r * columns + c] += value / ranks;
      }
    }
  }
  // Ranks in lockstep, without threads: each call of `sum` first collects, then hands out.
  std::vector<std::vector<float>> sums;
  const auto play = [&](int rank, auto&& sum) {
    codec::low_rank_memory<2> memory{rows, columns, 5};
    auto gradient = gradients[static_cast<std::size_t>(rank)];
    codec::low_rank{memory}.all_reduce(gradient, gradient, ranks_by{sum}, ranks);
    return gradient;
  };
  for (int call = 0; call < 2; ++call) {
    std::vector<float> total;
    for (int rank = 0; rank < ranks; ++rank) {
      int seen = 0;
      play(rank, [&](std::span<float> part) {
        if (seen < call) {
          std::copy(sums[static_cast<std::size_t>(seen)].begin(),
                    sums[static_cast<std::size_t>(seen)].end(), part.begin());
        } else if (seen == call) {
          total.resize(part.size(), 0.0f);
          for (std::size_t i = 0; i < part.size(); ++i) {
            total[i] += part[i];
          }
        }
        ++seen;
      });
    }
    sums.push_back(total);
  }
  for (int rank = 0; rank < ranks; ++rank) {
    std::size_t seen = 0;
    const auto got = play(rank, [&](std::span<float> part) {
      std::copy(sums[seen].begin(), sums[seen].end(), part.begin());
      ++seen;
    });
    CHECK(samples::sqnr(exact, got) > 90);
  }
}

TEST_CASE("low_rank: directions of unlike strength arrive whole: P's columns are orthogonal") {
  constexpr std::size_t rows = 40;
  constexpr std::size_t columns = 30;
  const ranks_by alone{[](std::span<float>) {}};
  const auto u = samples::gaussian(rows * 2, 1);
  const auto v = samples::gaussian(columns * 2, 2);
  std::vector<float> given;
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      given.push_back(u[2 * r] * v[2 * c] + 1e-4f * u[2 * r + 1] * v[2 * c + 1]);
    }
  }
  // The columns of P = M Q are all but parallel: what is left of the second is mostly rounding of
  // the first, which orthogonalising once leaves in it.
  codec::low_rank_memory<2> memory{rows, columns, 5};
  auto got = given;
  codec::low_rank{memory}.all_reduce(got, got, alone);
  CHECK(samples::sqnr(given, got) > 120);
}

TEST_CASE("low_rank: what is not sent is kept, and comes later") {
  constexpr std::size_t rows = 24;
  constexpr std::size_t columns = 16;
  codec::low_rank_memory<2> memory{rows, columns};
  const codec::low_rank codec{memory};
  const ranks_by alone{[](std::span<float>) {}};
  std::vector<double> given(rows * columns, 0.0);
  std::vector<double> sent(rows * columns, 0.0);
  const auto constant = samples::gaussian(rows * columns, 3);
  for (int step = 0; step < 200; ++step) {
    auto gradient = constant;
    codec.all_reduce(gradient, gradient, alone);
    for (std::size_t i = 0; i < given.size(); ++i) {
      given[i] += double{constant[i]};
      sent[i] += double{gradient[i]};
    }
  }
  double drift = 0;
  double owed = 0;
  double total = 0;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const double left = double{memory.residual()[i]};
    drift = std::max(drift, std::abs(sent[i] + left - given[i]));
    owed += left * left;
    total += given[i] * given[i];
  }
  CHECK(drift < 1e-2);
  CHECK(owed < 0.01 * total);
  CHECK_THROWS_AS(codec::low_rank_memory<4>(3, 10), error);
  const std::size_t root = std::size_t{1} << 32;  // whose square wraps to nothing
  CHECK_THROWS_AS(codec::low_rank_memory<4>(root, root), error);
}

TEST_CASE("low_rank: a gradient of zeros, or of lower rank, does not end the sending") {
  constexpr std::size_t rows = 12;
  constexpr std::size_t columns = 10;
  const ranks_by alone{[](std::span<float>) {}};
  const auto outer = [](unsigned seed) {
    const auto down = samples::gaussian(rows, seed);
    const auto across = samples::gaussian(columns, seed + 1);
    std::vector<float> made;
    for (const float a : down) {
      for (const float b : across) {
        made.push_back(a * b);
      }
    }
    return made;
  };
  codec::low_rank_memory<2> memory{rows, columns};
  const auto owed_after = [&](std::vector<float> gradient) {
    codec::low_rank{memory}.all_reduce(gradient, gradient, alone);
    double owed = 0;
    for (const float left : memory.residual()) {
      owed += double{left} * double{left};
    }
    return owed;
  };
  CHECK(owed_after(std::vector<float>(rows * columns, 0.0f)) == 0);
  CHECK(owed_after(outer(1)) < 1e-6);
  const auto first = outer(1);
  auto both = outer(5);
  std::transform(both.begin(), both.end(), first.begin(), both.begin(), std::plus<>{});
  owed_after(both);  // a second direction appears: its column of the basis begins as chance has it
  for (int step = 0; step < 3; ++step) {
    owed_after(std::vector<float>(rows * columns, 0.0f));
  }
  owed_after(both);  // two columns of chance may lie close to each other; the next call sees to it
  CHECK(owed_after(both) < 1e-6);
}

TEST_CASE("low_rank: a NaN reaches the result, and the next call is as on the first day") {
  const auto values = samples::gaussian(30 * 20, 8);
  const ranks_by alone{[](std::span<float>) {}};
  codec::low_rank_memory<2> fresh{30, 20, 1};
  auto expected = values;
  codec::low_rank{fresh}.all_reduce(expected, expected, alone);

  codec::low_rank_memory<2> memory{30, 20, 1};
  auto poisoned = values;
  poisoned[77] = std::numeric_limits<float>::quiet_NaN();
  codec::low_rank{memory}.all_reduce(poisoned, poisoned, alone);
  CHECK(std::isnan(poisoned[77]));
  auto after = values;
  codec::low_rank{memory}.all_reduce(after, after, alone);
  CHECK(after == expected);
}

TEST_CASE("low_rank: an infinity, or a product past the range of float, makes the result NaN") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  const auto expect = [](const char* name, auto& memory, auto& fresh, std::vector<float> poisoned) {
    CAPTURE(name);
    const ranks_by alone{[](std::span<float>) {}};
    codec::low_rank{memory}.all_reduce(poisoned, poisoned, alone);
    CHECK(std::all_of(poisoned.begin(), poisoned.end(), [](float x) { return std::isnan(x); }));
    auto after = samples::gaussian(poisoned.size(), 8);
    auto expected = after;
    codec::low_rank{memory}.all_reduce(after, after, alone);
    codec::low_rank{fresh}.all_reduce(expected, expected, alone);
    CHECK(after == expected);
  };
  for (const float sign : {1.0f, -1.0f}) {
    auto given = samples::gaussian(9 * 7, 3);
    given[20] = sign * infinity;
    codec::low_rank_memory<1> one{9, 7, 1};
    codec::low_rank_memory<1> fresh_one{9, 7, 1};
    expect("rank 1, infinity", one, fresh_one, given);
    codec::low_rank_memory<3> three{9, 7, 1};
    codec::low_rank_memory<3> fresh_three{9, 7, 1};
    expect("rank 3, infinity", three, fresh_three, given);
  }
  // P = M Q is infinite where the largest floats add up; all of it used to become zero, for good.
  codec::low_rank_memory<1> memory{9, 7, 1};
  codec::low_rank_memory<1> fresh{9, 7, 1};
  std::vector<float> large(9 * 7);
  const auto basis = memory.basis();
  for (std::size_t i = 0; i < large.size(); ++i) {
    large[i] = std::copysign(3e38f, basis[i % 7]);
  }
  expect("rank 1, the largest floats", memory, fresh, large);
}
