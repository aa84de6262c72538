// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "collective/own_reduction.hpp"
#include "ranks.hpp"

#include <string_view>

using namespace sweep;
using namespace ranks;

namespace {

/// Rank 0's bits, on every rank.
template <class T>
bool same_everywhere(std::span<const T> values) {
  std::vector<T> first(values.begin(), values.end());
  MPI_Bcast(first.data(), static_cast<int>(values.size_bytes()), MPI_BYTE, 0, MPI_COMM_WORLD);
  return same_bits<T>(values, first);
}

/// f, then g, of x -> a x + b modulo 2^32: associative, and does not commute. It has a name, which
/// says nothing about that.
struct affine {
  unsigned a = 1;
  unsigned b = 0;
  friend bool operator==(const affine&, const affine&) = default;
};
struct then {
  static constexpr std::string_view name = "then";
  affine operator()(affine f, affine g) const { return {f.a * g.a, f.b * g.a + g.b}; }
};

/// `each(size, check)` calls `check(algorithm)` for the algorithms that are looked at.
template <class T, class Operation, class Each>
void check_all_reduce(const Operation& operation, const std::vector<std::size_t>& counts,
                      const Each& each) {
  on_both([&](auto& comm) {
    const int size = comm.size();
    const auto inputs = samples<T>(size, *std::max_element(counts.begin(), counts.end()));
    const auto& mine = inputs[static_cast<std::size_t>(comm.rank())];
    const auto expected = rondo::testing::folded(inputs, operation);
    each(size, [&](const auto& algorithm) {
      for (auto count : counts) {
        count -= takes_unequal<collective::all_reduce>(algorithm, size)
                     ? 0
                     : count % static_cast<std::size_t>(size);
        std::vector<T> in(mine.begin(), mine.begin() + static_cast<std::ptrdiff_t>(count));
        auto out = blank<T>(count);
        rondo::all_reduce(comm, in, out, operation, algorithm);
        rondo::all_reduce(comm, in, operation, algorithm);
        INFO(algorithm.name << ", " << size << " ranks, " << count << " elements, shared memory "
                            << comm.shares_memory());
        CHECK(first_wrong<T>(out, std::span{expected}.first(count), size) == -1);
        CHECK(same_bits<T>(out, in));
        CHECK(same_everywhere<T>(out));
      }
    });
  });
}

}  // namespace

TEST_CASE("mpi: every algorithm sums floats, in and out of place, with the same bits everywhere") {
  check_all_reduce<float>(
      rondo::op::sum{}, some_counts(world_size()),
      [](int size, const auto& check) { for_each_algorithm<collective::all_reduce>(size, check); });
}

TEST_CASE("mpi: a user's type is folded with a user's operation") {
  check_all_reduce<box>([](const box& a, const box& b) { return unite(a, b); }, {1, 509},
                        [](int, const auto& check) {
                          check(rondo::native{});
                          check(rondo::automatic{});
                          check(rondo::tree{});
                        });
}

TEST_CASE("mpi: an operation that has a name but does not commute is folded in rank order") {
  on_both([](auto& comm) {
    for (const std::size_t count : {1U, 509U, 40000U}) {  // MPI chooses by size
      std::vector<std::vector<affine>> inputs(static_cast<std::size_t>(comm.size()));
      unsigned seed = 1;
      for (auto& input : inputs) {
        for (std::size_t i = 0; i < count; ++i, seed = seed * 1664525U + 1013904223U) {
          input.push_back({2 * seed + 1, seed >> 5});
        }
      }
      const auto expected = rondo::testing::folded(inputs, then{});
      const auto check = [&](const auto& algorithm) {
        auto values = inputs[static_cast<std::size_t>(comm.rank())];
        rondo::all_reduce(comm, values, then{}, algorithm);
        INFO(algorithm.name << ", " << count << " elements");
        CHECK((values == expected));
      };
      check(rondo::native{});
      check(rondo::automatic{});
      check(rondo::one_shot{});
    }
  });
}

TEST_CASE("mpi: many megabytes go through the window in blocks") {
  auto comm = in_shared_memory();
  const std::size_t count = 3 * 1024 * 1024 + 17;
  std::vector<int> values(count, comm.rank());
  for (std::size_t i = 0; i < count; ++i) {
    values[i] += static_cast<int>(i);
  }
  rondo::all_reduce(comm, values);
  std::size_t wrong = 0;
  const int n = comm.size();
  for (std::size_t i = 0; i < count; ++i) {
    wrong += values[i] != n * static_cast<int>(i) + n * (n - 1) / 2 ? 1 : 0;
  }
  CHECK(wrong == 0);
}

TEST_CASE("mpi: reduce gives the root the fold and leaves the others' output alone") {
  on_both([](auto& comm) {
    const int size = comm.size();
    for_each_algorithm<collective::reduce>(size, [&](const auto& algorithm) {
      for (const std::size_t count : {0u, 1u, 509u, 20011u}) {
        const int root = static_cast<int>(count) % size;
        auto in = samples<float>(size, count)[static_cast<std::size_t>(comm.rank())];
        auto out = blank<float>(count);
        rondo::reduce(comm, in, out, rondo::root{root}, algorithm);
        INFO(algorithm.name << ", " << count << " elements, root " << root);
        CHECK((comm.rank() == root ? is_fold<float>(out, size, rondo::op::sum{})
                                   : same_bits<float>(out, blank<float>(count))));
      }
    });
  });
}

TEST_CASE("mpi: reduce_scatter gives each rank its part of the fold") {
  on_both([](auto& comm) {
    const int size = comm.size();
    const auto n = static_cast<std::size_t>(size);
    const auto rank = static_cast<std::size_t>(comm.rank());
    for_each_algorithm<collective::reduce_scatter>(size, [&](const auto& algorithm) {
      for (const std::size_t count : {0u, 1u, 127u, 9001u}) {
        auto in = samples<float>(size, n * count)[rank];
        auto out = blank<float>(count);
        rondo::reduce_scatter(comm, in, out, algorithm);
        INFO(algorithm.name << ", " << count << " elements each");
        CHECK(is_fold<float>(out, size, rondo::op::sum{}, rank * count));
      }
      if (takes_unequal<collective::reduce_scatter>(algorithm, size)) {
        std::vector<std::size_t> each(n);
        for (std::size_t r = 0; r < n; ++r) {
          each[r] = r * 37 % 50;
        }
        std::size_t first = 0;
        for (std::size_t r = 0; r < rank; ++r) {
          first += each[r];
        }
        std::size_t whole = 0;
        for (const auto count : each) {
          whole += count;
        }
        auto in = samples<float>(size, whole)[rank];
        auto out = blank<float>(each[rank]);
        rondo::reduce_scatter(comm, in, out, algorithm, rondo::counts{each});
        INFO(algorithm.name << ", uneven");
        CHECK(is_fold<float>(out, size, rondo::op::sum{}, first));
      }
    });
  });
}

TEST_CASE("mpi: native and direct forms know every type and operation") {
  const auto check = [](auto& comm, auto zero, const auto& operation) {
    using T = decltype(zero);
    for (int form = 0; form < 2; ++form) {
      auto values = samples<T>(comm.size(), 77)[static_cast<std::size_t>(comm.rank())];
      form == 0 ? rondo::all_reduce(comm, values, operation, rondo::native{})
                : rondo::all_reduce(comm, values, operation);
      CHECK(is_fold<T>(values, comm.size(), operation));
    }
  };
  auto comm = in_shared_memory();
  check(comm, std::int8_t{}, rondo::op::sum{});
  check(comm, std::uint16_t{}, rondo::op::max{});
  check(comm, std::int64_t{}, rondo::op::min{});
  check(comm, float{}, rondo::op::max{});
  check(comm, double{}, rondo::op::average{});
  check(comm, double{}, rondo::op::product{});
  check(comm, rondo::bfloat16{}, rondo::op::sum{});
}

#if defined(__SIZEOF_INT128__)
TEST_CASE("mpi: native folds numbers that compilers have and MPI does not") {
  __extension__ typedef __int128 wide;
  auto comm = in_shared_memory();
  const wide term = wide{1} << 90;
  std::vector<wide> values(1000, term * (comm.rank() + 1) + 1);
  rondo::all_reduce(comm, values, rondo::native{});
  const wide sum = term * (comm.size() * (comm.size() + 1) / 2) + comm.size();
  CHECK((values == std::vector<wide>(1000, sum)));
}
#endif

TEST_CASE("mpi: a user's reduction lifts and lowers on every path, MPI's own among them") {
  on_both([](auto& comm) {
    const auto check = [&]<class Operation>(Operation, const auto& with) {
      own::check_all_reduce<Operation>(comm, with);
      own::check_reduce_scatter<Operation>(comm, with);
      own::check_reduce<Operation>(comm, with);
    };
    check(own::root_mean_square{}, rondo::native{});
    check(own::root_mean_square{}, rondo::automatic{});
    check(own::root_mean_square{}, rondo::ring{});
    check(own::halved{}, rondo::native{});
  });
}
