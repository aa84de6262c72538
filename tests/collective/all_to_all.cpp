// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/integer.hpp>

#include "sweep.hpp"

using namespace sweep;
using rondo::schedule::collective;

namespace {

/// counts[s][d] elements go from rank s to rank d.
std::vector<per_rank<std::size_t>> tables_for(int ranks) {
  const auto n = static_cast<std::size_t>(ranks);
  std::vector<per_rank<std::size_t>> made;
  for (const std::size_t block : {0u, 1u, 13u, 200u, 2049u, 9001u}) {
    made.emplace_back(n, std::vector<std::size_t>(n, block));
  }
  for (const std::size_t scale : {1u, 40u, 1000u}) {
    per_rank<std::size_t> uneven(n, std::vector<std::size_t>(n));
    for (std::size_t s = 0; s < n; ++s) {
      for (std::size_t d = 0; d < n; ++d) {
        uneven[s][d] = scale * (mixed(s * 31 + d + scale) % 5);
      }
    }
    made.push_back(std::move(uneven));
  }
  return made;
}

template <class T, bool Messages, class Algorithm>
void check_all_to_all(int ranks, const Algorithm& algorithm) {
  const bool refuses = refuses_unequal<collective::all_to_all>(algorithm, ranks);
  const auto n = static_cast<std::size_t>(ranks);
  bool equal = true;
  for (const auto& counts : tables_for(ranks)) {
    equal = counts.back() == counts.front() && counts[0] == std::vector(n, counts[0][0]);
    if (!equal && refuses) {
      continue;
    }
    std::vector<std::size_t> totals;
    per_rank<std::size_t> received(n);
    for (std::size_t rank = 0; rank < n; ++rank) {
      std::size_t total = 0;
      for (std::size_t other = 0; other < n; ++other) {
        total += counts[rank][other];
        received[rank].push_back(counts[other][rank]);
      }
      totals.push_back(total);
    }
    const auto inputs = samples<T>(ranks, totals);
    const auto expected = rondo::testing::transposed(inputs, counts);
    std::atomic<int> right{0};
    on_ranks<Messages>(ranks, [&](auto& comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      auto out = blank<T>(expected[rank].size());
      rondo::all_to_all(comm, inputs[rank], out, algorithm,
                        rondo::counts{counts[rank], received[rank]});
      right += same_bits<T>(out, expected[rank]);
      if (equal) {
        unaligned<T> into{blank<T>(expected[rank].size())};
        rondo::all_to_all(comm, inputs[rank], into.view(), algorithm);
        right += same_bits<T>(into.view(), expected[rank]) && into.intact();
      }
    });
    INFO(Algorithm::name << (Messages ? " over messages, " : ", ") << ranks << " ranks, "
                         << totals[0] << " elements on rank 0, equal " << equal);
    REQUIRE(right == (equal ? 2 : 1) * ranks);
  }
}

}  // namespace

TEST_CASE("all_to_all: every algorithm gives each rank what every rank has for it") {
  for (const int ranks : rank_counts()) {
    for_each_algorithm<collective::all_to_all, false>(ranks, [&](const auto& algorithm) {
      check_all_to_all<std::int32_t, false>(ranks, algorithm);
    });
    for_each_algorithm<collective::all_to_all, true>(ranks, [&](const auto& algorithm) {
      check_all_to_all<std::int32_t, true>(ranks, algorithm);
    });
  }
}

TEST_CASE("all_to_all: counts whose sum wraps around are refused") {
  const std::vector<std::size_t> each{~std::size_t{0}, 5};  // 4, if it could
  CHECK_THROWS_WITH(rondo::threads::run(2,
                                        [&](auto& comm) {
                                          const std::vector<float> in(4);
                                          std::vector<float> out(4);
                                          rondo::all_to_all(comm, in, out, rondo::counts{each},
                                                            rondo::codec::int8<128>{});
                                        }),
                    Catch::Matchers::ContainsSubstring("has 4 elements, expected 18446744073"));
}
