// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Built with _GLIBCXX_DEBUG, so without Catch2, whose library was not: every public header
// compiles, calls work, and schedules and pipelines are still proved at compile time.
#include <rondo/codec.hpp>
#include <rondo/data.hpp>
#include <rondo/elastic.hpp>
#include <rondo/pipeline.hpp>
#include <rondo/rondo.hpp>
#include <rondo/schedule.hpp>
#include <rondo/tensor.hpp>

#include <cstddef>
#include <cstdio>
#include <vector>

namespace {

namespace pipeline = rondo::pipeline;
namespace schedule = rondo::schedule;

static_assert(schedule::prove(schedule::all_reduce(rondo::ring{}, 4)).chunks_sent == 2 * 4 * 3);
static_assert(
    pipeline::simulate(pipeline::gpipe{}(pipeline::shape{4, 8}), pipeline::costs{}).makespan > 0);

bool calls_work() {
  bool right[3] = {};
  rondo::threads::run(3, [&](rondo::threads::communicator& comm) {
    std::vector<float> values(1000, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, values);
    rondo::all_reduce(comm, values, rondo::ring{}, rondo::async{}).wait();
    rondo::all_reduce(comm, values, rondo::two_shot{}, rondo::codec::int8<128>{});
    std::vector<float> all(3);
    const std::vector<std::size_t> counts{1, 1, 1};
    const std::vector<float> mine(1, values.back());
    rondo::all_gather(comm, mine, all, rondo::counts{counts});
    right[comm.rank()] = all == std::vector<float>(3, 27);
  });
  return right[0] && right[1] && right[2];
}

/// A program of the user's own, of and into checked vectors.
bool schedules_are_edited() {
  schedule::table table = schedule::tabulate(schedule::all_reduce(rondo::tree{}, 5));
  const std::vector<schedule::step> steps(table.rows[0].steps.begin(), table.rows[0].steps.end());
  table.rows[0].steps = steps;
  schedule::prove(table);
  const schedule::network network{.latency = 5e-6, .bytes_per_second = 25e9};
  return schedule::simulate(table, network, 1 << 20) > 0 &&
         schedule::simulate(schedule::tabulate(schedule::all_gather(rondo::ring{}, 6)), network,
                            1 << 20) > 0;
}

bool pipelines_are_proved() {
  const std::vector<int> rank_of_stage{0, 1, 1, 0};
  const pipeline::placement folded{rank_of_stage, 2};
  const pipeline::plan plan = pipeline::zero_bubble_v{}(pipeline::shape{4, 6});
  const pipeline::proved proved = pipeline::prove(plan, pipeline::channel::mailbox);
  return folded.rank_of(3) == 0 && proved.plan().rows.size() == 4;
}

}  // namespace

int main() {
  const bool good = calls_work() && schedules_are_edited() && pipelines_are_proved();
  std::puts(good ? "all results are right" : "wrong results");
  return good ? 0 : 1;
}
