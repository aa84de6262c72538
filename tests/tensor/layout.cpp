// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/tensor/layout/layout.hpp>

#include <cmath>
#include <string>
#include <vector>

namespace {

using refusals::contains;
using refusals::refusal;
using rondo::layout;
using rondo::mesh_shape;
using rondo::part;
using rondo::read_mesh;
using rondo::read_shape;
using rondo::tensor_shape;
using rules = std::vector<layout::rule>;
using extents = std::vector<std::size_t>;

}  // namespace

TEST_CASE("layout: rules are read as Mesh-TensorFlow writes them, and print so") {
  const layout megatron{"batch:data, d_ff:tensor, heads:tensor, vocab:tensor"};
  CHECK(megatron.rules() ==
        rules{{"batch", "data"}, {"d_ff", "tensor"}, {"heads", "tensor"}, {"vocab", "tensor"}});
  CHECK(layout{"batch:data;d_ff:tensor ;\theads : tensor;vocab:tensor"} == megatron);
  CHECK(layout{megatron.describe()} == megatron);
  CHECK(layout{megatron.rules()} == megatron);
  CHECK(megatron.axis_of("heads") == "tensor");
  CHECK(megatron.axis_of("hidden").empty());
  CHECK(layout{""} == layout{});
  CHECK(layout{"  "}.rules().empty());
}

TEST_CASE("layout: text that is no rule is refused with its place") {
  const auto read = [](const char* text) { return refusal([&] { layout{text}; }); };
  CHECK(read("batch:data, d_ff") ==
        "rondo: layout: position 13: got \"d_ff\", expected dimension:axis");
  CHECK(contains(read("batch:data,,d_ff:tensor"), "position 12: got \"\""));
  CHECK(contains(read("batch:data,"), "position 12: got \"\""));
  CHECK(contains(read(":data"), "position 1: got \":data\""));
  CHECK(contains(read("a:"), "expected dimension:axis"));
  CHECK(contains(read("a:b:c"), "got \"a:b:c\""));
  CHECK(contains(read("batch:data, batch:tensor"),
                 "dimension \"batch\" at position 13 is cut along \"data\" already"));
  CHECK(contains(refusal([] { (void)read_shape("a:ten"); }), "got \"ten\", expected a number"));
  CHECK(contains(refusal([] { (void)read_shape("a:-1"); }), "expected a number"));
  CHECK(contains(refusal([] { (void)read_shape("a:99999999999999999999999"); }), "a number"));
  CHECK(contains(refusal([] { (void)read_mesh("a:0"); }), "size 0"));
  CHECK(contains(refusal([] { (void)read_mesh("a:99999, b:99999"); }), "at most 2^24 ranks"));
}

TEST_CASE("layout: the slices of Mesh-TensorFlow's README") {
  const mesh_shape mesh = read_mesh("rows:2, cols:4");
  const tensor_shape images = read_shape("batch:100, rows_dim:28, cols_dim:28, channels:3");

  const auto by_batch = layout{"batch:cols"}.place("images", 4, images, mesh);
  for (int rank = 0; rank < 8; ++rank) {
    CHECK(by_batch.local_shape(rank) == extents{25, 28, 28, 3});
    CHECK(by_batch.elements(rank) == 25 * 28 * 28 * 3);
  }
  for (const int row : {0, 1}) {  // processors (0,3) and (1,3) hold [75:100]
    const auto held = by_batch.runs(mesh.rank_at({row, 3}), 0);
    CHECK(std::vector<part>(held.begin(), held.end()) == std::vector<part>{{75, 25}});
  }

  const auto by_place = layout{"rows_dim:rows;cols_dim:cols"}.place("images", 4, images, mesh);
  const int rank = mesh.rank_at({0, 1});
  CHECK(by_place.local_shape(rank) == extents{100, 14, 7, 3});
  CHECK(by_place.runs(rank, 1)[0] == part{0, 14});
  CHECK(by_place.runs(rank, 2)[0] == part{7, 7});
  CHECK(by_place.describe() ==
        "images [100, 28 over rows, 28 over cols, 3], 4 B each, on rows 2 x cols 4");
}

TEST_CASE("layout: two dimensions of one tensor do not share an axis; every axis exists") {
  const mesh_shape mesh{{"rows", 2}, {"cols", 4}};
  const tensor_shape images = read_shape("batch:100, height:28, width:28, channels:3");
  CHECK(contains(
      refusal([&] { (void)layout{"height:rows, width:rows"}.place("images", 4, images, mesh); }),
      "\"images\" would be cut twice along \"rows\", by its dimensions \"height\" and \"width\""));
  CHECK(contains(refusal([&] { (void)layout{"batch:model"}.place("images", 4, images, mesh); }),
                 "rule batch:model names an axis that the mesh rows 2 x cols 4 does not have"));
  CHECK(contains(refusal([&] { (void)layout{}.place("square", 4, read_shape("n:3, n:3"), mesh); }),
                 "two dimensions named \"n\""));
  // Mesh-TensorFlow refuses 3 channels on 2 rows; here the first row holds 2 of them.
  const auto uneven = layout{"channels:rows"}.place("images", 4, images, mesh);
  CHECK(uneven.local_shape(0) == extents{100, 28, 28, 2});
  CHECK(uneven.local_shape(7) == extents{100, 28, 28, 1});
}

TEST_CASE("layout: the published layouts place a transformer") {
  // The gin files of mesh_tensorflow/transformer/gin/layouts; numbers of ranks from their names.
  struct published {
    const char* mesh;
    const char* rules;
    int ranks;
    extents input;                      // local [batch, length, d_model] of 256, 512, 1024
    extents hidden;                     // local [d_model, d_ff] of 1024, 4096
    std::size_t experts, heads, words;  // local, of 128, 128 and 32768
  };
  const char* both = "batch:batch,d_ff:model,heads:model,vocab:model";
  const published all[] = {
      {"all:128", "batch:all,experts:all", 128, {2, 512, 1024}, {1024, 4096}, 1, 128, 32768},
      {"model:128",
       "d_ff:model,heads:model,vocab:model",
       128,
       {256, 512, 1024},
       {1024, 32},
       128,
       1,
       256},
      {"batch:32,model:4", both, 128, {8, 512, 1024}, {1024, 1024}, 128, 32, 8192},
      {"batch:128,model:2", both, 256, {2, 512, 1024}, {1024, 2048}, 128, 64, 16384},
      {"batch:32,model:8", both, 256, {8, 512, 1024}, {1024, 512}, 128, 16, 4096},
      {"batch:64,model:8", both, 512, {4, 512, 1024}, {1024, 512}, 128, 16, 4096},
      {"batch:2,model:4", both, 8, {128, 512, 1024}, {1024, 1024}, 128, 32, 8192},
      {"outer:4,inner:32",
       "outer_batch:outer,batch:inner,experts:inner",
       128,
       {8, 512, 1024},
       {1024, 4096},
       4,
       128,
       32768},
  };
  for (const published& one : all) {
    INFO(one.mesh << "  " << one.rules);
    const mesh_shape mesh = read_mesh(one.mesh);
    const layout how{one.rules};
    CHECK(mesh.size() == one.ranks);
    const auto input = how.place("x", 2, read_shape("batch:256, length:512, d_model:1024"), mesh);
    const auto weight = how.place("wi", 2, read_shape("d_model:1024, d_ff:4096"), mesh);
    CHECK(input.local_shape(0) == one.input);
    CHECK(weight.local_shape(one.ranks - 1) == one.hidden);
    const auto held = [&](const char* dimensions) {
      return how.place("w", 2, read_shape(dimensions), mesh).local_shape(one.ranks - 1);
    };
    CHECK(held("experts:128, d_model:1024") == extents{one.experts, 1024});
    CHECK(held("d_model:1024, heads:128, d_kv:128") == extents{1024, one.heads, 128});
    CHECK(held("vocab:32768, d_model:1024") == extents{one.words, 1024});
  }
  // The two levels of the last one: every rank has a row of the outer batch and two of the inner.
  const layout two_levels{"outer_batch:outer,batch:inner,experts:inner"};
  const mesh_shape levels = read_mesh("outer:4,inner:32");
  const tensor_shape tokens = read_shape("outer_batch:4, batch:64, d_model:1024");
  CHECK(two_levels.place("x", 2, tokens, levels).local_shape(127) == extents{1, 2, 1024});
  // A tensor of experts and their batch would need the inner axis twice.
  CHECK(contains(
      refusal([&] { (void)two_levels.place("x", 2, read_shape("experts:128, batch:64"), levels); }),
      "cut twice along \"inner\""));
}

TEST_CASE("layout: the paper's language models on their meshes") {
  // tensor2tensor mtf_transformer.py, sizes -1 .. 5; billions of parameters as the paper prints
  // them.
  struct published {
    int size;
    const char* mesh;
    double billions;
    std::size_t parameters;
  };
  const published all[] = {{-1, "batch:32", 0.14, 142'881'792},
                           {0, "batch:32", 0.22, 0},
                           {1, "model:4,batch:8", 0.37, 0},
                           {2, "model:4,batch:8", 0.67, 0},
                           {3, "model:8,batch:16", 1.28, 0},
                           {4, "batch:16,model:32", 2.48, 0},
                           {5, "batch:16,model:32", 4.90, 4'899'222'528}};
  for (const published& one : all) {
    INFO("size " << one.size);
    const mesh_shape mesh = read_mesh(one.mesh);
    const layout how{mesh.has("model") ? "batch:batch,d_ff:model,heads:model,vocab:model"
                                       : "batch:batch"};
    const auto scale = [&](std::size_t base) {
      return std::to_string(one.size < 0 ? base / 2 : base << one.size);
    };
    const std::string d_ff = "d_ff:" + scale(8192);
    const std::string heads = "heads:" + scale(8) + ", d_kv:256";
    std::size_t whole = 0;
    std::size_t held = 0;
    std::size_t replicated = 0;
    const auto count = [&](std::size_t copies, const std::string& dimensions) {
      const auto placed = how.place("w", 4, read_shape(dimensions), mesh);
      whole += copies * placed.elements();
      held += copies * placed.elements(mesh.size() - 1);
      replicated += placed.elements() == placed.elements(0) ? copies * placed.elements() : 0;
    };
    count(2, "vocab:32768, d_model:1024");   // embedding and its projection
    count(1, "length:256, d_model:1024");    // embedding of positions
    count(6 * 4, heads + ", d_model:1024");  // query, key, value, output
    count(6 * 2, d_ff + ", d_model:1024");   // six feed-forward layers
    count(6 * 2 + 1, "d_model:1024");        // scales of the normalisations
    CHECK(std::round(static_cast<double>(whole) / 1e7) / 100 == Approx(one.billions));
    if (one.parameters != 0) {
      CHECK(whole == one.parameters);
    }
    const auto ranks = static_cast<std::size_t>(mesh.has("model") ? mesh.size("model") : 1);
    CHECK((held - replicated) * ranks == whole - replicated);  // "d_ff", "heads", "vocab": over all
  }
}
