// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "hybrid.hpp"

#include "host_ranks.hpp"
#include "trainer.hpp"

#include "catch.hpp"

#include <cmath>
#include <cstddef>
#include <memory>
#include <vector>

// The training step of examples/cuda on threads, against the trainer of examples/tensor.
namespace {

using host_ranks::block;
using host_ranks::machine;
using hybrid::mesh_shape;
namespace device = rondo::device;

constexpr unsigned slot_count = 2;
constexpr unsigned threads = 2;

struct rank_of_threads {
  host_ranks::meeting* all;
  void sync() const { all->meet(true); }
};

/// So many meshes side by side, each with a window of its own.
struct groups {
  groups(int count, int size) {
    device::window_shape shape;
    shape.ranks = size;
    shape.slot_count = slot_count;
    shape.inbox_words = 64;  // packets go in rounds
    shape.stage_bytes = 4096;
    for (int i = 0; i < count; ++i) {
      each.push_back(std::make_unique<machine>(shape));
    }
  }
  [[nodiscard]] device::window window(int which, int rank, unsigned slot) const {
    auto parts = each[static_cast<std::size_t>(which)]->parts();
    parts.rank = rank;
    parts.slot = static_cast<int>(slot);
    parts.slot_count = slot_count;
    return device::window{parts};
  }
  std::vector<std::unique_ptr<machine>> each;
};

/// Every rank's losses.
std::vector<std::vector<float>> losses_on_threads(mesh_shape mesh, int steps) {
  std::vector<std::shared_ptr<void>> memory;
  const auto room = [&](std::size_t count, auto kind) {
    const std::shared_ptr<decltype(kind)[]> made{new decltype(kind)[count]()};
    memory.push_back(made);
    return made.get();
  };
  std::vector<hybrid::rank_part> parts;
  std::vector<std::unique_ptr<host_ranks::meeting>> meetings;
  for (const auto& from : hybrid::begin(mesh, RONDO_TEST_TEXT, steps)) {
    parts.push_back(hybrid::lay_out(from, steps, room));
    meetings.push_back(std::make_unique<host_ranks::meeting>());
    meetings.back()->size = slot_count * threads;
  }
  const groups tensor{mesh.data, mesh.tensor};
  const groups data{mesh.tensor, mesh.data};
  groups all{1, mesh.ranks()};
  all.each[0]->launch(slot_count, threads, [&](block group, const device::window& at) {
    const int d = at.rank() / mesh.tensor;
    const int t = at.rank() % mesh.tensor;
    const auto rank = static_cast<std::size_t>(at.rank());
    for (int step = 0; step < steps; ++step) {
      hybrid::training_step{group,
                            rank_of_threads{meetings[rank].get()},
                            tensor.window(d, t, at.slot()),
                            data.window(t, d, at.slot()),
                            parts[rank],
                            step}();
    }
  });
  for (const auto* some : {&tensor, &data}) {
    for (const auto& one : some->each) {
      one->check();
    }
  }
  std::vector<std::vector<float>> losses;
  for (const auto& part : parts) {
    losses.emplace_back(part.loss, part.loss + steps);
  }
  return losses;
}

}  // namespace

TEST_CASE("hybrid training step: the trainer's losses, on every mesh") {
  constexpr int steps = 12;
  const auto expected = hybrid::losses_of_trainer(RONDO_TEST_TEXT, steps);
  for (const mesh_shape mesh : {mesh_shape{1, 1}, {1, 2}, {2, 1}, {3, 2}, {2, 2}}) {
    const auto got = losses_on_threads(mesh, steps);
    for (std::size_t rank = 0; rank < got.size(); ++rank) {
      REQUIRE(got[rank] == got[0]);
    }
    for (std::size_t step = 0; step < steps; ++step) {
      INFO("data " << mesh.data << " x tensor " << mesh.tensor << ", step " << step << ": "
                   << got[0][step] << ", the trainer has " << expected[step]);
      CHECK(std::fabs(got[0][step] - expected[step]) < hybrid::tolerance);
    }
  }
}
