// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Layers that are cut by rules on the names of dimensions: what they plan, what runs, and its bits.
#include "catch.hpp"
#include "tensor/expect_planned.hpp"
#include "tensor/mlp_case.hpp"

#include <rondo/tensor/layers/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/layers/vocabulary_embedding.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/tensor/layout/layout_plan.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

using namespace mlp_case;
using rondo::layout;

namespace {

constexpr std::size_t words = 50;
const rondo::pointwise<softplus> activation;

using rows = rondo::sharded<float, 0>;
using whole = rondo::replicated<float>;

std::string dimension(const char* name, std::size_t extent) {
  return std::string{name} + ':' + std::to_string(extent);
}

/// An MLP whose tokens go by another name inside.
rondo::blueprint described_mlp() {
  rondo::blueprint net;
  const auto features = dimension("d_model", d_model);
  const auto hidden = dimension("d_ff", d_ff);
  const auto x = net.input("x", dimension("tokens", tokens) + ", " + features);
  const auto all = net.rename("all", x, "tokens:all_tokens");
  const auto h =
      net.einsum("h", all, net.parameter("wi", features + ", " + hidden), "all_tokens, d_ff");
  const auto y = net.einsum("y", net.map("gelu", {h}),
                            net.parameter("wo", hidden + ", " + features), "all_tokens, d_model");
  (void)net.rename("out", y, "all_tokens:tokens");
  return net;
}

/// An embedding, and the cross entropy of logits that are its product with the words.
rondo::blueprint described_ends() {
  rondo::blueprint net;
  const auto positions = dimension("tokens", tokens);
  const auto vocabulary = dimension("vocab", words);
  const auto x = net.embedding(
      "x", net.constant("ids", positions),
      net.parameter("table", vocabulary + ", " + dimension("d_model", d_model)), "vocab");
  const auto logits = net.einsum(
      "logits", x, net.parameter("head", dimension("d_model", d_model) + ", " + vocabulary),
      "tokens, vocab");
  (void)net.cross_entropy("loss", logits, net.constant("targets", positions), "vocab");
  return net;
}

/// The layers of `described_ends` on the calling rank; y, losses, and the logits' gradient.
template <class Comm>
std::vector<float> run_ends(Comm& comm, const cut& vocabulary) {
  const auto tensor = rondo::along<"tensor">(comm);
  const auto mine = held(vocabulary, comm.rank());
  const auto table = numbers<float>(up_, mine, all(d_model));
  const auto head = numbers<float>(down_, mine, all(d_model));
  std::vector<int> ids(tokens), targets(tokens);
  for (std::size_t i = 0; i < tokens; ++i) {
    ids[i] = static_cast<int>(i * 17 % words);
    targets[i] = static_cast<int>(i * 31 % words);
  }
  const loops::kernels kernels;
  owned<float> y(tokens, d_model), dy(tokens, d_model), logits(tokens, mine.size()),
      dlogits(tokens, mine.size()), dhead(mine.size(), d_model), dtable(mine.size(), d_model);
  std::vector<float> losses(tokens);
  const std::vector<float> dlosses(tokens, 1.0F);
  rondo::vocabulary_embedding embed{tensor, vocabulary};
  rondo::column_parallel score{tensor, vocabulary, kernels};
  rondo::vocabulary_cross_entropy loss{tensor, vocabulary};
  rondo::cross_entropy_saved saved;
  const whole x{y.view()}, dx{dy.view()};
  const rondo::sharded<float, 1> z{logits.view(), vocabulary}, dz{dlogits.view(), vocabulary};
  const rondo::linear_gradients<float> gradient{dhead.view(), {}};
  embed.forward(std::span<const int>{ids}, table.view(), x);
  score.forward(x, {head.view(), {}}, z);
  loss.forward(z, std::span<const int>{targets}, std::span<float>{losses}, saved);
  loss.backward(z, std::span<const int>{targets}, std::span<const float>{dlosses}, saved, dz);
  score.backward(dz, x, {head.view(), {}}, dx, gradient);
  embed.backward(dx, std::span<const int>{ids}, dtable.view());
  std::vector<float> got = losses;
  for (const auto* some : {&y, &dy, &dhead, &dtable}) {
    got.insert(got.end(), some->memory.begin(), some->memory.end());
  }
  return got;
}

/// Every matrix of two outcomes, bit for bit.
void expect_same(const results& a, const results& b) {
  expect(a.y == b.y && a.dx == b.dx && a.dup == b.dup && a.dup_bias == b.dup_bias &&
             a.ddown == b.ddown && a.ddown_bias == b.ddown_bias,
         "the same bits");
}

}  // namespace

TEST_CASE("layout: rules plan the collectives, bytes and axes that the layers plan") {
  for (int t = 2; t <= 8; ++t) {
    const rondo::mesh_shape mesh{{"data", 2}, {"tensor", t}};
    const auto net = described_mlp();
    const auto by_rule = plan_layout(net, layout{"d_ff:tensor"}, mesh).layers;
    const auto by_hand = rondo::plan_mlp<whole>({tokens, d_model, d_ff}, mesh);
    CHECK(by_rule.forward == by_hand.forward);
    CHECK(by_rule.backward == by_hand.backward);
    CHECK(by_rule.saved_bytes == by_hand.saved_bytes);

    const auto sequence = plan_layout(net, layout{"tokens:tensor, d_ff:tensor"}, mesh).layers;
    const auto sequence_by_hand = rondo::plan_mlp<rows>({tokens, d_model, d_ff}, mesh);
    CHECK(sequence.forward == sequence_by_hand.forward);
    CHECK(sequence.backward == sequence_by_hand.backward);
    CHECK(sequence.saved_bytes == sequence_by_hand.saved_bytes);

    const auto ends = plan_layout(described_ends(), layout{"vocab:tensor"}, mesh).layers;
    const auto ends_by_hand = rondo::plan_vocabulary_embedding<whole>(tokens, d_model, mesh) +
                              rondo::plan_column_parallel<whole>({tokens, d_model, words}, mesh) +
                              rondo::plan_vocabulary_cross_entropy(tokens, mesh);
    CHECK(ends.forward == ends_by_hand.forward);
    CHECK(ends.backward == ends_by_hand.backward);
  }
}

TEST_CASE("layout: what runs is what the rules planned") {
  for (const int ranks : {2, 3, 4, 8}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const rondo::mesh_shape mesh{{"tensor", comm.size()}};
      rondo::testing::recording noted{comm};
      const auto check = [&](const rondo::blueprint& net, const layout& rules) {
        expect_planned(comm, noted.made(), plan_layout(net, rules, mesh).layers, "tensor");
        noted.forget();
      };
      const layout features{"d_ff:tensor"};
      (void)run<-1>(noted, features.division({"d_ff", d_ff}, "tensor", mesh), activation,
                    any_order{});
      check(described_mlp(), features);
      const layout sequence{"tokens:tensor, d_ff:tensor"};
      (void)run<0>(noted, sequence.division({"d_ff", d_ff}, "tensor", mesh), activation,
                   any_order{});
      check(described_mlp(), sequence);
      const layout vocabulary{"vocab:tensor"};
      (void)run_ends(noted, vocabulary.division({"vocab", words}, "tensor", mesh));
      check(described_ends(), vocabulary);
    });
  }
}

TEST_CASE("layout: layers cut by a rule give the bits of layers cut by hand") {
  const layout rules{"d_ff:tensor, vocab:tensor, tokens:tensor"};
  results one;
  rondo::threads::run(
      1, [&](auto& comm) { one = run<-1>(comm, cut::whole(d_ff, 1), activation, by_leaves); });
  for (const int ranks : {1, 2, 3, 4, 8}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const rondo::mesh_shape mesh{{"tensor", comm.size()}};
      const cut features = rules.division({"d_ff", d_ff}, "tensor", mesh);
      const cut by_hand = cut::even(d_ff, comm.size());
      expect_same(run<-1>(comm, features, activation, any_order{}),
                  run<-1>(comm, by_hand, activation, any_order{}));
      expect_same(run<0>(comm, features, activation, any_order{}),
                  run<0>(comm, by_hand, activation, any_order{}));
      expect(run_ends(comm, rules.division({"vocab", words}, "tensor", mesh)) ==
                 run_ends(comm, cut::even(words, comm.size())),
             "the same bits");
      // In exact mode, those of one rank.
      const cut leaves = rules.division({"d_ff", d_ff}, "tensor", mesh, by_leaves.features);
      same(run<0>(comm, leaves, activation, by_leaves), one, comm, leaves, 0);
    });
  }
}

TEST_CASE("layout: a rule's shards are those of its layer, and a missing rule is named") {
  const rondo::mesh_shape mesh{{"tensor", 3}};
  const layout rules{"d_ff:tensor, heads:tensor"};
  const auto weight = rules.place("wi", 4, {{"d_ff", d_ff}, {"d_model", d_model}}, mesh);
  CHECK(weight.dimensions()[0].division == rules.division({"d_ff", d_ff}, "tensor", mesh));
  CHECK_THROWS_WITH((void)rules.division({"d_model", d_model}, "tensor", mesh),
                    Catch::Matchers::ContainsSubstring("no rule d_model:tensor"));
}
