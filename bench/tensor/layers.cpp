// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What a split MLP costs over the same calls written by hand, and what exact mode costs, with BLAS
// as the user's products. The variants take turns, in both orders; medians of the rounds' ratios
// are printed. The control is the calls by hand once more, in memory of their own.
#include "blas.hpp"
#include "turns.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/tensor/layers/mlp.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using bench::gemm;
using rondo::matrix;

struct blas {
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    gemm(CblasNoTrans, CblasTrans, x, w, 0, y);
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    gemm(CblasNoTrans, CblasNoTrans, dy, w, 0, dx);
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    gemm(CblasTrans, CblasNoTrans, dy, x, 1, dw);
  }
};

struct relu {
  [[nodiscard]] float value(float x) const { return x > 0 ? x : 0; }
  [[nodiscard]] float slope(float x) const { return x > 0 ? 1.0F : 0.0F; }
};

struct sizes {
  std::size_t tokens, d_model, d_ff;
};

struct buffers {
  std::vector<float> x, dy, y, dx, up, down, dup, ddown;
  buffers(sizes s, std::size_t width)
      : x(s.tokens * s.d_model, 0.01F),
        dy(x),
        y(x),
        dx(x),
        up(width * s.d_model, 0.01F),
        down(up),
        dup(up.size()),
        ddown(up.size()) {}
};

/// The calls by hand, with memory of their own.
template <class Comm>
struct by_hand {
  Comm& comm;
  sizes s;
  std::size_t width;
  buffers b{s, width};
  std::vector<float> memory = std::vector<float>(4 * s.tokens * width);

  void operator()() {
    const blas by;
    const rondo::pointwise<relu> activation;
    const matrix<float> x{b.x.data(), s.tokens, s.d_model}, dy{b.dy.data(), s.tokens, s.d_model},
        y{b.y.data(), s.tokens, s.d_model}, dx{b.dx.data(), s.tokens, s.d_model},
        up{b.up.data(), width, s.d_model}, down{b.down.data(), s.d_model, width},
        dup{b.dup.data(), width, s.d_model}, ddown{b.ddown.data(), s.d_model, width};
    const auto part = [&](std::size_t i) {
      return matrix<float>{memory.data() + i * s.tokens * width, s.tokens, width};
    };
    const auto hidden = part(0), active = part(1), dactive = part(2), dhidden = part(3);
    by.product(x, up, hidden);
    activation.forward(matrix<const float>{hidden}, active);
    by.product(active, down, y);
    rondo::all_reduce(comm, b.y);
    by.input_gradient(dy, down, dactive);
    by.weight_gradient(dy, active, ddown);
    activation.backward(matrix<const float>{hidden}, matrix<const float>{dactive}, dhidden);
    by.input_gradient(dhidden, up, dx);
    auto sum = rondo::all_reduce(comm, b.dx, rondo::async{});
    by.weight_gradient(dhidden, x, dup);
    sum.wait();
  }
};

void compare(int ranks, sizes s, std::size_t leaf, int rounds) {
  bench::turns steps{4};
  rondo::threads::run(ranks, [&](auto& comm) {
    using communicator = std::remove_reference_t<decltype(comm)>;
    const rondo::cut features = rondo::cut::even(s.d_ff, ranks, leaf);
    const auto width = features.width(comm.rank());
    const auto tensor = rondo::along<"tensor">(comm);
    by_hand<communicator> hand{comm, s, width}, control{comm, s, width};
    buffers b{s, width};
    const matrix<float> x{b.x.data(), s.tokens, s.d_model}, dy{b.dy.data(), s.tokens, s.d_model},
        y{b.y.data(), s.tokens, s.d_model}, dx{b.dx.data(), s.tokens, s.d_model},
        up{b.up.data(), width, s.d_model}, down{b.down.data(), s.d_model, width},
        dup{b.dup.data(), width, s.d_model}, ddown{b.ddown.data(), s.d_model, width};
    const blas by;
    const rondo::pointwise<relu> activation;
    using whole = rondo::replicated<float>;
    const rondo::mlp_weights<float> with{{up, {}}, {down, {}}};
    rondo::mlp_saved<float> saved;
    rondo::mlp block{tensor, features, by, activation};
    const auto by_layer = [&] {
      block.forward(whole{x}, with, saved, whole{y});
      block.backward(whole{dy}, whole{x}, with, saved, whole{dx},
                     rondo::mlp_gradients<float>{{dup, {}}, {ddown, {}}});
    };

    rondo::mlp exactly{tensor, features, by, activation, rondo::exact{leaf, s.tokens}};
    rondo::exact_mlp_gradients<float> gradients{{width, s.d_model, false},
                                                {s.d_model, width, false}};
    const auto by_leaves = [&] {
      gradients.up.restart();
      gradients.down.restart();
      exactly.forward(whole{x}, with, saved, whole{y});
      exactly.backward(whole{dy}, whole{x}, with, saved, whole{dx}, gradients);
    };
    for (int round = 0; round < rounds + 2; ++round) {
      steps.round(
          comm, round, 1, [&] { hand(); }, by_layer, [&] { control(); }, by_leaves);
    }
  });
  std::printf("%5d  %8.2f ms  %7.3f  %7.3f  %7.3f\n", ranks, steps.milliseconds(0),
              steps.ratio(2, 0), steps.ratio(1, 0), steps.ratio(3, 1));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
  openblas_set_num_threads(1);
  std::printf(
      "       64 x 1024 x 4096 floats: a step\n"
      "ranks   by hand   control    layer   exact/\n"
      "                    /hand    /hand    layer\n");
  for (const int ranks : {1, 2, 3, 4}) {
    compare(ranks, {64, 1024, 4096}, 512, rounds);
  }
}
