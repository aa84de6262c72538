// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What fuzz.cpp looks for, with wires from a seed: an ordinary test, most useful under sanitizers.
#include "any_wire.hpp"

#include "catch.hpp"
#include "samples.hpp"

#include <rondo/codec/top_k.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

namespace {

using namespace rondo;

constexpr std::size_t lengths[] = {0, 1, 7, 31, 33, 100, 129, 1023, 1025, 3000};

std::byte byte_of(samples::random& draw) { return static_cast<std::byte>(draw.bits() & 0xff); }

/// A wire of values, as `Codec` sends them.
std::vector<std::byte> sent(const every::codec& with, std::size_t count, std::uint64_t seed) {
  std::vector<bfloat16> values;
  for (const float value : samples::student(count, seed)) {
    values.push_back(bfloat16{value});
  }
  std::vector<std::byte> wire(with.wire_bytes(count));
  with.encode(std::span<const bfloat16>{values}, wire);
  return wire;
}

struct tally {
  unsigned decoded = 0;
  unsigned corrupt = 0;

  void add(any_wire::outcome what) { ++(what == any_wire::outcome::decoded ? decoded : corrupt); }
};

bool is(const every::codec& one, std::string_view name) { return one.name().ends_with(name); }
bool is_lossless(const every::codec& one) { return is(one, "::lossless_bfloat16"); }
bool can_be_corrupt(const every::codec& one) { return is_lossless(one) || is(one, "::top_k"); }

/// Calls visit(number, codec) for each.
template <class Visit>
void for_each_codec(const Visit& visit) {
  unsigned number = 0;
  for (const auto& one : every::codecs_and_wrappers()) {
    CAPTURE(one->name());
    visit(number++, *one);
  }
}

}  // namespace

TEST_CASE("any wire: bytes at random decode, or are told to be corrupt, by every decoder alike") {
  for_each_codec([](unsigned number, const every::codec& with) {
    samples::random draw{number};
    tally of;
    for (const std::size_t count : lengths) {
      for (int round = 0; round < 8; ++round) {
        std::vector<std::byte> wire(with.wire_bytes(count));
        std::generate(wire.begin(), wire.end(), [&] { return byte_of(draw); });
        of.add(any_wire::decode(with, wire, count));
      }
    }
    // No header made at random is one of the lossless codec's.
    CHECK((of.decoded > 0) == !is_lossless(with));
    CHECK((of.corrupt > 0) == can_be_corrupt(with));
  });
}

TEST_CASE("any wire: a few wrong bytes in a good wire do no harm") {
  for_each_codec([](unsigned number, const every::codec& with) {
    samples::random draw{100 + number};
    tally of;
    for (const std::size_t count : lengths) {
      const auto good = sent(with, count, number);
      CHECK(any_wire::decode(with, good, count) == any_wire::outcome::decoded);
      for (int round = 0; round < 24 && !good.empty(); ++round) {
        auto wire = good;
        for (int k = 0; k <= round % 4; ++k) {
          // Headers and scales stand first, and that is where most can go wrong.
          const std::size_t among =
              round % 3 == 0 ? wire.size() : std::min<std::size_t>(wire.size(), 32);
          wire[draw.bits() % among] = byte_of(draw);
        }
        of.add(any_wire::decode(with, wire, count));
      }
    }
    CHECK(of.decoded > 0);
    CHECK((of.corrupt > 0) == can_be_corrupt(with));
  });
}

TEST_CASE("any wire: one that is cut short is refused, not read past its end") {
  for_each_codec([](unsigned number, const every::codec& with) {
    for (const std::size_t count : lengths) {
      const auto good = sent(with, count, number);
      for (const std::size_t missing : {1u, 16u, 100u}) {
        if (missing > good.size()) {
          continue;
        }
        const std::size_t size = good.size() - missing;
        const std::unique_ptr<std::byte[]> wire{new std::byte[size]};
        std::copy_n(good.begin(), size, wire.get());
        std::vector<float> values(count);
        CAPTURE(count, missing);
        if (is_lossless(with)) {
          // Less than the worst case may be all that was sent.
          try {
            with.decode(std::span<const std::byte>{wire.get(), size}, values);
          } catch (const error&) {
          }
        } else {
          CHECK_THROWS_AS(with.decode(std::span<const std::byte>{wire.get(), size}, values), error);
        }
      }
    }
  });
}

TEST_CASE("any wire: top_k takes the last place of a segment and refuses the one behind it") {
  const codec::top_k with{0.1};
  for (const std::size_t count : {10U, 100U, 3000U}) {
    std::vector<std::byte> wire(with.wire_bytes(count));
    with.encode(samples::student(count, 1), wire);
    const auto last = static_cast<std::uint16_t>(count - 1);
    const auto behind = static_cast<std::uint16_t>(count);
    std::vector<float> values(count);
    std::memcpy(wire.data(), &last, sizeof last);
    CHECK_NOTHROW(with.decode(wire, values));
    std::memcpy(wire.data(), &behind, sizeof behind);
    try {
      with.decode(wire, values);
      FAIL("a place behind the end was taken");
    } catch (const error& refused) {
      CHECK(refused.code() == error_code::corrupt_data);
    }
  }
}
