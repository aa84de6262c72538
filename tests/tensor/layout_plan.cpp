// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/tensor/layout/layout_plan.hpp>

#include <string>
#include <vector>

namespace {

using refusals::contains;
using refusals::refusal;
using rondo::blueprint;
using rondo::layout;
using rondo::mesh_shape;
using rondo::planned_collective;
using rondo::read_mesh;
using what = rondo::schedule::collective;
using collectives = std::vector<planned_collective>;

blueprint mlp() {
  blueprint net;
  const auto x = net.input("x", "tokens:64, d_model:1024");
  const auto h = net.einsum("h", x, net.parameter("wi", "d_model:1024, d_ff:4096"), "tokens, d_ff");
  (void)net.einsum("y", net.map("gelu", {h}), net.parameter("wo", "d_ff:4096, d_model:1024"),
                   "tokens, d_model");
  return net;
}

/// The same between norms whose tokens may be cut by their own rule.
blueprint sequence_mlp() {
  blueprint net;
  const auto x = net.input("x", "tokens:64, d_model:1024");
  const auto all = net.rename("all", x, "tokens:all_tokens");
  const auto h =
      net.einsum("h", all, net.parameter("wi", "d_model:1024, d_ff:4096"), "all_tokens, d_ff");
  const auto y = net.einsum("y", net.map("gelu", {h}),
                            net.parameter("wo", "d_ff:4096, d_model:1024"), "all_tokens, d_model");
  (void)net.rename("out", y, "all_tokens:tokens");
  return net;
}

/// Attention with `heads`, then an MLP, each with a bias after it, a norm before it and a residual.
blueprint transformer_layer(std::size_t tokens, std::size_t d_model, std::size_t heads) {
  const std::string t = "tokens:" + std::to_string(tokens);
  const std::string d = "d_model:" + std::to_string(d_model);
  const std::string head =
      "heads:" + std::to_string(heads) + ", d_kv:" + std::to_string(d_model / heads);
  const std::string ff = "d_ff:" + std::to_string(4 * d_model);
  blueprint net{2};
  const auto x = net.input("x", t + ", " + d);
  const auto normed = net.map("norm", {x, net.parameter("scale", d)});
  const auto project = [&](const char* name) {
    return net.einsum(name, normed, net.parameter(std::string{"w_"} + name, d + ", " + head),
                      "tokens, heads, d_kv");
  };
  const auto query = project("query");
  const auto key = net.rename("keys", project("key"), "tokens:memory");
  const auto value = net.rename("values", project("value"), "tokens:memory");
  const auto scores = net.einsum("scores", query, key, "heads, tokens, memory");
  const auto mixed =
      net.einsum("mixed", net.softmax("weights", scores, "memory"), value, "tokens, heads, d_kv");
  const auto attended =
      net.einsum("attended", mixed, net.parameter("w_out", head + ", " + d), "tokens, d_model");
  const auto middle = net.add("middle", net.add("biased", attended, net.parameter("bias", d)), x);
  const auto again = net.map("norm2", {middle, net.parameter("scale2", d)});
  const auto h = net.einsum("h", again, net.parameter("wi", d + ", " + ff), "tokens, d_ff");
  const auto y =
      net.einsum("y", net.map("gelu", {h}), net.parameter("wo", ff + ", " + d), "tokens, d_model");
  (void)net.add("out", y, middle);
  return net;
}

}  // namespace

TEST_CASE("layout plan: d_ff:tensor is a column- and a row-parallel linear layer") {
  const mesh_shape mesh = read_mesh("data:2, tensor:4");
  const auto made = rondo::plan_layout(mlp(), layout{"d_ff:tensor"}, mesh);
  const planned_collective both{what::all_reduce, 64 * 1024, 4, "tensor", 4};
  CHECK(made.layers.forward == collectives{both});
  CHECK(made.layers.backward == collectives{both});
  // Kept: x, and d_ff before and after the activation.
  CHECK(made.layers.saved_bytes == (64 * 1024 + 2 * 64 * 1024) * 4);
  CHECK(made.parameter_bytes == 2 * 1024 * 1024 * 4);
  CHECK(made.parameter_gradient_bytes == made.parameter_bytes);
  CHECK(made.operations == 3 * 2 * 2 * 64.0 * 1024 * 1024);

  const auto with_data = rondo::plan_layout(mlp(), layout{"tokens:data, d_ff:tensor"}, mesh);
  const planned_collective half{what::all_reduce, 32 * 1024, 4, "tensor", 4};
  const planned_collective weight{what::all_reduce, 1024 * 1024, 4, "data", 2};
  CHECK(with_data.layers.forward == collectives{half});
  CHECK(with_data.layers.backward == collectives{weight, half, weight});

  CHECK(rondo::plan_layout(mlp(), layout{}, mesh).layers.collectives().empty());
  CHECK(rondo::plan_layout(mlp(), layout{"d_ff:tensor"}, read_mesh("tensor:1"))
            .layers.collectives()
            .empty());
}

TEST_CASE("layout plan: a batch over two axes makes one collective over both") {
  blueprint net;
  const auto x = net.input("x", "batch:8, length:6, d_model:16");
  (void)net.einsum("y", x, net.parameter("w", "d_model:16, out:4"), "batch, length, out");
  const auto made =
      rondo::plan_layout(net, layout{"batch:data, length:context"}, read_mesh("data:2, context:3"));
  CHECK(made.layers.forward.empty());
  CHECK(made.layers.backward == collectives{{what::all_reduce, 64, 4, "data,context", 6}});
}

TEST_CASE("layout plan: tokens cut by a rule of their own are sequence parallelism") {
  const mesh_shape mesh = read_mesh("tensor:4");
  const auto made = rondo::plan_layout(sequence_mlp(), layout{"tokens:tensor, d_ff:tensor"}, mesh);
  const planned_collective gather{what::all_gather, 64 * 1024, 4, "tensor", 4};
  const planned_collective scatter{what::reduce_scatter, 64 * 1024, 4, "tensor", 4};
  CHECK(made.layers.forward == collectives{gather, scatter});
  CHECK(made.layers.backward == collectives{gather, gather, scatter});  // dy, x again, dx
  CHECK(made.layers.saved_bytes == (16 * 1024 + 2 * 64 * 1024) * 4);
  // As many elements as without, but for x, which is gathered again.
  const auto plain = rondo::plan_layout(mlp(), layout{"d_ff:tensor"}, mesh);
  CHECK(made.layers.sent_elements("tensor") ==
        plain.layers.sent_elements("tensor") + 64 * 1024 * 3 / 4.0);
}

TEST_CASE("layout plan: Megatron's volume, 8 b s h (t-1)/t elements a layer and rank") {
  for (const int t : {2, 4, 8}) {
    const mesh_shape mesh{{"tensor", t}};
    const auto made = rondo::plan_layout(transformer_layer(2048, 12288, 96),
                                         layout{"d_ff:tensor, heads:tensor"}, mesh);
    CHECK(made.layers.forward.size() == 2);
    CHECK(made.layers.backward.size() == 2);  // query, key and value share one
    CHECK(made.layers.sent_elements("tensor") == 8.0 * 2048 * 12288 * (t - 1) / t);
  }
  const auto gpt3 = rondo::plan_layout(transformer_layer(2048, 12288, 96),
                                       layout{"d_ff:tensor, heads:tensor"}, read_mesh("tensor:8"));
  CHECK(gpt3.layers.sent_elements("tensor") == 176'160'768.0);
}

TEST_CASE("layout plan: vocabulary over tensor: embedding and cross entropy") {
  blueprint net;
  const auto tokens = net.constant("tokens", "position:32");
  const auto x =
      net.embedding("x", tokens, net.parameter("table", "vocab:1000, d_model:64"), "vocab");
  const auto logits =
      net.einsum("logits", x, net.parameter("head", "d_model:64, vocab:1000"), "position, vocab");
  (void)net.cross_entropy("loss", logits, net.constant("targets", "position:32"), "vocab");
  const auto made = rondo::plan_layout(net, layout{"vocab:tensor"}, read_mesh("tensor:4"));
  CHECK(made.layers.forward ==
        collectives{{what::all_reduce, 32 * 64, 4, "tensor", 4},   // rows of the table
                    {what::all_reduce, 32, 8, "tensor", 4},        // maxima
                    {what::all_reduce, 2 * 32, 8, "tensor", 4}});  // sums, and the targets' logits
  CHECK(made.layers.backward == collectives{{what::all_reduce, 32 * 64, 4, "tensor", 4}});
}

TEST_CASE("layout plan: a rule that moves from one dimension to another is an all_to_all") {
  blueprint net;
  const auto x = net.input("x", "length:16, heads:8, d_kv:4");
  (void)net.rename("y", x, "length:all_length, heads:some_heads");
  const auto made =
      rondo::plan_layout(net, layout{"length:tensor, some_heads:tensor"}, read_mesh("tensor:4"));
  const planned_collective swap{what::all_to_all, 16 * 8 * 4, 4, "tensor", 4};
  CHECK(made.layers.forward == collectives{swap});
  CHECK(made.layers.backward == collectives{swap});
}

TEST_CASE("blueprint: names are exchanged at once, each from what it was") {
  blueprint net;
  const auto x = net.input("x", "rows:8, columns:8, d:3");
  const auto y = net.shape_of(net.rename("y", x, "rows:columns, columns:rows"));
  CHECK(y[0].name == "columns");
  CHECK(y[1].name == "rows");
  CHECK(contains(refusal([&] { (void)net.rename("z", x, "rows:a, rows:b"); }),
                 "\"z\" renames \"rows\" twice"));
  CHECK(contains(refusal([&] { (void)net.rename("z", x, "rows:columns"); }),
                 "two dimensions named \"columns\""));
}

TEST_CASE("layout plan: a network larger than any memory is refused") {
  const auto refused = [](const char* x, const char* w) {
    blueprint net;
    (void)net.input("x", x);
    (void)net.parameter("w", w);
    return refusal([&] { (void)rondo::plan_layout(net, layout{}, read_mesh("tensor:2")); });
  };
  CHECK(contains(refused("b:4294967296, d:4294967296", "e:1"), "with \"x\", the network has more"));
  CHECK(contains(refused("b:1, e:0", "c:4294967296, d:4294967296, e:0"), "with \"w\""));
  CHECK(contains(refused("b:1152921504606846976", "d:1152921504606846976"), "with \"w\""));
  CHECK(refused("b:1152921504606846976", "d:1048576").empty());
}

TEST_CASE("blueprint: what does not fit is refused by name") {
  blueprint net;
  const auto x = net.input("x", "tokens:8, d_model:16");
  const auto w = net.parameter("w", "d_model:16, d_ff:32");
  CHECK(contains(refusal([&] { (void)net.parameter("v", "d_model:17"); }),
                 "dimension \"d_model\" is 17 long in \"v\", but 16 before"));
  CHECK(contains(refusal([&] { (void)net.einsum("y", x, x, "tokens, d_ff"); }),
                 "\"y\" has dimension \"d_ff\", which none of its inputs has"));
  CHECK(contains(refusal([&] { (void)net.einsum("y", x, w, "tokens, heads"); }),
                 "no tensor so far has a dimension \"heads\""));
  CHECK(contains(refusal([&] {
                   (void)net.map("m", {net.parameter("b", "tokens:8"), x});
                 }),
                 "name the largest input first"));
  CHECK(contains(refusal([&] { (void)net.rename("r", x, "d_ff:other"); }), "does not have"));
  CHECK(contains(refusal([&] { (void)net.einsum("y", x, {99}, "tokens"); }), "another blueprint"));
  (void)net.einsum("sum", x, w, "tokens");
  CHECK(contains(refusal([&] {
                   (void)rondo::plan_layout(net, layout{"d_model:tensor, d_ff:tensor"},
                                            read_mesh("tensor:2"));
                 }),
                 "cut twice along \"tensor\""));
}

TEST_CASE("layout: rules that cut nothing are named, of one network or of several") {
  using left = std::vector<layout::rule>;
  rondo::blueprint encoder;
  (void)encoder.input("x", "batch:8, d_model:16");
  rondo::blueprint decoder;
  (void)decoder.rename("z", decoder.input("y", "batch:8, heads:2"), "heads:all_heads");
  const layout rules{"batch:data, dmodel:tensor, heads:tensor"};
  CHECK(rondo::unused_rules(rules, encoder) == left{{"dmodel", "tensor"}, {"heads", "tensor"}});
  CHECK(rondo::unused_rules(rules, decoder) == left{{"dmodel", "tensor"}});
  CHECK(rondo::unused_rules(rules, encoder, decoder) == left{{"dmodel", "tensor"}});
  CHECK(rondo::unused_rules(layout{"d_model:tensor, all_heads:tensor"}, encoder, decoder).empty());
  CHECK(rondo::unused_rules(layout{}, encoder).empty());
}
