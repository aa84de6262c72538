// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

using namespace sweep;
using namespace ranks;

namespace {

/// Counts of every rank: equal ones, or some that differ and some that are zero.
std::vector<std::size_t> counts_of(int size, std::size_t count, bool equal) {
  std::vector<std::size_t> made;
  for (std::size_t rank = 0; rank < static_cast<std::size_t>(size); ++rank) {
    made.push_back(equal ? count : (rank % 3 == 1 ? 0 : count + rank));
  }
  return made;
}

/// Calls `check(algorithm, each, equal)` for all algorithms and counts.
template <collective What, class Check>
void for_each_case(int size, const Check& check) {
  for_each_algorithm<What>(size, [&](const auto& algorithm) {
    for (const std::size_t count : {0u, 1u, 13u, 1021u, 9001u}) {
      for (const bool equal : {true, false}) {
        if (equal || (count < 9001 && takes_unequal<What>(algorithm, size))) {
          INFO(algorithm.name << ", " << count << " elements, " << (equal ? "equal" : "uneven"));
          check(algorithm, counts_of(size, count, equal), equal);
        }
      }
    }
  });
}

}  // namespace

TEST_CASE("mpi: all_gather and gather concatenate in rank order") {
  on_both([](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    for_each_case<collective::all_gather>(
        comm.size(), [&](const auto& algorithm, const auto& each, bool equal) {
          const auto inputs = samples<int>(comm.size(), each);
          const auto expected = rondo::testing::concatenated(inputs);
          auto out = blank<int>(expected.size());
          equal ? rondo::all_gather(comm, inputs[rank], out, algorithm)
                : rondo::all_gather(comm, inputs[rank], out, algorithm, rondo::counts{each});
          CHECK(out == expected);
        });
    for_each_case<collective::gather>(
        comm.size(), [&](const auto& algorithm, const auto& each, bool equal) {
          const int root = static_cast<int>(each[0]) % comm.size();
          const auto inputs = samples<int>(comm.size(), each);
          const auto expected = rondo::testing::concatenated(inputs);
          auto out = blank<int>(expected.size());
          equal ? rondo::gather(comm, inputs[rank], out, rondo::root{root}, algorithm)
                : rondo::gather(comm, inputs[rank], out, rondo::root{root}, algorithm,
                                rondo::counts{each});
          CHECK(out == (comm.rank() == root ? expected : blank<int>(expected.size())));
        });
  });
}

TEST_CASE("mpi: scatter gives each rank its part, broadcast gives all everything") {
  on_both([](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    for_each_case<collective::scatter>(comm.size(), [&](const auto& algorithm, const auto& each,
                                                        bool equal) {
      const int root = static_cast<int>(each[0]) % comm.size();
      const auto parts = samples<int>(comm.size(), each);
      const auto whole = rondo::testing::concatenated(parts);
      auto out = blank<int>(each[rank]);
      equal ? rondo::scatter(comm, whole, out, rondo::root{root}, algorithm)
            : rondo::scatter(comm, whole, out, rondo::root{root}, algorithm, rondo::counts{each});
      CHECK(out == parts[rank]);
    });
    for_each_algorithm<collective::broadcast>(comm.size(), [&](const auto& algorithm) {
      for (const std::size_t count : {0u, 1u, 13u, 1021u, 100003u}) {
        const int root = static_cast<int>(count) % comm.size();
        const auto expected = samples<int>(comm.size(), count)[static_cast<std::size_t>(root)];
        auto values = comm.rank() == root ? expected : blank<int>(count);
        rondo::broadcast(comm, values, rondo::root{root}, algorithm);
        INFO(algorithm.name << ", " << count << " elements");
        CHECK(values == expected);
      }
    });
  });
}

TEST_CASE("mpi: all_to_all transposes, with equal and with uneven counts") {
  on_both([](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    const auto n = static_cast<std::size_t>(comm.size());
    for_each_case<collective::all_to_all>(
        comm.size(), [&](const auto& algorithm, const auto& each, bool equal) {
          rondo::testing::per_rank<std::size_t> sent(n, each);
          for (std::size_t s = 0; s < n && !equal; ++s) {
            std::rotate(sent[s].begin(), sent[s].begin() + static_cast<std::ptrdiff_t>(s),
                        sent[s].end());
          }
          std::vector<std::size_t> totals;
          std::vector<std::size_t> received;
          for (const auto& row : sent) {
            std::size_t total = 0;
            for (const auto count : row) {
              total += count;
            }
            totals.push_back(total);
            received.push_back(row[rank]);
          }
          const auto inputs = samples<int>(comm.size(), totals);
          const auto expected = rondo::testing::transposed(inputs, sent)[rank];
          auto out = blank<int>(expected.size());
          equal ? rondo::all_to_all(comm, inputs[rank], out, algorithm)
                : rondo::all_to_all(comm, inputs[rank], out, algorithm,
                                    rondo::counts{sent[rank], received});
          CHECK(out == expected);
        });
  });
}

TEST_CASE("mpi: calls so large that outputs go around the cache move every element") {
  auto comm = in_shared_memory();
  const auto n = static_cast<std::size_t>(comm.size());
  const auto self = static_cast<std::size_t>(comm.rank());
  // What all ranks touch is above the limit; outputs begin within a line, and an element is left.
  const std::size_t least = (std::size_t{48} << 20) / sizeof(int) + 64 * n * n;
  const auto value = [](std::size_t rank, std::size_t i) {
    return static_cast<int>(1'000'003 * rank + i);
  };
  const auto numbered = [&](std::size_t rank, std::size_t count) {
    std::vector<int> made(count);
    for (std::size_t i = 0; i < count; ++i) {
      made[i] = value(rank, i);
    }
    return made;
  };
  const auto check = [](const char* what, const std::vector<int>& got, const auto& expected) {
    std::size_t wrong = got.front() != -1 || got.back() != -1;
    for (std::size_t i = 0; i + 2 < got.size(); ++i) {
      wrong += got[i + 1] != expected(i);
    }
    INFO(what);
    CHECK(wrong == 0);
  };
  const auto inner = [](std::vector<int>& all) {
    return std::span<int>{all}.subspan(1, all.size() - 2);
  };

  const std::size_t part = least / (n * (n + 1)) + 3;
  std::vector<int> out(n * part + 2, -1);
  rondo::all_gather(comm, numbered(self, part), inner(out));
  check("all_gather", out, [&](std::size_t i) { return value(i / part, i % part); });

  const std::size_t each = least / (2 * n * n) + 3;
  out.assign(n * each + 2, -1);
  rondo::all_to_all(comm, numbered(self, n * each), inner(out));
  check("all_to_all", out, [&](std::size_t i) { return value(i / each, self * each + i % each); });

  const std::size_t count = least / n + 3;
  out.assign(count + 2, -1);
  if (self == n - 1) {
    const auto whole = numbered(self, count);
    std::copy(whole.begin(), whole.end(), inner(out).begin());
  }
  rondo::broadcast(comm, inner(out), rondo::root{comm.size() - 1});
  check("broadcast", out, [&](std::size_t i) { return value(n - 1, i); });
}

TEST_CASE("mpi: nobody leaves a barrier before all have come") {
  on_both([](auto& comm) {
    for_each_algorithm<collective::barrier>(comm.size(), [&](const auto& algorithm) {
      for (int late = 0; late < comm.size(); ++late) {
        // The monotonic clock is that of the machine, for all its processes.
        const auto now = [] { return std::chrono::steady_clock::now().time_since_epoch().count(); };
        constexpr std::int64_t pause = 2'000'000;
        std::int64_t came = now();
        while (comm.rank() == late && now() - came < pause) {
        }
        came = now();
        rondo::barrier(comm, algorithm);
        const auto left = now();
        MPI_Bcast(&came, 1, MPI_INT64_T, late, MPI_COMM_WORLD);
        INFO(algorithm.name);
        CHECK(left >= came);
      }
    });
  });
}

TEST_CASE("mpi: halves made by split work apart, and their parent goes on") {
  on_both([](auto& comm) {
    auto team = comm.split(comm.rank() % 2, -comm.rank());
    CHECK(team.size() == (comm.size() + 1 - comm.rank() % 2) / 2);
    CHECK(team.rank() == team.size() - 1 - comm.rank() / 2);
    std::vector<int> values{comm.rank()};
    rondo::all_reduce(team, values, rondo::op::max{});
    CHECK(values[0] % 2 == comm.rank() % 2);
    rondo::all_reduce(comm, values);
    const int n = comm.size();
    const int even = (n - 1) / 2 * 2;
    const int odd = n / 2 * 2 - 1;
    CHECK(values[0] == (n + 1) / 2 * even + n / 2 * odd);
  });
}

TEST_CASE("mpi: hierarchical takes its groups from the nodes, here as if two neighbours had one") {
  rondo::mpi::communicator comm{MPI_COMM_WORLD, {.ranks_per_node = 2}};
  const bool regular = comm.size() % 2 == 0;
  CHECK(comm.node_size() == (regular ? 2 : 1));
  CHECK(comm.shares_memory() == (comm.size() == 2));
  const rondo::hierarchical by_node{rondo::ring{}, rondo::recursive_doubling{}};
  for (const std::size_t count : some_counts(comm.size())) {
    std::vector<std::int64_t> values(count);
    for (std::size_t i = 0; i < count; ++i) {
      values[i] = static_cast<std::int64_t>(i) * (comm.rank() + 1);
    }
    rondo::all_reduce(comm, values, by_node);
    bool right = true;
    for (std::size_t i = 0; i < count; ++i) {
      const auto ranks_together = comm.size() * (comm.size() + 1) / 2;
      right = right && values[i] == static_cast<std::int64_t>(i) * ranks_together;
    }
    CHECK(right);
  }
  std::vector<int> told(100, comm.rank());
  rondo::broadcast(comm, told, rondo::root{1}, rondo::hierarchical{rondo::tree{}, rondo::tree{}});
  CHECK(told == std::vector<int>(100, 1));
  rondo::all_reduce(comm, told);  // automatic, across nodes
  CHECK(told == std::vector<int>(100, comm.size()));
}
