// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The networks of examples/tensor by every layout of theirs: another rule is another run, of the
// collectives that the rules planned, and the bits are those of one rank.
#include "../../examples/tensor/train.hpp"
#include "catch.hpp"

#include <rondo/core/error.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

namespace example = tensor_example;

namespace {

const std::string text = [] {
  std::string made;
  for (int i = 0; i < 400; ++i) {
    made += "abcdefghij klmnop qrst"[i * i % 22];
    made += static_cast<char>('a' + i % 26);
  }
  return made;
}();
const rondo::mesh_shape mesh{{"data", 2}, {"tensor", 2}};

/// Elements by axis, collective and bytes of an element: of each collective, or, where the layers
/// fuse what the description has apart, of all together.
using moved = std::multiset<std::tuple<std::string, std::string, std::size_t, std::size_t>>;

moved together(const moved& each) {
  std::map<std::tuple<std::string, std::string, std::size_t>, std::size_t> sums;
  for (const auto& [axis, what, bytes, elements] : each) {
    sums[{axis, what, bytes}] += elements;
  }
  moved all;
  for (const auto& [of, elements] : sums) {
    all.insert({std::get<0>(of), std::get<1>(of), std::get<2>(of), elements});
  }
  return all;
}

moved planned(const rondo::layer_plan& plan) {
  moved all;
  for (const auto& one : plan.collectives()) {
    all.insert({one.axis, std::string{rondo::schedule::name_of(one.what)}, one.element_bytes,
                one.elements});
  }
  return all;
}

/// What one step of a network moves by rules, and its outcome.
struct ran {
  moved collectives;
  example::outcome outcome;
};

template <template <class> class Network>
std::optional<ran> run(const rondo::layout& rules) {
  std::optional<ran> first;
  rondo::threads::run(mesh.size(), [&](auto& comm) {
    using recording = rondo::testing::recording<std::remove_reference_t<decltype(comm)>>;
    recording world{comm};
    rondo::mesh<recording> grid{world, mesh};
    recording alone = world.split(comm.rank());
    std::optional<example::splits<recording>> on;
    try {
      on.emplace(example::by_rules(grid, alone, rules, Network<recording>::described()));
    } catch (const rondo::error&) {
      return;
    }
    ran mine;
    mine.outcome = example::train<Network>(*on, text, 1);
    for (const char* axis : {"data", "tensor"}) {
      for (const auto& one : grid[axis].made()) {
        if (one.element_bytes != sizeof(std::uint64_t) || one.elements != 1) {  // not the hash
          mine.collectives.insert(
              {axis, std::string{one.collective}, one.element_bytes, one.elements});
        }
      }
    }
    if (comm.rank() == 0) {
      first = std::move(mine);
    }
  });
  return first;
}

template <template <class> class Network>
example::outcome alone() {
  example::outcome one;
  rondo::threads::run(
      1, [&](auto& comm) { one = example::train<Network>(comm, 1, std::nullopt, text, 1); });
  return one;
}

/// Every way to cut these dimensions along an axis of the mesh or along none.
std::vector<rondo::layout> layouts(const std::vector<std::string>& dimensions) {
  std::vector<rondo::layout> all{rondo::layout{}};
  for (const std::string& name : dimensions) {
    for (std::size_t i = all.size(); i-- > 0;) {
      for (const char* axis : {"data", "tensor"}) {
        auto rules = all[i].rules();
        rules.push_back({name, axis});
        all.emplace_back(std::move(rules));
      }
    }
  }
  return all;
}

}  // namespace

TEST_CASE("rules: a network of three layers runs what any layout plans, and its bits stay") {
  const auto one = alone<example::three_layers>();
  const auto net = example::three_layers<rondo::threads::communicator>::described();
  std::set<moved> different;
  int legal = 0;
  for (const rondo::layout& rules : layouts({"batch", "d_ff", "vocab"})) {
    INFO('"' << rules.describe() << '"');
    const auto got = run<example::three_layers>(rules);
    std::optional<rondo::layout_plan> plan;
    try {
      plan = rondo::plan_layout(net, rules, mesh);
    } catch (const rondo::error&) {
    }
    REQUIRE(got.has_value() == plan.has_value());
    if (got) {
      CHECK(got->collectives == planned(plan->layers));
      CHECK(got->outcome == one);
      different.insert(got->collectives);
      ++legal;
    }
  }
  // The batch whole: 9 ways for the other two. Along one axis, neither may lie there: 4 each.
  CHECK(legal == 9 + 4 + 4);
  CHECK(different.size() == 17);
}

TEST_CASE("rules: a GPT block runs what its layout plans, and its bits stay") {
  const auto one = alone<example::gpt>();
  const auto net = example::gpt<rondo::threads::communicator>::described();
  std::set<moved> different;
  for (const char* text_of_rules :
       {"", "batch:data, d_ff:tensor, heads:tensor, vocab:tensor", "batch:data, d_ff:tensor",
        "batch:data, heads:tensor", "batch:tensor, heads:data, vocab:data", "heads:data",
        "d_ff:data, heads:tensor, vocab:data"}) {
    INFO('"' << text_of_rules << '"');
    const rondo::layout rules{text_of_rules};
    const auto got = run<example::gpt>(rules);
    REQUIRE(got.has_value());
    // Sums of the smoothed loss, which the description leaves out, are the only doubles.
    const auto floats = [](moved all) {
      std::erase_if(all, [](const auto& each) { return std::get<2>(each) == sizeof(double); });
      return together(all);
    };
    CHECK(floats(got->collectives) == floats(planned(rondo::plan_layout(net, rules, mesh).layers)));
    CHECK(got->outcome == one);
    different.insert(got->collectives);
  }
  CHECK(different.size() == 7);
  CHECK_FALSE(run<example::gpt>(rondo::layout{"batch:data, heads:data"}).has_value());
}
