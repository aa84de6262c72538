// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "data/clients.hpp"
#include "mpi/ranks.hpp"

#include <rondo/data.hpp>

#include <span>
#include <vector>

TEST_CASE("data: averages and sharded steps over MPI are those of plain loops") {
  ranks::on_both([](auto& comm) {
    const auto given = clients::of(comm.size(), 999);
    const auto& own = given[static_cast<std::size_t>(comm.rank())];

    auto plain = own;
    rondo::data::federated_average(comm, plain, clients::samples(comm.rank(), comm.size()));
    CHECK(plain == clients::averaged(given));

    auto hidden = own;
    rondo::data::secure_average(comm, hidden, 1, {.number = 3},
                                [&](int peer) { return clients::key_of_pair(comm.rank(), peer); });
    CHECK(hidden == clients::averaged_on_grid(given, std::vector<std::uint64_t>(given.size(), 1)));

    CHECK(rondo::data::per_token(comm, 5) == 1.0 / (5 * comm.size()));

    std::vector<float> parameters(11, 1), gradient(11, 2);
    rondo::data::sharded_optimizer shards{comm, 11};
    shards.step(parameters, gradient, [](std::span<float> values, std::span<const float> slopes) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] -= slopes[i];
      }
    });
    CHECK(parameters == std::vector<float>(11, -1));
  });
}
