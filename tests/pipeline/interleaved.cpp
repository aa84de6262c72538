// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// The zero-bubble paper's column of interleaved 1F1B, and why a correct simulator is above it.

#include "catch.hpp"
#include "pipeline/published.hpp"

#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/simulate.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace pipeline = rondo::pipeline;
using pipeline::ticks;

namespace {

enum class wrap { always, first_of_a_group };

/// Sweeps the ranks until nothing moves. With `first_of_a_group` it makes the mistake of the
/// paper's script: only every p-th micro-batch waits where its way leads from the last rank back to
/// the first, or the other way around.
ticks swept(const pipeline::plan& plan, const pipeline::costs& of, wrap waits) {
  const int p = plan.ranks();
  const int m = plan.shape.micro_batches;
  const int stages = plan.placement.stages();
  std::vector<ticks> ends(static_cast<std::size_t>(2 * stages * m), -1);
  const auto end_of = [&](bool forward, int stage, int micro_batch) -> ticks& {
    return ends[static_cast<std::size_t>((stage * m + micro_batch) * 2 + (forward ? 0 : 1))];
  };
  std::vector<std::size_t> next(plan.rows.size(), 0);
  std::vector<ticks> now(plan.rows.size(), 0);
  for (bool moved = true; moved;) {
    moved = false;
    for (std::size_t rank = 0; rank < plan.rows.size(); ++rank) {
      for (; next[rank] < plan.rows[rank].size(); ++next[rank], moved = true) {
        const auto& what = plan.rows[rank][next[rank]];
        const bool forward = what.kind == pipeline::kind::forward;
        const int before = forward ? what.stage - 1 : what.stage + 1;
        const bool turns = (forward ? what.stage : before) % p == 0;
        ticks start = now[rank];
        if (before >= 0 && before < stages &&
            (!turns || waits == wrap::always || what.micro_batch % p == 0)) {
          const ticks input = end_of(forward, before, what.micro_batch);
          if (input < 0) {
            break;
          }
          start = std::max(start, input + of.hop);
        }
        now[rank] = start + (forward ? of.forward : of.backward_input + of.backward_weight);
        end_of(forward, what.stage, what.micro_batch) = now[rank];
      }
    }
  }
  return *std::max_element(now.begin(), now.end());
}

/// In units of 1/10000, as printed.
long rate(ticks makespan, ticks work) {
  return std::lround(10000 * (1 - static_cast<double>(work) / static_cast<double>(makespan)));
}

/// Rates of one row of a table: as printed, and as it should be.
std::pair<long, long> rates(const pipeline::shape& asked, pipeline::costs of, int chunks) {
  const auto plan = pipeline::interleaved_one_f_one_b{chunks}(asked);
  const ticks work =
      (of.forward + of.backward_input + of.backward_weight) * asked.micro_batches * chunks;
  const ticks right = swept(plan, of, wrap::always);
  CHECK(right == pipeline::simulate(plan, of).makespan);
  return {rate(swept(plan, of, wrap::first_of_a_group), work), rate(right, work)};
}

}  // namespace

TEST_CASE("interleaved 1F1B of the zero-bubble tables: the printed rates are those of a mistake") {
  const auto rounded = [](double each) { return std::lround(10000 * each); };
  for (std::size_t i = 0; i < std::size(published::zero_bubble_exact); ++i) {
    const auto& row = published::zero_bubble_table[i];
    const auto& exact = published::zero_bubble_exact[i];
    pipeline::costs parts = row.costs;  // of a tick, of which a chunk's costs are whole numbers
    parts.hop *= exact.chunks;
    INFO("row " << i);
    const auto [mistaken, right] = rates({row.stages, row.micro_batches}, parts, exact.chunks);
    CHECK(mistaken == rounded(exact.interleaved_printed));
    CHECK(right == rounded(exact.interleaved));
  }
  for (const auto& row : published::zero_bubble_v_table) {
    INFO(row.stages << " x " << row.micro_batches);
    const auto [mistaken, right] = rates({row.stages, row.micro_batches}, row.chunk, 2);
    CHECK(mistaken == rounded(row.interleaved_printed));
    CHECK(right == rounded(row.interleaved));
  }
}
