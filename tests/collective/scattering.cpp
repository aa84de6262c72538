// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "sweep.hpp"

using namespace sweep;
using rondo::schedule::collective;

// reduce_scatter and all_gather: every rank owns a part of the whole, equal or by counts.
namespace {

struct cut {
  std::vector<std::size_t> counts;
  bool given;  ///< passed as rondo::counts
};

/// Equal blocks of each count, and lists of uneven counts with a rank that has nothing.
std::vector<cut> cuts_for(int ranks, std::size_t element_bytes) {
  const auto n = static_cast<std::size_t>(ranks);
  std::vector<cut> made;
  for (const std::size_t block :
       {std::size_t{0}, std::size_t{1}, std::size_t{13}, 56 / element_bytes, 56 / element_bytes + 1,
        2048 / n / element_bytes, 2048 / n / element_bytes + 1, 2048 / element_bytes,
        2048 / element_bytes + 1, 32768 / element_bytes + 3}) {
    made.push_back({std::vector<std::size_t>(n, block), false});
  }
  made.push_back({std::vector<std::size_t>(n, 17), true});
  for (const std::size_t scale : {1u, 5u, 700u}) {
    std::vector<std::size_t> uneven;
    for (std::size_t rank = 0; rank < n; ++rank) {
      uneven.push_back(scale * (mixed(rank + scale) % 7));
    }
    uneven[n / 2] = 0;
    made.push_back({std::move(uneven), true});
  }
  return made;
}

std::size_t total_of(const cut& one) {
  std::size_t sum = 0;
  for (const auto count : one.counts) {
    sum += count;
  }
  return sum;
}

/// Calls `call(policies...)` with or without counts.
template <class Call>
void with_counts(const cut& one, const Call& call) {
  one.given ? call(rondo::counts{one.counts}) : call();
}

template <class T, bool Messages, class Algorithm, class Operation>
void check_reduce_scatter(int ranks, const Algorithm& algorithm, const Operation& operation) {
  const bool refuses = refuses_unequal<collective::reduce_scatter>(algorithm, ranks);
  for (const auto& one : cuts_for(ranks, sizeof(T))) {
    if (refuses && one.given) {
      continue;
    }
    const auto total = total_of(one);
    const auto inputs = samples<T>(ranks, total);
    const auto expected = rondo::testing::folded(inputs, operation);
    per_rank<T> apart(inputs.size());
    per_rank<T> in_place(inputs.size());
    on_ranks<Messages>(ranks, [&](auto& comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      const auto mine = one.counts[rank];
      auto in = inputs[rank];
      apart[rank] = blank<T>(mine);
      with_counts(one, [&](const auto&... counts) {
        rondo::reduce_scatter(comm, in, apart[rank], operation, algorithm, counts...);
      });
      rondo::testing::expect(same_bits<T>(in, inputs[rank]), "an input left alone");
      unaligned<T> whole{in};
      const auto first = rondo::testing::part_of(whole.view(), one.counts, rank);
      with_counts(one, [&](const auto&... counts) {
        rondo::reduce_scatter(comm, whole.view(), first, algorithm, operation, counts...);
      });
      rondo::testing::expect(whole.intact(), "the elements around a view");
      in_place[rank].assign(first.begin(), first.end());
    });
    for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
      const auto want = rondo::testing::part_of(std::span{expected}, one.counts, rank);
      INFO(Algorithm::name << (Messages ? " over messages, " : ", ") << ranks << " ranks, " << total
                           << " elements, counts given " << one.given << ", on rank " << rank);
      REQUIRE(first_wrong<T>(apart[rank], want, ranks) == -1);
      REQUIRE(same_bits<T>(apart[rank], in_place[rank]));
    }
  }
}

template <class T, bool Messages, class Algorithm>
void check_all_gather(int ranks, const Algorithm& algorithm) {
  const bool refuses = refuses_unequal<collective::all_gather>(algorithm, ranks);
  for (const auto& one : cuts_for(ranks, sizeof(T))) {
    if (refuses && one.given) {
      continue;
    }
    const auto inputs = samples<T>(ranks, one.counts);
    const auto expected = rondo::testing::concatenated(inputs);
    per_rank<T> apart(inputs.size());
    per_rank<T> in_place(inputs.size());
    on_ranks<Messages>(ranks, [&](auto& comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      auto in = inputs[rank];
      apart[rank] = blank<T>(expected.size());
      with_counts(one, [&](const auto&... counts) {
        rondo::all_gather(comm, in, apart[rank], algorithm, counts...);
      });
      unaligned<T> whole{blank<T>(expected.size())};
      const auto mine = rondo::testing::part_of(whole.view(), one.counts, rank);
      std::copy(in.begin(), in.end(), mine.begin());
      with_counts(one, [&](const auto&... counts) {
        rondo::all_gather(comm, mine, whole.view(), counts..., algorithm);
      });
      rondo::testing::expect(whole.intact(), "the elements around a view");
      in_place[rank].assign(whole.view().begin(), whole.view().end());
    });
    for (std::size_t rank = 0; rank < inputs.size(); ++rank) {
      INFO(Algorithm::name << (Messages ? " over messages, " : ", ") << ranks << " ranks, "
                           << expected.size() << " elements, counts given " << one.given
                           << ", on rank " << rank);
      REQUIRE(same_bits<T>(apart[rank], expected));
      REQUIRE(same_bits<T>(in_place[rank], expected));
    }
  }
}

template <class T, class Operation>
void check_reduce_scatter_by_all(int ranks, const Operation& operation) {
  for_each_algorithm<collective::reduce_scatter, false>(ranks, [&](const auto& algorithm) {
    check_reduce_scatter<T, false>(ranks, algorithm, operation);
  });
  for_each_algorithm<collective::reduce_scatter, true>(ranks, [&](const auto& algorithm) {
    check_reduce_scatter<T, true>(ranks, algorithm, operation);
  });
}

}  // namespace

TEST_CASE("reduce_scatter: every algorithm gives each rank its part of the fold") {
  for (const int ranks : rank_counts()) {
    check_reduce_scatter_by_all<float>(ranks, rondo::op::sum{});
  }
}

TEST_CASE("all_gather: every algorithm gives every rank all parts in rank order") {
  for (const int ranks : rank_counts()) {
    for_each_algorithm<collective::all_gather, false>(ranks, [&](const auto& algorithm) {
      check_all_gather<std::int16_t, false>(ranks, algorithm);
    });
    for_each_algorithm<collective::all_gather, true>(ranks, [&](const auto& algorithm) {
      check_all_gather<std::int16_t, true>(ranks, algorithm);
    });
  }
}

TEST_CASE("all_gather: own parts that go around the cache, between messages") {
  constexpr int ranks = 2;
  constexpr std::size_t own = (3u << 20) + 5;  // 48 MiB touched, and what is no whole line
  rondo::threads::run(ranks, [](auto& comm) {
    std::vector<std::uint32_t> in(own);
    for (std::size_t i = 0; i < own; ++i) {
      in[i] = static_cast<std::uint32_t>(2 * i) + static_cast<std::uint32_t>(comm.rank());
    }
    std::vector<std::uint32_t> around(ranks * own + 2, 7);
    const std::span out{around.data() + 1, ranks * own};
    rondo::all_gather(comm, in, out, rondo::ring{});
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < own; ++i) {
      wrong += out[i] != 2 * i || out[own + i] != 2 * i + 1 ? 1 : 0;
    }
    rondo::testing::expect(wrong == 0, "both parts");
    rondo::testing::expect(around.front() == 7 && around.back() == 7, "what is around them");
  });
}
