// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// How the owner of a chunk makes its sum: in fp32, in rank order, divided once; and of rotated
// values before they are turned back.
#include "catch.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/error_feedback.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/rotated.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>

#include "../codec/samples.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>
#include <stdexcept>
#include <vector>

namespace {

namespace codec = rondo::codec;
using values = std::vector<float>;

values given_by(int rank, std::size_t count) {
  return samples::student(count, 40 + static_cast<std::uint64_t>(rank));
}

bool same_bits(const values& a, const values& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0);
}

/// What each of the ranks ends with.
template <class Call>
std::vector<values> ended(int ranks, std::size_t count, const Call& call) {
  std::vector<values> all(static_cast<std::size_t>(ranks));
  rondo::threads::run(ranks, [&](auto& comm) {
    values mine = given_by(comm.rank(), count);
    call(comm, mine);
    all[static_cast<std::size_t>(comm.rank())] = mine;
  });
  return all;
}

/// Every rank's wires of one chunk, summed by the codec, as a chunk of at most 65,536 values is.
template <class Codec>
values summed_by(const Codec& with, int ranks, std::size_t count, float divisor) {
  const std::size_t n = static_cast<std::size_t>(ranks);
  const std::size_t blocks = (count + Codec::block - 1) / Codec::block;
  values got(count);
  std::size_t first = 0;
  for (std::size_t chunk = 0; chunk < n; ++chunk) {
    // Blocks are dealt out evenly, the first chunks having one more.
    const std::size_t own = (blocks / n + (chunk < blocks % n ? 1 : 0)) * Codec::block;
    const std::size_t end = std::min(first + own, count);
    std::vector<std::vector<std::byte>> wires;
    for (int rank = 0; rank < ranks; ++rank) {
      const values all = given_by(rank, count);
      wires.emplace_back(with.wire_bytes(end - first));
      with.encode(std::span{all}.subspan(first, end - first), wires.back());
    }
    const std::vector<std::span<const std::byte>> views(wires.begin(), wires.end());
    std::vector<std::byte> sum(with.wire_bytes(end - first));
    with.encode_sum(views, end - first, sum, {}, divisor);
    with.decode(sum, std::span{got}.subspan(first, end - first));
    first = end;
  }
  return got;
}

}  // namespace

TEST_CASE("codec sums: an average is the sum in rank order, in fp32, divided once") {
  const std::size_t count = 1000;
  for (const int ranks : {1, 3, 5, 7}) {
    values expected(count, 0.0f);
    for (int rank = 0; rank < ranks; ++rank) {
      const values mine = given_by(rank, count);
      std::transform(expected.begin(), expected.end(), mine.begin(), expected.begin(),
                     std::plus<>{});
    }
    for (float& x : expected) {
      x /= static_cast<float>(ranks);
    }
    const auto check = [&](const auto& algorithm) {
      for (const auto& got : ended(ranks, count, [&](auto&comm, values&mine) {
             rondo::all_reduce(comm, mine, rondo::op::average{}, algorithm, codec::exact{});
           })) {
        CHECK(same_bits(got, expected));
      }
    };
    CAPTURE(ranks);
    check(rondo::one_shot{});
    check(rondo::two_shot{});
    const auto parts = ended(ranks, count, [&](auto& comm, values& mine) {
      // Everyone gives the same values to every rank.
      values to_all;
      for (int rank = 0; rank < ranks; ++rank) {
        to_all.insert(to_all.end(), mine.begin(), mine.end());
      }
      rondo::reduce_scatter(comm, to_all, mine, rondo::op::average{}, codec::exact{});
    });
    for (const auto& got : parts) {
      CHECK(same_bits(got, expected));
    }
  }
}

TEST_CASE("codec sums: rotated values are summed as they came, and turned back once") {
  const codec::rotated turned{codec::int4<32>{}, 7};
  for (const int ranks : {1, 2, 3, 5}) {
    for (const std::size_t count : {0u, 1u, 33u, 5000u}) {
      CAPTURE(ranks, count);
      const values sum = summed_by(turned, ranks, count, 1);
      for (const auto& got : ended(ranks, count, [&](auto&comm, values&mine) {
             rondo::all_reduce(comm, mine, rondo::two_shot{}, turned);
           })) {
        CHECK(same_bits(got, sum));
      }
      const values average = summed_by(turned, ranks, count, static_cast<float>(ranks));
      for (const auto& got : ended(ranks, count, [&](auto&comm, values&mine) {
             rondo::testing::messages_only apart{comm};
             rondo::all_reduce(apart, mine, rondo::two_shot{}, turned, rondo::op::average{});
           })) {
        CHECK(same_bits(got, average));
      }
    }
  }
}

TEST_CASE("codec sums: rotated values in several segments, and with error feedback") {
  constexpr int ranks = 3;
  const std::size_t count = 5 * 65536 + 77;  // two segments, the second one short
  const codec::rotated turned{codec::int4<32>{}, 7};
  values exact(count, 0.0f);
  for (int rank = 0; rank < ranks; ++rank) {
    const values mine = given_by(rank, count);
    std::transform(exact.begin(), exact.end(), mine.begin(), exact.begin(), std::plus<>{});
  }
  const auto check = [&](const std::vector<values>& all) {
    CHECK(same_bits(all[0], all[1]));
    CHECK(same_bits(all[0], all[2]));
    CHECK(samples::sqnr(exact, all[0]) > 17.6);
  };
  check(ended(ranks, count, [&](auto& comm, values& mine) {
    rondo::all_reduce(comm, mine, rondo::two_shot{}, turned);
  }));
  check(ended(ranks, count, [&](auto& comm, values& mine) {
    values residual(count, 0.0f);
    rondo::all_reduce(comm, mine, rondo::two_shot{}, codec::error_feedback{turned, residual});
  }));
  check(ended(ranks, count, [&](auto& comm, values& mine) {
    values residual(count, 0.0f);
    values of_sum(count, 0.0f);
    rondo::all_reduce(comm, mine, rondo::two_shot{},
                      codec::error_feedback{turned, residual, of_sum});
    // What the owner's sum has lost is in its memory.
    const bool kept = std::any_of(of_sum.begin(), of_sum.end(), [](float x) { return x != 0; });
    if (!kept) {
      throw std::runtime_error("nothing was kept of the sum");
    }
  }));
}
