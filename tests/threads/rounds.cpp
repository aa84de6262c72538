// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Rounds with more messages between two ranks than a channel between them holds.
#include "catch.hpp"
#include "outcomes.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

using rondo::testing::expect;

namespace {

constexpr rondo::signature what{"round", ""};

/// Message k from one rank to another: none to a few words, all the same number.
std::vector<std::uint64_t> letter(int from, int to, std::size_t k) {
  return std::vector<std::uint64_t>(k % 5, static_cast<std::uint64_t>(from * 100 + to) << 32 | k);
}

/// One round in which all ranks send so many messages to all others. Rank `odd` counts one word
/// more for the last that it takes.
template <class Comm>
void exchange(Comm& comm, std::size_t number, int odd = -1) {
  std::vector<std::vector<std::uint64_t>> letters;
  std::vector<rondo::outgoing> out;
  std::vector<rondo::incoming> in;
  std::vector<std::vector<std::uint64_t>> expected;
  std::vector<std::vector<std::uint64_t>> got;
  for (std::size_t k = 0; k < number; ++k) {
    for (int peer = 0; peer < comm.size(); ++peer) {
      if (peer != comm.rank()) {
        letters.push_back(letter(comm.rank(), peer, k));
        expected.push_back(letter(peer, comm.rank(), k));
        got.emplace_back(expected.back().size());
        const bool into_nothing = k % 3 == 0;  // only shown
        out.push_back({peer, reinterpret_cast<const std::byte*>(letters.back().data()),
                       letters.back().size() * sizeof(std::uint64_t)});
        in.push_back({peer,
                      into_nothing ? nullptr : reinterpret_cast<std::byte*>(got.back().data()),
                      got.back().size() * sizeof(std::uint64_t)});
      }
    }
  }
  if (comm.rank() == odd) {
    in.back().into = nullptr;
    in.back().bytes += sizeof(std::uint64_t);
  }
  comm.collective(rondo::call{.what = &what}, [&](auto& turn) {
    turn.exchange(out, in, [&](std::size_t which, const std::byte* bytes) {
      if (in[which].into == nullptr && in[which].bytes != 0) {
        std::memcpy(got[which].data(), bytes, in[which].bytes);
      }
    });
  });
  expect(got == expected, "every message, in the order sent");
}

}  // namespace

TEST_CASE("rounds: as many messages between two ranks as a schedule likes") {
  for (const int ranks : {2, 3, 5}) {
    rondo::threads::run(ranks, [](auto& comm) {
      for (const std::size_t number : {15u, 16u, 17u, 100u, 40u, 3u}) {
        exchange(comm, number);
      }
    });
  }
}

TEST_CASE("rounds: one message of many that has another length is a mismatch") {
  const auto seen = outcomes(3, [](auto& comm) { exchange(comm, 40, 1); });
  for (const int rank : {1, 2}) {  // rank 0 may have got and given all
    const auto& heard = seen[static_cast<std::size_t>(rank)];
    CHECK(heard.code == rondo::error_code::mismatch);
    CHECK_THAT(heard.what, Catch::Matchers::ContainsSubstring("on rank 1 expected 40 bytes from "
                                                              "rank 2, got 32"));
  }
}

TEST_CASE("rounds: two levels, of many groups") {
  constexpr int ranks = 36;
  rondo::threads::run(ranks, [](auto& comm) {
    const auto each = [&](auto inner, auto outer) {
      const rondo::hierarchical levels{inner, outer, 2};  // 18 groups
      const std::vector<int> mine{comm.rank(), comm.rank() + 1000};
      std::vector<int> all(2 * ranks);
      rondo::all_gather(comm, mine, all, levels);
      for (int rank = 0; rank < ranks; ++rank) {
        expect(all[2 * static_cast<std::size_t>(rank)] == rank, "a chunk where it belongs");
      }
      std::vector<int> part(2);
      rondo::reduce_scatter(comm, all, part, levels);
      expect(part[0] == ranks * comm.rank(), "the sum of a chunk");
    };
    each(rondo::ring{}, rondo::ring{});
    each(rondo::one_shot{}, rondo::halving_doubling{});
  });
}
