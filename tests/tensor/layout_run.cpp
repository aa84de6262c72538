// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/column_parallel.hpp>
#include <rondo/tensor/layout.hpp>
#include <rondo/tensor/layout_plan.hpp>
#include <rondo/tensor/mlp.hpp>
#include <rondo/tensor/row_parallel.hpp>
#include <rondo/tensor/vocabulary_cross_entropy.hpp>
#include <rondo/tensor/vocabulary_embedding.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace {

using rondo::cut;
using rondo::layout;
using rondo::matrix;
using rondo::testing::expect;

constexpr std::size_t tokens = 5;
constexpr std::size_t width = 6;
constexpr std::size_t hidden = 11;

struct loops {
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    for (std::size_t i = 0; i < y.rows; ++i) {
      for (std::size_t j = 0; j < y.columns; ++j) {
        float sum = 0;
        for (std::size_t k = 0; k < x.columns; ++k) {
          sum += x(i, k) * w(j, k);
        }
        y(i, j) = sum;
      }
    }
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    for (std::size_t i = 0; i < dx.rows; ++i) {
      for (std::size_t j = 0; j < dx.columns; ++j) {
        float sum = 0;
        for (std::size_t k = 0; k < dy.columns; ++k) {
          sum += dy(i, k) * w(k, j);
        }
        dx(i, j) = sum;
      }
    }
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    for (std::size_t i = 0; i < dw.rows; ++i) {
      for (std::size_t j = 0; j < dw.columns; ++j) {
        for (std::size_t k = 0; k < dy.rows; ++k) {
          dw(i, j) += dy(k, i) * x(k, j);
        }
      }
    }
  }
};

float value(std::size_t which, std::size_t i, std::size_t j) {
  return std::sin(static_cast<float>(which * 100 + i * 17 + j * 3));
}

/// Two linear layers and back over the ranks of `comm`; all results, one behind another.
std::vector<float> network(auto& comm, const cut& features) {
  const auto tensor = rondo::along<"tensor">(comm);
  const std::size_t mine = features.width(comm.rank());
  std::vector<float> x(tokens * width);
  std::vector<float> wi(mine * width);
  std::vector<float> wo(width * mine);
  for (std::size_t i = 0; i < tokens; ++i) {
    for (std::size_t j = 0; j < width; ++j) {
      x[i * width + j] = value(0, i, j);
    }
  }
  for (std::size_t f = 0; f < mine; ++f) {
    for (std::size_t j = 0; j < width; ++j) {
      wi[f * width + j] = value(1, features.global(comm.rank(), f), j);
      wo[j * mine + f] = value(2, features.global(comm.rank(), f), j);
    }
  }
  std::vector<float> h(tokens * mine);
  std::vector<float> dh(tokens * mine);
  std::vector<float> y(tokens * width);
  std::vector<float> dx(tokens * width);
  std::vector<float> dwi(wi.size());
  std::vector<float> dwo(wo.size());
  rondo::column_parallel up{tensor, features, loops{}};
  rondo::row_parallel down{tensor, features, loops{}};
  const rondo::replicated<float> whole_x{matrix{x.data(), tokens, width}};
  const rondo::replicated<float> whole_y{matrix{y.data(), tokens, width}};
  const rondo::replicated<float> whole_dx{matrix{dx.data(), tokens, width}};
  const rondo::sharded<float, 1> split_h{matrix{h.data(), tokens, mine}, features};
  const rondo::sharded<float, 1> split_dh{matrix{dh.data(), tokens, mine}, features};
  const rondo::linear_weights<float> first{matrix<const float>{wi.data(), mine, width}, {}};
  const rondo::linear_weights<float> second{matrix<const float>{wo.data(), width, mine}, {}};
  const rondo::linear_gradients<float> first_gradient{matrix{dwi.data(), mine, width}, {}};
  const rondo::linear_gradients<float> second_gradient{matrix{dwo.data(), width, mine}, {}};
  up.forward(whole_x, first, split_h);
  down.forward(split_h, second, whole_y);
  down.backward(whole_y, split_h, second, split_dh, second_gradient);
  up.backward(split_dh, whole_x, first, whole_dx, first_gradient);
  std::vector<float> all = y;
  for (const auto* some : {&dx, &dwi, &dwo}) {
    all.insert(all.end(), some->begin(), some->end());
  }
  return all;
}

using rows = rondo::sharded<float, 0>;
using whole = rondo::replicated<float>;

std::string dimension(const char* name, std::size_t extent) {
  return std::string{name} + ':' + std::to_string(extent);
}

/// An MLP whose tokens go by another name inside.
rondo::blueprint described_mlp() {
  rondo::blueprint net;
  const auto d_model = dimension("d_model", width);
  const auto d_ff = dimension("d_ff", hidden);
  const auto x = net.input("x", dimension("tokens", tokens) + ", " + d_model);
  const auto all = net.rename("all", x, "tokens:all_tokens");
  const auto h =
      net.einsum("h", all, net.parameter("wi", d_model + ", " + d_ff), "all_tokens, d_ff");
  const auto y = net.einsum("y", net.map("gelu", {h}), net.parameter("wo", d_ff + ", " + d_model),
                            "all_tokens, d_model");
  (void)net.rename("out", y, "all_tokens:tokens");
  return net;
}

}  // namespace

TEST_CASE("layout: rules plan the collectives, bytes and axes that the layers plan") {
  for (int t = 2; t <= 8; ++t) {
    const rondo::mesh_shape mesh{{"data", 2}, {"tensor", t}};
    const auto net = described_mlp();
    const auto by_rule = plan_layout(net, layout{"d_ff:tensor"}, mesh).plan;
    const auto by_hand = rondo::plan_mlp<whole>({tokens, width, hidden}, mesh);
    CHECK(by_rule.forward == by_hand.forward);
    CHECK(by_rule.backward == by_hand.backward);
    CHECK(by_rule.saved_bytes == by_hand.saved_bytes);

    const auto sequence = plan_layout(net, layout{"tokens:tensor, d_ff:tensor"}, mesh).plan;
    const auto sequence_by_hand = rondo::plan_mlp<rows>({tokens, width, hidden}, mesh);
    CHECK(sequence.forward == sequence_by_hand.forward);
    CHECK(sequence.backward == sequence_by_hand.backward);
    CHECK(sequence.saved_bytes == sequence_by_hand.saved_bytes);

    rondo::blueprint ends;
    const auto positions = dimension("tokens", tokens);
    const auto table =
        ends.parameter("table", dimension("vocab", 50) + ", " + dimension("d_model", width));
    const auto x = ends.embedding("x", ends.constant("ids", positions), table, "vocab");
    const auto given = plan_layout(ends, layout{"vocab:tensor"}, mesh).plan;
    const auto embedding = rondo::plan_vocabulary_embedding<whole>(tokens, width, mesh);
    CHECK(given.forward == embedding.forward);
    CHECK(given.backward == embedding.backward);
    const auto logits = ends.einsum(
        "logits", x,
        ends.parameter("head", dimension("d_model", width) + ", " + dimension("vocab", 50)),
        "tokens, vocab");
    (void)ends.cross_entropy("loss", logits, ends.constant("targets", positions), "vocab");
    auto expected = embedding.forward;
    for (const auto& one : rondo::plan_vocabulary_cross_entropy(tokens, mesh).forward) {
      expected.push_back(one);
    }
    CHECK(plan_layout(ends, layout{"vocab:tensor"}, mesh).plan.forward == expected);
  }
}

TEST_CASE("layout: what runs is what the rules planned") {
  for (const int ranks : {2, 3, 4}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const rondo::mesh_shape mesh{{"tensor", comm.size()}};
      const layout rules{"d_ff:tensor"};
      rondo::testing::recording noted{comm};
      (void)network(noted, rules.division({"d_ff", hidden}, "tensor", mesh));
      const auto planned = plan_layout(described_mlp(), rules, mesh).plan.collectives();
      expect(noted.made().size() == planned.size(), "as many collectives");
      for (std::size_t i = 0; i < planned.size(); ++i) {
        expect(noted.made()[i].collective == name_of(planned[i].what) &&
                   noted.made()[i].elements == planned[i].elements &&
                   noted.made()[i].element_bytes == planned[i].element_bytes,
               "the planned collective");
      }
    });
  }
}

TEST_CASE("layout: layers cut by a rule give the bits of layers cut by hand") {
  for (const int ranks : {1, 2, 3, 4, 8}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const rondo::mesh_shape mesh{{"tensor", comm.size()}};
      const layout rules{"d_ff:tensor, heads:tensor"};
      const cut features = rules.division({"d_ff", hidden}, "tensor", mesh);
      const auto by_rule = network(comm, features);
      const auto by_hand = network(comm, cut::even(hidden, comm.size()));
      expect(by_rule == by_hand, "the same bits");
      const auto weight = rules.place("wi", 4, {{"d_ff", hidden}, {"d_model", width}}, mesh);
      expect(weight.dimensions()[0].division == features, "the weight's shard is the layer's");
      try {
        (void)rules.division({"d_model", width}, "tensor", mesh);
        expect(false, "a refusal");
      } catch (const rondo::error& refused) {
        expect(std::string{refused.what()}.find("no rule d_model:tensor") != std::string::npos,
               "the rule that is missing");
      }
    });
  }
}
