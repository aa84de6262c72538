// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "sweep.hpp"

using namespace sweep;
using rondo::schedule::collective;

// broadcast, reduce, gather, scatter: one rank gives or gets. Ranks that do neither pass nothing.
namespace {

std::vector<int> roots_of(int ranks) {
  return ranks < 3 ? std::vector<int>{0, ranks - 1} : std::vector<int>{0, 1, ranks - 1};
}

std::vector<std::size_t> some_counts(int ranks) {
  return {0, 1, static_cast<std::size_t>(ranks + 1), 14, 15, 513, 2048, 8191, 20011};
}

template <class T, bool Messages, class Algorithm>
void check_broadcast(int ranks, const Algorithm& algorithm) {
  for (const int root : roots_of(ranks)) {
    for (const auto count : some_counts(ranks)) {
      const auto sent = samples<T>(1, count)[0];
      per_rank<T> got(static_cast<std::size_t>(ranks));
      on_ranks<Messages>(ranks, [&](auto& comm) {
        unaligned<T> values{comm.rank() == root ? sent : blank<T>(count)};
        rondo::broadcast(comm, values.view(), rondo::root{root}, algorithm);
        rondo::testing::expect(values.intact(), "the elements around a view");
        got[static_cast<std::size_t>(comm.rank())].assign(values.view().begin(),
                                                          values.view().end());
      });
      for (int rank = 0; rank < ranks; ++rank) {
        INFO(Algorithm::name << (Messages ? " over messages, " : ", ") << ranks << " ranks, root "
                             << root << ", " << count << " elements, on rank " << rank);
        REQUIRE(same_bits<T>(got[static_cast<std::size_t>(rank)], sent));
      }
    }
  }
}

template <class T, bool Messages, class Algorithm>
void check_reduce(int ranks, const Algorithm& algorithm) {
  for (const int root : roots_of(ranks)) {
    for (const auto count : some_counts(ranks)) {
      const auto inputs = samples<T>(ranks, count);
      const auto expected = rondo::testing::folded(inputs, rondo::op::average{});
      std::vector<T> apart;
      std::vector<T> in_place;
      on_ranks<Messages>(ranks, [&](auto& comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        auto in = inputs[rank];
        auto out = blank<T>(comm.rank() == root ? count : 0);
        rondo::reduce(comm, in, out, rondo::op::average{}, rondo::root{root}, algorithm);
        rondo::testing::expect(same_bits<T>(in, inputs[rank]), "an input left alone");
        std::vector<T> none;
        rondo::reduce(comm, in, comm.rank() == root ? in : none, rondo::root{root}, algorithm,
                      rondo::op::average{});
        if (comm.rank() == root) {
          apart = std::move(out);
          in_place = std::move(in);
        }
      });
      INFO(Algorithm::name << (Messages ? " over messages, " : ", ") << ranks << " ranks, root "
                           << root << ", " << count << " elements");
      REQUIRE(first_wrong<T>(apart, expected, ranks) == -1);
      REQUIRE(same_bits<T>(apart, in_place));
    }
  }
}

std::vector<std::vector<std::size_t>> some_cuts(int ranks) {
  const auto n = static_cast<std::size_t>(ranks);
  std::vector<std::vector<std::size_t>> made{
      std::vector<std::size_t>(n, 0), std::vector<std::size_t>(n, 1),
      std::vector<std::size_t>(n, 15), std::vector<std::size_t>(n, 2049)};
  std::vector<std::size_t> uneven;
  for (std::size_t rank = 0; rank < n; ++rank) {
    uneven.push_back(17 * (mixed(rank) % 7));
  }
  uneven[0] = 0;
  made.push_back(std::move(uneven));
  return made;
}

template <class T, bool Messages, collective What, class Algorithm>
void check_parts(int ranks, const Algorithm& algorithm) {
  const bool refuses = refuses_unequal<What>(algorithm, ranks);
  for (const int root : roots_of(ranks)) {
    for (const auto& counts : some_cuts(ranks)) {
      const bool equal = counts.front() == counts.back();
      if (refuses && !equal) {
        continue;
      }
      const auto by_counts = [&](const auto& call) { call(rondo::counts{counts}); };
      const auto parts = samples<T>(ranks, counts);
      const auto whole = rondo::testing::concatenated(parts);
      std::atomic<int> right{0};
      on_ranks<Messages>(ranks, [&](auto& comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        const bool is_root = comm.rank() == root;
        const auto call = [&](const auto&... given) {
          if constexpr (What == collective::gather) {
            auto in = parts[rank];
            auto out = blank<T>(is_root ? whole.size() : 0);
            rondo::gather(comm, in, out, rondo::root{root}, algorithm, given...);
            right += !is_root || same_bits<T>(out, whole);
          } else {
            auto in = is_root ? whole : std::vector<T>{};
            auto out = blank<T>(counts[rank]);
            rondo::scatter(comm, in, out, algorithm, rondo::root{root}, given...);
            right += same_bits<T>(out, parts[rank]);
          }
        };
        by_counts(call);
        if (equal) {
          call();
        }
        // In place: the root's own part lies in the whole.
        auto all = is_root ? whole : std::vector<T>{};
        auto apart = parts[rank];
        const std::span<T> own =
            is_root ? rondo::testing::part_of(std::span{all}, counts, rank) : std::span<T>{apart};
        if constexpr (What == collective::gather) {
          std::fill(all.begin(), all.end(), sample<T>(7777, 1));
          std::copy(parts[rank].begin(), parts[rank].end(), own.begin());
          by_counts([&](const auto&... given) {
            rondo::gather(comm, own, all, rondo::root{root}, algorithm, given...);
          });
        } else {
          by_counts([&](const auto&... given) {
            rondo::scatter(comm, all, own, rondo::root{root}, algorithm, given...);
          });
          rondo::testing::expect(same_bits<T>(own, parts[rank]), "a part in place");
        }
        rondo::testing::expect(!is_root || same_bits<T>(all, whole), "the whole in place");
      });
      INFO(Algorithm::name << (Messages ? " over messages, " : ", ") << ranks << " ranks, root "
                           << root << ", " << whole.size() << " elements");
      REQUIRE(right == (equal ? 2 : 1) * ranks);
    }
  }
}

}  // namespace

TEST_CASE("broadcast: every algorithm gives every rank the root's values") {
  for (const int ranks : rank_counts()) {
    for_each_algorithm<collective::broadcast, false>(
        ranks, [&](const auto& algorithm) { check_broadcast<float, false>(ranks, algorithm); });
    for_each_algorithm<collective::broadcast, true>(
        ranks, [&](const auto& algorithm) { check_broadcast<float, true>(ranks, algorithm); });
  }
}

TEST_CASE("reduce: every algorithm gives the root the fold and touches no other rank's output") {
  for (const int ranks : rank_counts()) {
    for_each_algorithm<collective::reduce, false>(
        ranks, [&](const auto& algorithm) { check_reduce<float, false>(ranks, algorithm); });
    for_each_algorithm<collective::reduce, true>(
        ranks, [&](const auto& algorithm) { check_reduce<float, true>(ranks, algorithm); });
  }
}

TEST_CASE("gather: every algorithm gives the root all parts in rank order") {
  for (const int ranks : rank_counts()) {
    for_each_algorithm<collective::gather, false>(ranks, [&](const auto& algorithm) {
      check_parts<double, false, collective::gather>(ranks, algorithm);
    });
    for_each_algorithm<collective::gather, true>(ranks, [&](const auto& algorithm) {
      check_parts<double, true, collective::gather>(ranks, algorithm);
    });
  }
}

TEST_CASE("scatter: every algorithm gives each rank its part of the root's values") {
  for (const int ranks : rank_counts()) {
    for_each_algorithm<collective::scatter, false>(ranks, [&](const auto& algorithm) {
      check_parts<double, false, collective::scatter>(ranks, algorithm);
    });
    for_each_algorithm<collective::scatter, true>(ranks, [&](const auto& algorithm) {
      check_parts<double, true, collective::scatter>(ranks, algorithm);
    });
  }
}
