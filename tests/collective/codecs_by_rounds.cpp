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
