// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "data/clients.hpp"
#include "harness/refusal.hpp"

#include <rondo/data/secure_average.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using rondo::data::fixed_point;
using rondo::data::secure_round;
using rondo::testing::expect;

namespace {

template <class Comm>
auto keys_of(const Comm& comm) {
  return [own = comm.rank()](int peer) { return clients::key_of_pair(own, peer); };
}

/// What rank 0 of three is told of weights, a first parameter and rounds.
std::string refusal(std::vector<std::uint64_t> weights, float first, secure_round round = {},
                    std::uint64_t other_round = 0) {
  return refusals::refusal([&] {
    rondo::threads::run(3, [&](auto& comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      std::vector<float> own{rank == 1 ? first : 0};
      secure_round of_rank = round;
      of_rank.number += rank == 2 ? other_round : 0;
      rondo::data::secure_average(comm, own, weights[rank], of_rank, keys_of(comm));
    });
  });
}

}  // namespace

TEST_CASE("secure_average: masks of 1024 clients cancel, and their largest sum fits") {
  // Every client in turn, as no machine has so many ranks: 1024 x (2^22 - 1) = 2^32 - 1024.
  constexpr fixed_point grid;
  constexpr std::size_t words = 3;
  for (const int count : {2, 3, 40}) {
    std::vector<std::uint32_t> sum(words);
    for (int client = 0; client < count; ++client) {
      std::vector<std::uint32_t> own{grid.encode(8), grid.encode(-8), 17};
      const auto plain = own;
      rondo::data::mask(own, client, count, 5,
                        [&](int peer) { return clients::key_of_pair(client, peer); });
      CHECK(own[0] != plain[0]);  // what leaves the client is not what it has
      for (std::size_t i = 0; i < words; ++i) {
        sum[i] += own[i];
      }
    }
    const auto clients = static_cast<std::uint32_t>(count);
    CHECK(sum == std::vector<std::uint32_t>{clients * grid.largest, 0, clients * 17});
  }
  std::uint32_t full = 0;
  for (std::uint64_t client = 0; client < grid.room(); ++client) {
    full += grid.encode(8);
  }
  CHECK(full == 0xffffffffU - 1023);
  CHECK(grid.decode(full, grid.room()) == 8);
}

TEST_CASE("secure_average: rounds and pairs have masks of their own, over whole blocks") {
  const auto masked = [](int client, std::uint64_t round) {
    std::vector<std::uint32_t> words(40);
    rondo::data::mask(words, client, 3, round,
                      [&](int peer) { return clients::key_of_pair(client, peer); });
    return words;
  };
  CHECK(masked(0, 1) != masked(0, 2));
  CHECK(masked(0, 1) != masked(0, (std::uint64_t{1} << 32) + 1));
  CHECK(masked(0, 1) != masked(1, 1));
  const auto one = masked(0, 1);
  for (std::size_t i = 16; i < 40; ++i) {
    CHECK(one[i] != one[i % 16]);
  }
}

TEST_CASE("secure_average: the mean on the grid, bit by bit, on any number of ranks") {
  for (const int ranks : {1, 3, 8}) {
    auto given = clients::of(ranks, 333);
    given[0][3] = 1e9F;  // clipped
    for (const std::uint64_t each : {std::uint64_t{1}, std::uint64_t{5}}) {
      std::vector<std::uint64_t> weights(given.size(), each);
      weights.back() = 1;
      const auto expected = clients::averaged_on_grid(given, weights);
      rondo::threads::run(ranks, [&](auto& comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        auto own = given[rank];
        rondo::data::secure_average(comm, own, weights[rank], {.number = 9}, keys_of(comm));
        expect(own == expected, "the mean of 64-bit sums");
      });
    }
    // Half a step from the true mean, where nothing was clipped.
    double sum = 0;
    for (const auto& one : given) {
      sum += static_cast<double>(one[0]);
    }
    CHECK(std::abs(static_cast<double>(clients::averaged_on_grid(
                       given, std::vector<std::uint64_t>(given.size(), 1))[0]) -
                   sum / ranks) <= fixed_point{}.step());
  }
}

TEST_CASE("secure_average: keys that do not pair are refused on every rank, with the pair named") {
  rondo::threads::run(4, [](auto& comm) {
    for (const int wrong : {0, 2, 3}) {
      std::vector own{1.0F, 2.0F};
      const std::string said = refusals::refusal([&] {
        rondo::data::secure_average(comm, own, 1, {}, [&](int peer) {
          return clients::key_of_pair(comm.rank(),
                                      comm.rank() == wrong && peer == 1 ? peer + 7 : peer);
        });
        return 0;
      });
      const auto pair =
          wrong == 0 ? std::string{"clients 0 and 1"} : "clients 1 and " + std::to_string(wrong);
      expect(refusals::contains(said, pair + " have different keys"), "the pair");
      expect(own == std::vector{1.0F, 2.0F}, "nothing moved");
    }
  });
}

TEST_CASE("secure_average: masks leave the rank, as keys that change behind their check show") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector own{1.0F, 2.0F};
    std::vector<int> asked(3);
    rondo::data::secure_average(comm, own, 1, {}, [&](int peer) {
      const bool masks = ++asked[static_cast<std::size_t>(peer)] == 2;
      return clients::key_of_pair(comm.rank(), comm.rank() == 2 && masks ? peer + 1 : peer);
    });
    expect(std::abs(own[0] - 1) > 0.01F && std::abs(own[1] - 2) > 0.01F, "masks that stayed");
  });
}

TEST_CASE("secure_average: a client without weight adds nothing") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector own{comm.rank() == 1 ? std::numeric_limits<float>::quiet_NaN() : 2.0F};
    rondo::data::secure_average(comm, own, comm.rank() == 1 ? 0 : 3, {}, keys_of(comm));
    expect(std::abs(own[0] - 2.0F) < 4e-6F, "the mean of 2 and 2");
  });
}

TEST_CASE("secure_average: what cannot be averaged is refused in words") {
  using Catch::Matchers::ContainsSubstring;
  CHECK(refusal({1, 1, 1022}, 1).empty());
  CHECK_THAT(
      refusal({1, 1, 1023}, 1),
      ContainsSubstring("weights of 1025 over 3 clients; a sum of 32 bits has room for 1024"));
  CHECK_THAT(refusal({0, 0, 0}, 1), ContainsSubstring("weights of all 3 clients are 0"));
  CHECK_THAT(refusal({1, 1, 1}, std::numeric_limits<float>::quiet_NaN()),
             ContainsSubstring("client 1 brings a value that is not finite at position 0"));
  CHECK_THAT(refusal({1, 1, 1}, 1, {.grid = {.clip = -1}}),
             ContainsSubstring("are to be positive"));
  CHECK_THAT(refusal({1, 1, 1}, 1, {}, 1),
             ContainsSubstring("client 2 is in another round than client 0"));
}
