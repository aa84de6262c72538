// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/layout/layout_search.hpp>

#include <cmath>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace {

using rondo::blueprint;
using rondo::find_layout;
using rondo::layout;
using rondo::layout_goal;
using rondo::layout_search_options;
using rondo::mesh_shape;
using rondo::planned_collective;
using rondo::read_mesh;
using what = rondo::schedule::collective;

std::pair<double, double> rated(const blueprint& net, const layout& rules, const mesh_shape& mesh,
                                const layout_search_options& options) {
  const auto made = rondo::plan_layout(net, rules, mesh);
  return {static_cast<double>(made.peak_bytes()), made.operations / options.operations_per_second +
                                                      rondo::seconds(made.layers, options.network)};
}

/// The least of all layouts, by trying each and letting `plan` refuse what is not legal.
double by_force(const blueprint& net, const mesh_shape& mesh,
                const layout_search_options& options) {
  const std::size_t choices = mesh.axes().size() + 1;
  std::size_t all = 1;
  for (std::size_t d = 0; d < net.dimensions().size(); ++d) {
    all *= choices;
  }
  double least = 1e300;
  for (std::size_t number = 0; number < all; ++number) {
    std::vector<layout::rule> rules;
    std::size_t rest = number;
    for (const auto& one : net.dimensions()) {
      if (rest % choices != 0) {
        rules.push_back({one.name, mesh.axes()[rest % choices - 1].name});
      }
      rest /= choices;
    }
    try {
      const auto [bytes, seconds] = rated(net, layout{rules}, mesh, options);
      if (options.memory_limit == 0 || bytes <= static_cast<double>(options.memory_limit)) {
        least = (std::min)(least, options.goal == layout_goal::memory ? bytes : seconds);
      }
    } catch (const rondo::error&) {
    }
  }
  return least;
}

rondo::mesh_network networks(const mesh_shape& mesh, double latency, double rate) {
  rondo::mesh_network made;
  for (const auto& one : mesh.axes()) {
    made.axes.push_back({one.name, {.latency = latency, .bytes_per_second = rate}});
    rate *= 4;
  }
  return made;
}

/// A language model: embedding, one layer of attention and of an MLP, cross entropy.
blueprint language_model(const std::string& batch) {
  blueprint net;
  const std::string d = "d_model:1024";
  const std::string head = "heads:64, d_kv:256";
  const auto tokens = net.constant("tokens", batch + ", length:256");
  const auto x = net.embedding("x", tokens, net.parameter("table", "vocab:32768, " + d), "vocab");
  const auto project = [&](const char* name) {
    return net.einsum(name, x, net.parameter(std::string{"w_"} + name, d + ", " + head),
                      "batch, length, heads, d_kv");
  };
  const auto query = project("query");
  const auto key = net.rename("keys", project("key"), "length:memory");
  const auto value = net.rename("values", project("value"), "length:memory");
  const auto weights = net.softmax(
      "weights", net.einsum("scores", query, key, "batch, heads, length, memory"), "memory");
  const auto mixed = net.einsum("mixed", weights, value, "batch, length, heads, d_kv");
  const auto attended = net.einsum("attended", mixed, net.parameter("w_out", head + ", " + d),
                                   "batch, length, d_model");
  const auto middle = net.add("middle", attended, x);
  const auto h =
      net.einsum("h", middle, net.parameter("wi", d + ", d_ff:65536"), "batch, length, d_ff");
  const auto y = net.einsum("y", net.map("relu", {h}), net.parameter("wo", "d_ff:65536, " + d),
                            "batch, length, d_model");
  const auto logits =
      net.einsum("logits", net.add("out", y, middle), net.parameter("head", d + ", vocab:32768"),
                 "batch, length, vocab");
  (void)net.cross_entropy("loss", logits, net.constant("targets", batch + ", length:256"), "vocab");
  return net;
}

}  // namespace

TEST_CASE("collective time: Alpa's alpha-beta model") {
  // alpha 1, beta 1, 4 ranks, 1000 B give Alpa 1501.01, 751.1, 751.001 and 376.001, of which 0.01,
  // 0.1, 0.001 and 0.001 break ties, and all_to_all's bytes are doubled for congestion (n/2).
  const rondo::schedule::network unit{.latency = 1, .bytes_per_second = 1};
  const auto time = [&](what of) {
    return rondo::seconds(planned_collective{of, 1000, 1, "x", 4}, unit);
  };
  CHECK(time(what::all_reduce) == Approx(1501.01 - 0.01).epsilon(1e-12));
  CHECK(time(what::all_gather) == Approx(751.1 - 0.1).epsilon(1e-12));
  CHECK(time(what::reduce_scatter) == Approx(751.001 - 0.001).epsilon(1e-12));
  CHECK((time(what::all_to_all) - 1) * 2 + 1 == Approx(376.001 - 0.001).epsilon(1e-12));
  CHECK(rondo::seconds(planned_collective{what::all_reduce, 1000, 1, "x", 1}, unit) == 0);
  const rondo::mesh_network two{{{"a", {.latency = 2, .bytes_per_second = 10}},
                                 {"b", {.latency = 1, .bytes_per_second = 5}}}};
  CHECK(two.along("a,b").latency == 2);
  CHECK(two.along("a,b").bytes_per_second == 5);
  CHECK(two.along("c").latency == 0);
}

TEST_CASE("find_layout: Mesh-TensorFlow's layout optimizer test") {
  // auto_mtf/layout_optimizer_test.py: mesh m1:4, m2:2; [a:10, b:5] [b:5, c:20] -> [a, c].
  const mesh_shape mesh = read_mesh("m1:4, m2:2");
  blueprint net;
  const auto one = net.constant("x1", "a:10, b:5");
  const auto two = net.constant("x2", "b:5, c:20");
  (void)net.einsum("y", one, two, "a, c");
  const auto found = find_layout(net, mesh);
  CHECK(found.best.peak_bytes() == 75 * 4);
  const auto bytes = [&](const char* rules) {
    return rondo::plan_layout(net, layout{rules}, mesh).peak_bytes();
  };
  CHECK(found.best.peak_bytes() == bytes("a:m2;c:m1"));
  for (const char* other : {"a:m1;b:m2", "a:m1;c:m2", "b:m1;a:m2", "b:m1;c:m2", "c:m1;b:m2"}) {
    CHECK(found.best.peak_bytes() <= bytes(other));
  }
  CHECK(found.best.rules == layout{"a:m2, c:m1"});
  // Dimensions that must not be cut.
  CHECK(find_layout(net, mesh, {.whole = {"a", "b", "c"}}).best.rules == layout{});
}

TEST_CASE("find_layout: as good as trying every layout") {
  std::mt19937 random{20261121};
  const auto extent = [&] { return std::to_string(1 + random() % 40); };
  for (int attempt = 0; attempt < 60; ++attempt) {
    blueprint net;
    const std::string i = "i:" + extent();
    const std::string j = "j:" + extent();
    const std::string k = "k:" + extent();
    const std::string l = "l:" + extent();
    const auto x = net.input("x", i + ", " + j);
    const auto h = net.einsum("h", x, net.parameter("v", j + ", " + k), "i, k");
    const auto g = net.map("g", {h, net.parameter("b", k)});
    const auto r = net.rename("r", g, "i:ii");
    const auto y = net.einsum("y", r, net.parameter("w", k + ", " + l), "ii, l");
    (void)net.reduce("z", net.softmax("s", y, "l"), "l");
    const mesh_shape mesh = attempt % 2 == 0 ? read_mesh("m:3, n:2") : read_mesh("m:4");
    layout_search_options options{.network = networks(mesh, 1e-6, 1e6),
                                  .operations_per_second = 1e8};
    for (const auto goal : {layout_goal::memory, layout_goal::time}) {
      options.goal = goal;
      options.memory_limit = 0;
      const auto found = find_layout(net, mesh, options);
      const double value = goal == layout_goal::memory
                               ? static_cast<double>(found.best.peak_bytes())
                               : found.best.seconds();
      CHECK(value == Approx(by_force(net, mesh, options)).epsilon(1e-12));
      CHECK(found.best.plan == rondo::plan_layout(net, found.best.rules, mesh));
      CHECK_FALSE(found.best.rules == found.runner_up.rules);
    }
    options.memory_limit = find_layout(net, mesh, {}).best.peak_bytes() * 3 / 2;
    const auto tight = find_layout(net, mesh, options);
    CHECK(tight.best.seconds() == Approx(by_force(net, mesh, options)).epsilon(1e-12));
    CHECK(tight.best.peak_bytes() <= options.memory_limit);
    CHECK_THROWS_WITH(find_layout(net, mesh, {.memory_limit = 1}),
                      Catch::Matchers::ContainsSubstring("within 1 B a rank"));
  }
}

TEST_CASE(
    "find_layout: a rename that gathers only if a dimension stays whole is bounded either way") {
  // Cut along m under both of its names, t is gathered by no rename, and is let go after it.
  blueprint net;
  const auto x = net.input("x", "j:15, i:15, k:15");
  const auto t = net.einsum("t", x, net.input("w", "j:15, i:15"), "i, k");
  (void)net.map("y", {net.rename("r", t, "i:ii")});
  const mesh_shape mesh = read_mesh("m:2, n:2");
  const auto found = find_layout(net, mesh, {});
  CHECK(static_cast<double>(found.best.peak_bytes()) == by_force(net, mesh, {}));
  CHECK(found.best.peak_bytes() == 8672);
}

TEST_CASE("find_layout: the paper's language model is cut by batch and by model") {
  // Size 3 of the paper on model:8, batch:16, one layer.
  const mesh_shape mesh = read_mesh("batch:16, model:8");
  const auto net = language_model("batch:256");
  layout_search_options options{.network = networks(mesh, 1e-6, 10e9),
                                .operations_per_second = 20e12};
  options.goal = layout_goal::time;
  const auto fastest = find_layout(net, mesh, options);
  INFO(fastest.describe());
  CHECK(fastest.best.rules.axis_of("batch") == "batch");
  CHECK(fastest.best.rules.axis_of("d_ff") == "model");
  CHECK(fastest.best.rules.axis_of("heads") == "model");
  CHECK(fastest.best.rules.axis_of("vocab") == "model");
  const auto [bytes, seconds] =
      rated(net, layout{"batch:batch, d_ff:model, heads:model, vocab:model"}, mesh, options);
  CHECK(fastest.best.seconds() <= seconds);
  CHECK(fastest.describe().find("it lost by +") != std::string::npos);
  const auto smallest = find_layout(net, mesh, {});
  CHECK(static_cast<double>(smallest.best.peak_bytes()) <= bytes);
}

TEST_CASE("find_layout: speeds that are no numbers, and axes that are not there, are refused") {
  const mesh_shape mesh = read_mesh("batch:2, model:2");
  const auto net = language_model("batch:16");
  const auto says = [](const char* part) { return Catch::Matchers::ContainsSubstring(part); };
  for (const double speed : {0.0, -1.0, std::nan("")}) {
    CHECK_THROWS_WITH(find_layout(net, mesh, {.operations_per_second = speed}),
                      says("operations per second; expected a number above 0"));
    CHECK_THROWS_WITH(
        find_layout(net, mesh, {.network = {{{"model", {.bytes_per_second = speed}}}}}),
        says("the network along \"model\" has a latency of 0.000000 s and"));
  }
  CHECK_THROWS_WITH(find_layout(net, mesh, {.network = {{{"model", {.latency = -1}}}}}),
                    says("expected a finite latency"));
  CHECK_THROWS_WITH(find_layout(net, mesh, {.network = {{{"modle", {.latency = 1}}}}}),
                    says("an axis \"modle\", but the mesh batch 2 x model 2 does not"));
  const auto slow = find_layout(net, mesh, {.operations_per_second = 1e-12});
  CHECK_THAT(slow.describe(), says("9000000000000000.000 ms"));
}
