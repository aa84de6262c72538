// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "exchange_only.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/reference.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

using collective_test::exchange_only;
using rondo::testing::expect;

namespace {

std::vector<float> brought(int rank, std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) {
    values.push_back(std::sin(static_cast<float>(i) + 100.0F * static_cast<float>(rank)) *
                     (i % 97 == 5 ? 50.0F : 1.0F));
  }
  return values;
}

template <class Comm, class Operation, class Algorithm, class Codec>
std::vector<float> reduced(Comm& comm, std::size_t count, const Operation& operation,
                           const Algorithm& algorithm, const Codec& codec) {
  const auto in = brought(comm.rank(), count);
  std::vector<float> out(count);
  rondo::all_reduce(comm, in, out, operation, algorithm, codec);
  auto in_place = in;
  rondo::all_reduce(comm, in_place, operation, algorithm, codec);
  expect(in_place == out, "in place");
  return out;
}

/// Of rounds of messages, as of messages that are under way together.
template <class Comm, class Codec>
void check(Comm& inner, const Codec& codec) {
  exchange_only rounds{inner};
  rondo::testing::messages_only together{inner};
  for (const std::size_t count : {0U, 1U, 1000U, 9001U}) {
    const auto each = [&](const auto& operation, const auto& algorithm) {
      expect(reduced(rounds, count, operation, algorithm, codec) ==
                 reduced(together, count, operation, algorithm, codec),
             "the same bits by rounds");
    };
    each(rondo::op::sum{}, rondo::one_shot{});
    each(rondo::op::sum{}, rondo::two_shot{});
    each(rondo::op::average{}, rondo::two_shot{});
  }
}

}  // namespace

TEST_CASE("codecs: a transport of rounds alone gives the bits of one whose messages overlap") {
  for (const int ranks : {1, 2, 3, 5}) {
    rondo::threads::run(ranks, [](auto& comm) {
      check(comm, rondo::codec::int8<128>{});
      check(comm, rondo::codec::rotated{rondo::codec::int4<32>{}, 7});
      check(comm, rondo::codec::cast<rondo::bfloat16>{});
    });
  }
}

TEST_CASE("codecs: automatic sends wires of up to 3 KiB whole, and longer ones in parts") {
  constexpr std::size_t ranks = 4;
  rondo::threads::run(ranks, [](auto& inner) {
    const auto sent = [&](const auto& codec, std::size_t count) {
      exchange_only rounds{inner};
      std::vector<float> values(count, 1.0F);
      rondo::all_reduce(rounds, values, codec);
      return rounds.sent;
    };
    const auto whole = [](const auto& codec, std::size_t count) {
      return (ranks - 1) * codec.wire_bytes(count);
    };
    const rondo::codec::int8<128> bytes{};
    const rondo::codec::cast<rondo::bfloat16> halves{};
    const rondo::codec::int4<32> nibbles{};
    expect(sent(bytes, 2048) == whole(bytes, 2048), "2 KiB at once");
    expect(sent(bytes, 3072) < whole(bytes, 3072), "more than 3 KiB in parts");
    expect(sent(halves, 1536) == whole(halves, 1536), "3 KiB at once");
    expect(sent(halves, 1537) < whole(halves, 1537), "and a value more in parts");
    expect(sent(nibbles, 4096) == whole(nibbles, 4096), "4096 values at once");
    expect(sent(nibbles, 4608) < whole(nibbles, 4608), "more values in parts, though few bytes");
  });
}
