// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/reshard/reshard.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include "shardings.hpp"

#include <array>
#include <cstdint>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

using rondo::mesh_shape;
using rondo::reshard_plan;
using rondo::tensor_sharding;
using rondo::testing::expect;
using namespace sample;

/// Bytes that ranks need and do not hold, counted element by element.
std::size_t missing_bytes(const tensor_sharding& before, const tensor_sharding& after) {
  std::size_t bytes = 0;
  for (int rank = 0; rank < after.ranks(); ++rank) {
    const auto needed = held_elements(after, rank);
    const auto there = rank < before.ranks() ? held_elements(before, rank) : numbers{};
    const std::set<std::uint32_t> have{there.begin(), there.end()};
    for (const std::uint32_t element : needed) {
      bytes += have.count(element) == 0 ? before.element_bytes() : 0;
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("reshard: from any sharding to any other, bit for bit, and nothing needless moves") {
  const auto all = every_sharding();
  for (const auto& before : all) {
    const reshard_plan same{std::vector{before}, std::vector{before}};
    CHECK(same.moved_bytes() == 0);
    for (const auto& after : all) {
      const reshard_plan moves{std::vector{before}, std::vector{after}};
      if (moves.moved_bytes() != missing_bytes(before, after)) {
        FAIL(before.describe() << " -> " << after.describe());
      }
    }
  }
  rondo::threads::run(8, [&](auto& comm) {
    for (const auto& before : all) {
      for (const auto& after : all) {
        const reshard_plan moves{std::vector{before}, std::vector{after}};
        const std::vector<numbers> held{held_elements(before, comm.rank())};
        const auto expected = held_elements(after, comm.rank());
        std::vector<numbers> wanted{numbers(expected.size(), ~0u)};
        rondo::reshard(comm, moves, held, wanted);
        expect(wanted[0] == expected, "the elements of the new sharding");
      }
    }
  });
}

TEST_CASE("reshard: many tensors in small rounds") {
  const auto all = every_sharding();
  std::vector<tensor_sharding> before;
  std::vector<tensor_sharding> after;
  for (std::size_t i = 0; i < all.size(); ++i) {
    before.push_back(all[i]);
    after.push_back(all[(i * 7 + 3) % all.size()]);
  }
  const reshard_plan moves{before, after};
  rondo::threads::run(8, [&](auto& comm) {
    std::vector<numbers> held;
    std::vector<numbers> expected;
    std::vector<numbers> wanted;
    for (std::size_t t = 0; t < before.size(); ++t) {
      held.push_back(held_elements(before[t], comm.rank()));
      expected.push_back(held_elements(after[t], comm.rank()));
      wanted.emplace_back(expected.back().size());
    }
    for (const std::size_t bytes : {std::size_t{1}, std::size_t{100}, std::size_t{1} << 20}) {
      for (auto& one : wanted) {
        std::fill(one.begin(), one.end(), ~0u);
      }
      rondo::reshard(comm, moves, held, wanted, {.staging_bytes = bytes});
      expect(wanted == expected, "the elements of the new shardings");
    }
  });
}

TEST_CASE("reshard: of equal holders, the one that has sent least sends") {
  const mesh_shape four{{"data", 4}};
  const mesh_shape eight{{"data", 8}};
  std::vector<tensor_sharding> before;
  std::vector<tensor_sharding> after;
  for (int t = 0; t < 6; ++t) {  // four replicas become eight
    before.push_back(tensor_sharding{"w", 4, four, {{"n", cut::whole(10, 1), {}}}});
    after.push_back(tensor_sharding{"w", 4, eight, {{"n", cut::whole(10, 1), {}}}});
  }
  const reshard_plan moves{before, after};
  CHECK(moves.kept_bytes() == 6 * 4 * 40);
  CHECK(moves.moved_bytes() == 6 * 4 * 40);
  for (int rank = 0; rank < 4; ++rank) {
    CHECK(moves.sent_bytes(rank) == 6 * 40);
    CHECK(moves.received_bytes(rank + 4) == 6 * 40);
  }
}

TEST_CASE("reshard: a pipeline stage moves with its layers") {
  const mesh_shape mesh{{"pipeline", 3}, {"tensor", 2}};
  const auto layer = [&](int stage) {
    return tensor_sharding{
        "w", 4, mesh, {{"n", cut::even(7, 2), {"tensor"}}}, {{"pipeline", stage}}};
  };
  const reshard_plan moves{std::vector{layer(0), layer(1)}, std::vector{layer(2), layer(1)}};
  CHECK(moves.moved_bytes() == 28);
  CHECK(moves.kept_bytes() == 28);
  CHECK(moves.sent_bytes(0) == 16);
  CHECK(moves.sent_bytes(1) == 12);
  CHECK(moves.received_bytes(4) == 16);
  CHECK(moves.describe() == "2 tensors over 6 ranks: 4 blocks, 28 B moved, 28 B kept");
}

TEST_CASE("reshard: lists and buffers that do not fit are refused by name and number") {
  const mesh_shape mesh{{"tensor", 2}};
  const tensor_sharding w{"w", 4, mesh, {{"n", cut::even(7, 2), {"tensor"}}}};
  const tensor_sharding wide{"w", 4, mesh, {{"n", cut::even(8, 2), {"tensor"}}}};
  CHECK(contains(refusal([&] {
                   reshard_plan{std::vector{w}, std::vector{wide}};
                 }),
                 "tensor 0 is w [7 over tensor], 4 B each, on tensor 2 before and w [8 over"));
  CHECK(contains(refusal([&] {
                   reshard_plan{std::vector{w, w}, std::vector{w}};
                 }),
                 "from 2 tensors to 1"));
  const tensor_sharding other{"w", 4, mesh, {{"m", cut::even(7, 2), {"tensor"}}}};
  CHECK(contains(refusal([&] {
                   reshard_plan{std::vector{w}, std::vector{other}};
                 }),
                 "dimension 0 of \"w\" is \"n\" before and \"m\" after"));
  const reshard_plan moves{std::vector{w}, std::vector{w}};
  CHECK(contains(refusal([&] {
                   rondo::threads::run(1, [&](auto& comm) {
                     std::vector<numbers> none;
                     rondo::reshard(comm, moves, none, none);
                   });
                 }),
                 "the plan is for 2 ranks, but the communicator has 1"));
  CHECK(contains(refusal([&] {
                   rondo::threads::run(2, [&](auto& comm) {
                     std::vector<numbers> held{numbers(3)};
                     std::vector<numbers> wanted{numbers(3)};
                     rondo::reshard(comm, moves, held, wanted);
                   });
                 }),
                 "got 12 B on rank 0, which holds 16 B of w [7 over tensor]"));
  const reshard_plan two{std::vector{wide, tensor_sharding{"v", 4, mesh, {}}},
                         std::vector{wide, tensor_sharding{"v", 4, mesh, {}}}};
  const auto with = [&](auto held, auto wanted) {
    return refusal([&] {
      rondo::threads::run(2, [&](auto& comm) {
        numbers memory(10, static_cast<std::uint32_t>(comm.rank()));
        const std::span all{memory};
        const std::vector from{all.subspan(held[0], 4), all.subspan(held[1], 1)};
        const std::vector to{all.subspan(wanted[0], 4), all.subspan(wanted[1], 1)};
        rondo::reshard(comm, two, from, to);
      });
    });
  };
  using places = std::array<std::size_t, 2>;
  CHECK(with(places{0, 4}, places{5, 9}).empty());
  CHECK(with(places{0, 3}, places{5, 4}).empty());  // what is read only may be the same
  for (const auto& [held, wanted] : {std::pair{places{0, 4}, places{0, 4}},     // in place
                                     std::pair{places{0, 4}, places{3, 9}},     // the end of one
                                     std::pair{places{3, 9}, places{5, 2}},     // inside of another
                                     std::pair{places{0, 4}, places{5, 8}}}) {  // both written
    CHECK(contains(with(held, wanted), "overlap; what it holds before and after"));
  }
}

TEST_CASE("sharding: what cannot be is refused") {
  const mesh_shape mesh{{"data", 2}, {"tensor", 2}};
  const auto make = [&](std::vector<rondo::placed_dimension> dimensions,
                        std::vector<rondo::pinned_axis> pins = {}) {
    return refusal([&] { tensor_sharding{"w", 4, mesh, dimensions, pins}; });
  };
  const cut half = cut::even(6, 2);
  CHECK(contains(make({{"n", half, {"model"}}}), "along \"model\", an axis that the mesh data 2"));
  CHECK(contains(make({{"n", half, {"data"}}, {"m", half, {"data"}}}), "a second time"));
  CHECK(contains(make({{"n", half, {"data"}}}, {{"data", 0}}), "a second time by a pin"));
  CHECK(contains(make({{"n", half, {}}}), "cut for 2 ranks, but its axes have 1"));
  CHECK(contains(make({{"n", half, {"data", "tensor"}}}), "cut for 2 ranks, but its axes have 4"));
  CHECK(contains(make({}, {{"data", 2}}), "pinned at data 2 of 2"));
  CHECK(contains(make({{"n", cut::whole(1u << 31, 1), {}}, {"m", cut::whole(1u << 31, 1), {}}}),
                 "more bytes than there are addresses"));
  const tensor_sharding whole{"w", 4, mesh, {}};
  CHECK(contains(refusal([&] { static_cast<void>(whole.held_by(4)); }), "rank 4, of a mesh of 4"));
  CHECK(contains(refusal([&] { static_cast<void>(whole.elements(-1)); }), "rank -1, of a mesh"));
}
