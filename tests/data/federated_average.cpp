// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "data/clients.hpp"
#include "harness/refusal.hpp"

#include <rondo/data/federated_average.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cstring>
#include <limits>
#include <string>
#include <vector>

using rondo::testing::expect;

namespace {

constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

/// What every one of three ranks is told when they bring these samples and a first parameter.
std::string refusal(std::vector<std::uint64_t> samples, std::vector<float> first) {
  std::vector<std::string> told(3);
  rondo::threads::run(3, [&](auto& comm) {
    const auto rank = static_cast<std::size_t>(comm.rank());
    std::vector<float> parameters{1, first[rank]};
    const auto before = parameters;
    told[rank] = refusals::argument_refusal(
        [&] { rondo::data::federated_average(comm, parameters, samples[rank]); });
    expect(std::memcmp(before.data(), parameters.data(), 8) == 0, "untouched");
    parameters = {1, 2};
    rondo::data::federated_average(comm, parameters, 1);  // the communicator lives on
    expect(parameters == std::vector<float>{1, 2}, "the average of equals");
  });
  CHECK(told[0] == told[1]);
  CHECK(told[0] == told[2]);
  return told[0];
}

}  // namespace

TEST_CASE("federated_average: the weighted mean in the order of clients, bit by bit") {
  for (const int ranks : {1, 2, 3, 8}) {
    for (const std::size_t count : {0, 1, 7, 5000}) {
      const auto given = clients::of(ranks, count);
      const auto expected = clients::averaged(given);
      rondo::threads::run(ranks, [&](auto& comm) {
        auto own = given[static_cast<std::size_t>(comm.rank())];
        rondo::data::federated_average(comm, own, clients::samples(comm.rank(), ranks));
        expect(own == expected, "the mean of a plain loop");
        rondo::testing::messages_only away{comm};
        own = given[static_cast<std::size_t>(comm.rank())];
        rondo::data::federated_average(away, own, clients::samples(comm.rank(), ranks));
        expect(own == expected, "the same by messages");
      });
    }
  }
}

TEST_CASE("federated_average: clients' own numbers give the order, by a split") {
  // 2^60 + 1 - 2^60 is 1 or 0 in double, by the order.
  rondo::threads::run(3, [](auto& comm) {
    const int client = (comm.rank() + 1) % 3;  // clients 1, 2, 0
    auto ordered = comm.split(0, client);
    const std::vector<double> of_client{0x1p60, -0x1p60, 1};
    std::vector own{of_client[static_cast<std::size_t>(client)]};
    rondo::data::federated_average(ordered, own, 1);
    expect(own[0] == 1.0 / 3, "client 0, then 1, then 2");
    own = {of_client[static_cast<std::size_t>(comm.rank() == 2 ? 1 : comm.rank() == 1 ? 2 : 0)]};
    rondo::data::federated_average(comm, own, 1);
    expect(own[0] == 0, "2^60, 1, -2^60");
  });
}

TEST_CASE("federated_average: a client without samples adds nothing, not even NaN") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector own{comm.rank() == 1 ? not_a_number : 4.0F + static_cast<float>(comm.rank())};
    rondo::data::federated_average(comm, own, comm.rank() == 1 ? 0 : 5);
    expect(own[0] == 5, "the mean of 4 and 6");
  });
}

TEST_CASE("federated_average: what has no average is refused, on every rank alike") {
  using Catch::Matchers::ContainsSubstring;
  // Flower gives NaN weights for no examples at all (flwrlabs/flower#7645, #7646).
  CHECK_THAT(refusal({0, 0, 0}, {1, 1, 1}), ContainsSubstring("weights of all 3 clients are 0"));
  CHECK_THAT(refusal({1, 2, 3}, {1, 1, not_a_number}),
             ContainsSubstring("client 2 brings a value that is not finite at position 1"));
  CHECK_THAT(refusal({1, 2, 3}, {1, std::numeric_limits<float>::infinity(), 1}),
             ContainsSubstring("client 1 brings a value that is not finite at position 1"));
  CHECK_THAT(refusal({most, 0, 1}, {1, 1, 1}), ContainsSubstring("does not fit 64 bits"));
}
