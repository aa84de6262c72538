// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "sweep.hpp"

using namespace sweep;
using rondo::schedule::collective;

namespace {

enum class placing { apart, in_place, in_place_unaligned };

/// Every count, in and out of place; then every rank's result against the oracle and rank 0's bits.
template <class T, bool Messages, class Algorithm, class Operation>
void check_all_reduce(int ranks, const Algorithm& algorithm, const Operation& operation,
                      const std::vector<std::size_t>& counts) {
  const auto inputs = samples<T>(ranks, *std::max_element(counts.begin(), counts.end()));
  const auto expected = rondo::testing::folded(inputs, operation);
  constexpr placing placings[] = {placing::apart, placing::in_place, placing::in_place_unaligned};
  std::vector<std::vector<std::vector<T>>> results(static_cast<std::size_t>(ranks));
  std::atomic<bool> intact{true};

  on_ranks<Messages>(ranks, [&](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    for (const auto count : counts) {
      const std::vector<T> mine(inputs[rank].begin(),
                                inputs[rank].begin() + static_cast<std::ptrdiff_t>(count));
      for (const auto how : placings) {
        if (how == placing::apart) {
          auto in = mine;
          auto out = blank<T>(count);
          rondo::all_reduce(comm, in, out, operation, algorithm);
          intact = intact && same_bits<T>(in, mine);
          results[rank].push_back(std::move(out));
        } else if (how == placing::in_place) {
          auto values = mine;
          rondo::all_reduce(comm, values, algorithm, operation);
          results[rank].push_back(std::move(values));
        } else {
          unaligned<T> values{mine};
          rondo::all_reduce(comm, values.view(), operation, algorithm);
          intact = intact && values.intact();
          results[rank].emplace_back(values.view().begin(), values.view().end());
        }
      }
    }
  });

  CHECK(intact);
  for (std::size_t which = 0; which < results[0].size(); ++which) {
    const auto count = counts[which / std::size(placings)];
    for (int rank = 0; rank < ranks; ++rank) {
      const auto& got = results[static_cast<std::size_t>(rank)][which];
      INFO(Algorithm::name << (Messages ? " over messages" : "") << ", " << ranks << " ranks, "
                           << count << " elements, placing " << which % std::size(placings)
                           << ", on rank " << rank);
      REQUIRE(same_bits<T>(got, results[0][which]));
      REQUIRE(first_wrong<T>(got, std::span{expected}.first(count), ranks) == -1);
    }
  }
}

template <class T, bool Messages, class Operation>
void check_all_algorithms(int ranks, const Operation& operation, bool short_list) {
  for_each_algorithm<collective::all_reduce, Messages>(ranks, [&](const auto& algorithm) {
    auto counts = counts_around(ranks, sizeof(T), short_list);
    if (refuses_unequal<collective::all_reduce>(algorithm, ranks)) {
      for (auto& count : counts) {
        count -= count % static_cast<std::size_t>(ranks);
      }
    }
    check_all_reduce<T, Messages>(ranks, algorithm, operation, counts);
  });
}

}  // namespace

TEST_CASE("all_reduce: every algorithm sums on 1 to 9 ranks, at every path's limits") {
  for (const int ranks : rank_counts()) {
    check_all_algorithms<float, false>(ranks, rondo::op::sum{}, false);
    check_all_algorithms<float, true>(ranks, rondo::op::sum{}, false);
  }
}

TEST_CASE("all_reduce: every algorithm folds a user's type with a user's operation") {
  const auto united = [](const box& a, const box& b) { return unite(a, b); };
  for (const int ranks : {2, 3, 5, 8}) {
    check_all_algorithms<box, false>(ranks, united, true);
    check_all_algorithms<box, true>(ranks, united, true);
  }
}

TEST_CASE("all_reduce: every algorithm on more ranks than anyone has cores") {
  check_all_algorithms<float, false>(16, rondo::op::sum{}, true);
  check_all_algorithms<float, true>(16, rondo::op::sum{}, true);
  check_all_reduce<float, false>(64, rondo::automatic{}, rondo::op::sum{},
                                 {0, 1, 14, 15, 2049, 9000});
  check_all_reduce<float, true>(64, rondo::automatic{}, rondo::op::sum{}, {0, 1, 65, 5000, 9000});
}

TEST_CASE("all_reduce: a megabyte, and an element larger than a stage") {
  for (const int ranks : {2, 3}) {
    check_all_reduce<float, false>(ranks, rondo::automatic{}, rondo::op::sum{}, {262147});
    check_all_reduce<float, false>(ranks, rondo::one_shot{}, rondo::op::sum{}, {262147});
  }
  for (const int ranks : {4, 8}) {  // from the first output to the others
    const std::size_t touched_by_each = rondo::protocol::copies_from() / static_cast<unsigned>(ranks);
    check_all_reduce<float, false>(ranks, rondo::two_shot{}, rondo::op::sum{},
                                   {touched_by_each / (2 * sizeof(float)) + 3});
  }
  struct giant {
    std::array<std::int32_t, 10000> values;
  };
  const auto add = [](const giant& a, const giant& b) {
    giant sum = a;
    for (std::size_t i = 0; i < sum.values.size(); ++i) {
      sum.values[i] += b.values[i];
    }
    return sum;
  };
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<giant> values(3);
    const auto check = [&](auto& over, const auto&... algorithm) {
      values[1].values.fill(comm.rank() + 1);
      rondo::all_reduce(over, values, add, algorithm...);
      rondo::testing::expect(values[1].values[9999] == 6, "a sum of giants");
    };
    check(comm);
    check(comm, rondo::two_shot{});
    bool refused = false;
    try {
      check(comm, rondo::one_shot{});
    } catch (const rondo::error& thrown) {
      refused = thrown.code() == rondo::error_code::invalid_argument;
    }
    rondo::testing::expect(refused, "one_shot of giants is refused, not made in another way");
    rondo::testing::messages_only apart{comm};
    check(apart, rondo::one_shot{});
  });
}

TEST_CASE("an average of narrow integers divides by the number of ranks, which they may not hold") {
  std::atomic<int> wrong{0};
  rondo::threads::run(200, [&](auto& comm) {
    std::vector<std::int8_t> values(3, comm.rank() == 0 ? std::int8_t{100} : std::int8_t{0});
    rondo::all_reduce(comm, values, rondo::op::average{});
    wrong += values == std::vector<std::int8_t>{0, 0, 0} ? 0 : 1;
  });
  rondo::threads::run(256, [&](auto& comm) {
    std::vector<std::uint8_t> values(3, comm.rank() < 255 ? std::uint8_t{1} : std::uint8_t{0});
    rondo::all_reduce(comm, values, rondo::op::average{});
    wrong += values == std::vector<std::uint8_t>{0, 0, 0} ? 0 : 1;
  });
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<std::int16_t> values{static_cast<std::int16_t>(-10 * comm.rank())};
    rondo::all_reduce(comm, values, rondo::op::average{});
    wrong += values[0] == -10 ? 0 : 1;
  });
  CHECK(wrong == 0);
}

TEST_CASE("an input that overlaps the output is refused, but where a collective works in place") {
  std::atomic<int> refused{0};
  std::atomic<int> wrong{0};
  rondo::threads::run(3, [&](auto& comm) {
    const auto refuses = [&](const auto& call) {
      try {
        call();
        ++wrong;
      } catch (const rondo::error& told) {
        refused += std::string{told.what()}.find("overlap") != std::string::npos ? 1 : 0;
      }
    };
    std::vector<float> memory(12, 1.0f);
    const std::span all{memory};
    const auto whole = all.first(9);
    const auto self = static_cast<std::size_t>(comm.rank());
    const auto off = all.subspan(1 + 3 * self, 3);  // one behind this rank's own part
    refuses([&] { rondo::all_reduce(comm, all.first(9), all.subspan(1, 9)); });
    refuses([&] { rondo::all_gather(comm, off, whole); });
    refuses([&] { rondo::reduce_scatter(comm, whole, off); });
    refuses([&] { rondo::all_to_all(comm, whole, whole); });
    refuses([&] { rondo::all_to_all(comm, whole, all.subspan(2, 9)); });
    if (comm.rank() == 1) {
      refuses([&] { rondo::reduce(comm, all.first(9), all.subspan(1, 9), rondo::root{1}); });
      refuses([&] { rondo::gather(comm, off, whole, rondo::root{1}); });
      refuses([&] { rondo::scatter(comm, whole, off, rondo::root{1}); });
    }
    const std::vector<std::size_t> uneven{2, 3, 4};
    const std::size_t begin = self == 0 ? 0 : self == 1 ? 2 : 5;
    rondo::all_gather(comm, all.subspan(begin, uneven[self]), whole, rondo::counts{uneven});
    rondo::all_reduce(comm, all.first(9), all.first(9));
    rondo::all_reduce(comm, all.first(6), all.subspan(6, 6));
    wrong += memory[0] == 3 && memory[6] == 9 ? 0 : 1;
  });
  CHECK(refused == 3 * 5 + 3);
  CHECK(wrong == 0);
}
