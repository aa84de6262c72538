// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What holds for every codec that is made of blocks.
#include "every_codec.hpp"

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

constexpr auto canary = std::byte{0xa5};

template <class T>
bytes encoded(const every::codec& codec, const std::vector<T>& values) {
  bytes wire(codec.wire_bytes(values.size()), canary);
  codec.encode(std::span{values}, wire);
  return wire;
}

std::vector<float> decoded(const every::codec& codec, const bytes& wire, std::size_t count) {
  std::vector<float> values(count, -77.0f);
  codec.decode(wire, values);
  return values;
}

std::vector<std::size_t> sizes_around(std::size_t block) {
  std::vector<std::size_t> sizes{0, 1, 2, 3, 7, 8, 9, 31, 33};
  for (const std::size_t blocks : {1u, 2u, 3u, 9u, 33u}) {
    for (const std::size_t extra : {0u, 1u, 5u}) {
      sizes.push_back(blocks * block + extra);
      sizes.push_back(blocks * block - 1);
    }
  }
  // Blocks are worked on in groups of 2048 values, one group ahead of the one that is packed.
  for (const std::size_t values : {2047u, 2048u, 2049u, 4096u, 6143u, 6145u}) {
    sizes.push_back(values);
  }
  return sizes;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

bool all_nan(const float* first, std::size_t count) {
  return std::all_of(first, first + count, [](float value) { return std::isnan(value); });
}

float largest_magnitude(std::span<const float> values) {
  float largest = 0;
  for (const float value : values) {
    largest = std::max(largest, std::abs(value));
  }
  return largest;
}

unsigned values_past_bound(const every::codec& codec, const std::vector<float>& values) {
  const auto got = decoded(codec, encoded(codec, values), values.size());
  const float largest = largest_magnitude(values);
  unsigned wrong = 0;
  for (std::size_t first = 0; first < values.size(); first += codec.block()) {
    const std::size_t here = std::min(codec.block(), values.size() - first);
    const float absmax = largest_magnitude(std::span{values}.subspan(first, here));
    const float most = codec.max_error(absmax, largest);
    for (std::size_t i = first; i < first + here; ++i) {
      wrong += std::abs(values[i] - got[i]) <= most ? 0 : 1;
    }
  }
  return wrong;
}

/// Calls check(codec) for each.
template <class Check>
void for_each(const every::list& codecs, const Check& check) {
  for (const auto& codec : codecs) {
    CAPTURE(codec->name());
    check(*codec);
  }
}

}  // namespace

TEST_CASE("every codec: an error is within the stated bound, at every size") {
  for_each(every::codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    for (const std::size_t count : sizes_around(block)) {
      CAPTURE(count);
      CHECK(values_past_bound(codec, samples::student(count, count)) == 0);
    }
  });
}

TEST_CASE("every codec: the bound holds from the smallest to the largest floats") {
  for_each(every::block_codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    // The magnitudes of a sign block must have a sum.
    const int highest = codec.name().find("sign<") != std::string::npos ? 116 : 124;
    for (int exponent = -149; exponent <= highest; exponent += 3) {
      auto values = samples::gaussian(2 * block + 3, 5);
      for (float& value : values) {
        value = std::ldexp(std::clamp(value, -4.0f, 4.0f), exponent);
      }
      CAPTURE(exponent);
      CHECK(values_past_bound(codec, values) == 0);
    }
  });
}

TEST_CASE("every codec: fills its wire, and nothing behind it") {
  for_each(every::codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    for (const std::size_t count : sizes_around(block)) {
      CAPTURE(count);
      const auto values = samples::gaussian(count, 3);
      const std::size_t size = codec.wire_bytes(count);
      CHECK(size % 16 == 0);
      bytes wire(size + 64, canary);
      codec.encode(values, wire);
      CHECK(std::all_of(wire.begin() + static_cast<std::ptrdiff_t>(size), wire.end(),
                        [](std::byte byte) { return byte == canary; }));
      bytes other(size, std::byte{0});
      codec.encode(values, other);
      CHECK(std::equal(other.begin(), other.end(), wire.begin()));

      std::vector<float> got(count + 8, -77.0f);
      codec.decode(wire, std::span{got}.first(count));
      CHECK(std::all_of(got.begin() + static_cast<std::ptrdiff_t>(count), got.end(),
                        [](float value) { return value == -77.0f; }));
    }
  });
}

TEST_CASE("every codec: a short wire is refused before it is touched") {
  for_each(every::codecs(), [](const every::codec& codec) {
    auto values = samples::gaussian(100, 3);
    bytes wire(codec.wire_bytes(100) - 1, canary);
    CHECK_THROWS_AS(codec.encode(values, wire), error);
    CHECK_THROWS_AS(codec.decode(wire, values), error);
    CHECK_THROWS_AS(codec.decode_add(wire, values), error);
    CHECK(std::all_of(wire.begin(), wire.end(), [](std::byte byte) { return byte == canary; }));
  });
}

TEST_CASE("every codec: a count whose bytes have no number is refused, and does not wrap") {
  constexpr auto most = std::numeric_limits<std::size_t>::max();
  for (const auto& codec : every::codecs_and_wrappers()) {
    CAPTURE(codec->name());
    for (const std::size_t count : {most, most - 1, most - 31, most - 2047, most / 2 + 1,
                                    most / 4 + 1, most / 8 + 9, most / 16 + 1, most / 64 + 1}) {
      CAPTURE(count);
      CHECK(codec->wire_bytes(count) > most / 4);
      CHECK(codec->wire_bytes(count) % 16 == 0);
      if (codec->sums_wires()) {
        bytes wire(1024);
        const std::span<const std::byte> views[] = {wire};
        CHECK_THROWS_AS(codec->encode_sum(views, count, wire, 1), error);
        CHECK_THROWS_AS(codec->encode_sum({}, count, wire, 1), error);
      }
    }
    const std::size_t many = most / 64;  // far past any machine, but with a number
    CHECK(codec->wire_bytes(many) > many / 16);
    CHECK(codec->wire_bytes(many) < most / 4);
  }
}

TEST_CASE("every codec: zeros come back as zeros") {
  for_each(every::codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    const std::vector<float> zeros(2 * block + 1, 0.0f);
    const auto got = decoded(codec, encoded(codec, zeros), zeros.size());
    CHECK(std::all_of(got.begin(), got.end(), [](float value) { return value == 0; }));
  });
}

TEST_CASE("every codec: reads any wire of the right size without harm") {
  for_each(every::codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    samples::random draw{11};
    for (const std::size_t count : sizes_around(block)) {
      bytes wire(codec.wire_bytes(count));
      for (auto& byte : wire) {
        byte = static_cast<std::byte>(draw.bits() & 0xff);
      }
      std::vector<float> values(count, 0.0f);
      codec.decode(wire, values);
      codec.decode_add(wire, values);
    }
    SUCCEED();
  });
}

TEST_CASE("every codec: decode_add and decode_subtract are decode and one addition") {
  for_each(every::codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    const std::size_t count = 3 * block + 5;
    const auto wire = encoded(codec, samples::gaussian(count, 9));
    const auto got = decoded(codec, wire, count);
    const auto before = samples::gaussian(count, 10);
    auto sum = before;
    auto rest = before;
    codec.decode_add(wire, sum);
    codec.decode_subtract(wire, rest);
    auto expected_sum = before;
    auto expected_rest = before;
    for (std::size_t i = 0; i < count; ++i) {
      expected_sum[i] += got[i];
      expected_rest[i] -= got[i];
    }
    CHECK(same_bits(sum, expected_sum));
    CHECK(same_bits(rest, expected_rest));
  });
}

TEST_CASE("every codec: encode_sum is decode, add in order, divide and encode") {
  for_each(every::codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    for (const std::size_t count : {std::size_t{5}, 2 * block + 1, 40 * block}) {
      CAPTURE(count);
      std::vector<bytes> wires;
      std::vector<float> sum(count, 0.0f);
      for (std::uint64_t rank = 0; rank < 5; ++rank) {
        wires.push_back(encoded(codec, samples::gaussian(count, rank)));
        codec.decode_add(wires.back(), sum);
      }
      for (float& value : sum) {
        value /= 5.0f;
      }
      const std::vector<std::span<const std::byte>> views(wires.begin(), wires.end());
      bytes fused(codec.wire_bytes(count), canary);
      codec.encode_sum(views, count, fused, 5.0f);
      CHECK(fused == encoded(codec, sum));
    }
  });
}

TEST_CASE("every codec: doubles and 16-bit values encode as the floats they are") {
  for_each(every::block_codecs(), [](const every::codec& codec) {
    for (const std::size_t count : {2 * codec.block() + 3, std::size_t{2048}, std::size_t{4999}}) {
      CAPTURE(count);
      std::vector<half> halves;
      std::vector<bfloat16> brains;
      std::vector<float> from_halves;
      std::vector<float> from_brains;
      std::vector<double> doubles;
      for (const float value : samples::gaussian(count, 12)) {
        halves.push_back(half{value});
        brains.push_back(bfloat16{value});
        from_halves.push_back(halves.back());
        from_brains.push_back(brains.back());
        doubles.push_back(double{from_brains.back()});
      }
      CHECK(encoded(codec, halves) == encoded(codec, from_halves));
      CHECK(encoded(codec, brains) == encoded(codec, from_brains));
      const auto wire = encoded(codec, doubles);
      CHECK(wire == encoded(codec, from_brains));

      const auto as_float = decoded(codec, wire, count);
      codec.decode(wire, halves);
      codec.decode(wire, brains);
      codec.decode(wire, doubles);
      unsigned wrong = 0;
      for (std::size_t i = 0; i < count; ++i) {
        wrong += halves[i].bits != half{as_float[i]}.bits;
        wrong += brains[i].bits != bfloat16{as_float[i]}.bits;
        wrong += doubles[i] != double{as_float[i]};
      }
      CHECK(wrong == 0);
    }
  });
}

TEST_CASE("every block codec: a NaN or an infinity poisons its block and no other") {
  for_each(every::block_codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    CHECK(codec.carries_nan());
    const std::size_t count = 3 * block + 7;
    auto clean_values = samples::gaussian(count, 21);
    clean_values[5] = 10;  // where no place below puts anything: it sets the factor of nvfp4
    const auto clean = decoded(codec, encoded(codec, clean_values), count);
    const float infinity = std::numeric_limits<float>::infinity();
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::size_t places[] = {
        0, 1, block - 1, block, block + block / 2, 3 * block, 3 * block + 6};
    for (const float bad : {nan, -nan, infinity, -infinity}) {
      for (const std::size_t where : places) {
        CAPTURE(bad, where);
        auto values = clean_values;
        values[where] = bad;
        const auto got = decoded(codec, encoded(codec, values), count);
        const std::size_t first = where / block * block;
        const std::size_t here = std::min(block, count - first);
        CHECK(all_nan(got.data() + first, here));
        CHECK(std::memcmp(got.data(), clean.data(), first * sizeof(float)) == 0);
        CHECK(std::memcmp(got.data() + first + here, clean.data() + first + here,
                          (count - first - here) * sizeof(float)) == 0);
      }
    }
  });
}

TEST_CASE("every block codec: what stands behind the last value changes nothing") {
  for_each(every::block_codecs(), [](const every::codec& codec) {
    const std::size_t block = codec.block();
    for (const std::size_t count : {std::size_t{1}, block - 1, block + 3}) {
      auto values = samples::gaussian(count + block, 22);
      for (float& value : values) {
        value = std::abs(value) + 1;  // zeros as padding would show in a least value
      }
      std::vector<float> alone(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count));
      const auto wire = encoded(codec, alone);
      std::fill(values.begin() + static_cast<std::ptrdiff_t>(count), values.end(), 1e30f);
      bytes other(codec.wire_bytes(count));
      codec.encode(std::span{values}.first(count), other);
      CHECK(wire == other);
      CHECK(values_past_bound(codec, alone) == 0);
    }
  });
}

TEST_CASE("every block codec: a lane's tile packs as its part of the block does") {
  for_each(every::block_codecs(), [](const every::codec& codec) {
    CHECK(codec.tiles_that_differ(samples::gaussian(codec.block(), 31)) == 0);
  });
}
