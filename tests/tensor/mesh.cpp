// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/transport/threads/run.hpp>

#include <vector>

namespace {

using refusals::contains;
using refusals::refusal;
using groups = std::vector<std::vector<int>>;
using ranks = std::vector<int>;

}  // namespace

TEST_CASE("mesh: the rightmost axis is the fastest") {
  const rondo::mesh_shape shape{{"data", 2}, {"pipeline", 3}, {"tensor", 4}};
  CHECK(shape.size() == 24);
  for (int rank = 0; rank < 24; ++rank) {
    const auto at = shape.coordinates(rank);
    CHECK(at == ranks{rank / 12, rank / 4 % 3, rank % 4});
    CHECK(shape.rank_at(at) == rank);
    CHECK(shape.coordinate(rank, "pipeline") == at[1]);
  }
}

TEST_CASE("mesh: groups are those of Megatron's rank generator") {
  // Megatron-LM core/parallel_state.py writes the fastest axis first: "tp-pp-dp" is our
  // {data, pipeline, tensor}.
  const rondo::mesh_shape eight{{"dp", 2}, {"pp", 2}, {"tp", 2}};
  CHECK(eight.groups({"dp"}) == groups{{0, 4}, {1, 5}, {2, 6}, {3, 7}});
  CHECK(eight.groups({"tp"}) == groups{{0, 1}, {2, 3}, {4, 5}, {6, 7}});
  const rondo::mesh_shape wide{{"pp", 4}, {"dp", 3}, {"tp", 2}};
  CHECK(wide.groups({"dp"}) == groups{{0, 2, 4},
                                      {1, 3, 5},
                                      {6, 8, 10},
                                      {7, 9, 11},
                                      {12, 14, 16},
                                      {13, 15, 17},
                                      {18, 20, 22},
                                      {19, 21, 23}});
  for (int rank = 0; rank < 24; ++rank) {  // rank = tp + dp t + pp t d
    CHECK(rank == wide.coordinate(rank, "tp") + wide.coordinate(rank, "dp") * 2 +
                      wide.coordinate(rank, "pp") * 2 * 3);
  }
  const rondo::mesh_shape four{{"pp", 2}, {"dp", 2}, {"cp", 2}, {"tp", 2}};
  CHECK(four.group(0, {"tp"}) == ranks{0, 1});
  CHECK(four.group(0, {"cp"}) == ranks{0, 2});
  CHECK(four.group(0, {"dp"}) == ranks{0, 4});
  CHECK(four.group(0, {"pp"}) == ranks{0, 8});
  CHECK(four.group(0, {"dp", "cp"}) == ranks{0, 2, 4, 6});
  CHECK(four.group(15, {"cp", "dp"}) == ranks{9, 11, 13, 15});
}

TEST_CASE("mesh: every set of axes parts the ranks into groups") {
  const rondo::mesh_shape shape{{"a", 3}, {"b", 1}, {"c", 5}};
  for (const auto& names :
       {std::vector<std::string>{}, {"a"}, {"b"}, {"a", "c"}, {"a", "b", "c"}}) {
    std::vector<int> seen(15, 0);
    for (const auto& group : shape.groups(names)) {
      for (const int rank : group) {
        ++seen[static_cast<std::size_t>(rank)];
      }
    }
    CHECK(seen == std::vector<int>(15, 1));
  }
}

TEST_CASE("mesh: bad axes are refused by name and number") {
  using rondo::mesh_shape;
  CHECK(contains(refusal([] { mesh_shape{{"a", 0}}; }), "\"a\" of size 0"));
  CHECK(contains(refusal([] { mesh_shape{{"a", 2}, {"a", 2}}; }), "two axes are named \"a\""));
  CHECK(contains(refusal([] { mesh_shape{std::vector<rondo::axis>{}}; }), "no axes"));
  CHECK(contains(refusal([] {
                   mesh_shape{{"a", 65536}, {"b", 65536}, {"c", 0}};
                 }),
                 "a 65536 x b 65536 x c 0 has more than 2^31 - 1 ranks"));
  CHECK(contains(refusal([] { mesh_shape{{"a", 1431655766}, {"b", 3}}; }), "more than 2^31 - 1"));
  CHECK(mesh_shape{{"a", 1 << 16}, {"b", 1 << 14}}.size() == 1 << 30);
  std::vector<rondo::axis> many;
  for (int a = 0; a < 31; ++a) {
    many.push_back({"a" + std::to_string(a), 1});
  }
  CHECK(mesh_shape{many}.mask(std::vector<std::string>{"a30"}) == 1u << 30);
  many.push_back({"a31", 2});
  CHECK(contains(refusal([&] { mesh_shape{many}; }), "32 axes; at most 31"));
  const mesh_shape shape{{"data", 2}, {"tensor", 2}};
  CHECK(contains(refusal([&] { static_cast<void>(shape.size("model")); }),
                 "no axis \"model\" in data 2 x tensor 2"));
  CHECK(contains(refusal([&] { static_cast<void>(shape.groups({"data", "data"})); }), "twice"));
  CHECK(contains(refusal([&] { static_cast<void>(shape.rank_at({0, 2})); }), "coordinate 2"));
  const auto wrong = refusal([] {
    rondo::threads::run(3, [](auto& comm) {
      rondo::mesh grid{comm, {{"data", 2}, {"tensor", 2}}};
    });
  });
  CHECK(contains(wrong, "data 2 x tensor 2 = 4 ranks, but the communicator has 3"));
}

TEST_CASE("mesh: axes and products of axes are communicators") {
  std::vector<std::vector<int>> sums(12);
  rondo::threads::run(12, [&](auto& comm) {
    rondo::mesh grid{comm, {{"data", 2}, {"context", 3}, {"tensor", 2}}};
    std::vector<int> got;
    for (const char* name : {"data", "context", "tensor"}) {
      std::vector<int> value{comm.rank()};
      rondo::all_reduce(grid[name], value);
      got.push_back(value[0]);
      got.push_back(grid[name].rank() == grid.coordinate(name) ? 0 : -1);
    }
    std::vector<int> value{comm.rank()};
    rondo::all_reduce(grid[{"data", "tensor"}], value);
    got.push_back(value[0]);
    sums[static_cast<std::size_t>(comm.rank())] = got;
  });
  const rondo::mesh_shape shape{{"data", 2}, {"context", 3}, {"tensor", 2}};
  const auto sum = [&](int rank, const std::vector<std::string>& names) {
    int total = 0;
    for (const int other : shape.group(rank, names)) {
      total += other;
    }
    return total;
  };
  for (int rank = 0; rank < 12; ++rank) {
    CHECK(sums[static_cast<std::size_t>(rank)] ==
          ranks{sum(rank, {"data"}), 0, sum(rank, {"context"}), 0, sum(rank, {"tensor"}), 0,
                sum(rank, {"data", "tensor"})});
  }
}
