// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "mpi/ranks.hpp"

#include <rondo/elastic.hpp>

#include <vector>

TEST_CASE("cursor: an epoch over MPI takes every sample once, with and without a vote against") {
  ranks::on_both([](auto& comm) {
    const rondo::elastic::sampler from{41, 6};
    rondo::elastic::cursor at{.seed = 5};
    std::vector<int> seen(41);
    for (int step = 0; at.epoch == 0; ++step) {
      std::vector<int> gradient(41);
      for (const auto sample : from.stripe(at, comm.rank(), comm.size())) {
        ++gradient[sample];
      }
      rondo::all_reduce(comm, gradient);
      const bool ready = step % 2 == 0 || comm.rank() > 0;
      const bool moved = rondo::elastic::commit(comm, at, from.after(at), ready);
      CHECK(moved == (step % 2 == 0));
      for (std::size_t i = 0; moved && i < seen.size(); ++i) {
        seen[i] += gradient[i];
      }
    }
    CHECK(seen == std::vector<int>(41, 1));
    rondo::elastic::cursor own{5, 0, comm.rank() == 1 ? 12U : 6U};
    CHECK(rondo::elastic::furthest(comm, own) == 1);
    CHECK(own == rondo::elastic::cursor{5, 0, 12});
  });
}
