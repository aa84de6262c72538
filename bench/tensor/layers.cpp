// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What a split MLP costs over the same calls written by hand, and what exact mode costs, with BLAS
// as the user's products. The variants take turns in one run; ratios of medians are printed.
#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/barrier.hpp>
#include <rondo/tensor/mlp.hpp>
#include <rondo/transport/threads.hpp>

#include <cblas.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" void openblas_set_num_threads(int);

namespace {

using rondo::matrix;

void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, matrix<const float> a, matrix<const float> b,
          float beta, matrix<float> c) {
  const auto of = [](std::size_t n) { return static_cast<int>(n); };
  if (c.elements() != 0) {
    cblas_sgemm(CblasRowMajor, ta, tb, of(c.rows), of(c.columns),
                of(ta == CblasTrans ? a.rows : a.columns), 1.0F, a.data, of(a.stride), b.data,
                of(b.stride), beta, c.data, of(c.stride));
  }
}

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

using milliseconds = std::chrono::duration<double, std::milli>;

template <class Comm, class Act>
double timed(Comm& comm, const Act& act) {
  rondo::barrier(comm);
  const auto begun = std::chrono::steady_clock::now();
  act();
  rondo::barrier(comm);
  return milliseconds(std::chrono::steady_clock::now() - begun).count();
}

double median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

void compare(int ranks, sizes s, std::size_t leaf, int rounds) {
  std::vector<double> hand, split, exact, reduce, tree;
  rondo::threads::run(ranks, [&](auto& comm) {
    const rondo::cut features = rondo::cut::even(s.d_ff, ranks, leaf);
    const auto width = features.width(comm.rank());
    const auto tensor = rondo::along<"tensor">(comm);
    buffers b{s, width};
    const matrix<float> x{b.x.data(), s.tokens, s.d_model}, dy{b.dy.data(), s.tokens, s.d_model},
        y{b.y.data(), s.tokens, s.d_model}, dx{b.dx.data(), s.tokens, s.d_model},
        up{b.up.data(), width, s.d_model}, down{b.down.data(), s.d_model, width},
        dup{b.dup.data(), width, s.d_model}, ddown{b.ddown.data(), s.d_model, width};
    const blas by;
    const rondo::pointwise<relu> activation;

    std::vector<float> memory(4 * s.tokens * width);
    const auto part = [&](std::size_t i) {
      return matrix<float>{memory.data() + i * s.tokens * width, s.tokens, width};
    };
    const auto hidden = part(0), active = part(1), dactive = part(2), dhidden = part(3);
    const auto by_hand = [&] {
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
    };

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
    rondo::exact_mlp_gradients<float> sums{{width, s.d_model, false}, {s.d_model, width, false}};
    const auto by_leaves = [&] {
      sums.up.weight.restart(width * s.d_model);
      sums.down.weight.restart(width * s.d_model);
      sums.up.bias.restart(0);
      sums.down.bias.restart(0);
      exactly.forward(whole{x}, with, saved, whole{y});
      exactly.backward(whole{dy}, whole{x}, with, saved, whole{dx}, sums);
    };

    // The reduction alone, of the sums that a rank's leaves have been folded to.
    rondo::tree_exchange exchange{rondo::detail::leaf_cut(features, leaf)};
    rondo::tree_sum<float> terms{b.y.size()};
    for (const auto& one : rondo::detail::leaves_of(features, comm.rank(), leaf)) {
      std::fill(terms.room().begin(), terms.room().end(), 1.0F);
      terms.put(one.number);
    }
    const auto reductions = [&](const auto& act) {
      for (int i = 0; i < 20; ++i) {
        act();
      }
    };

    for (int round = -2; round < rounds; ++round) {
      const double a = timed(comm, by_hand);
      const double l = timed(comm, by_layer);
      const double e = timed(comm, by_leaves);
      const double r = timed(comm, [&] { reductions([&] { rondo::all_reduce(comm, b.y); }); });
      const double t = timed(comm, [&] {
        reductions([&] { exchange.reduce(tensor, terms, whole{y}); });
      });
      if (round >= 0 && comm.rank() == 0) {
        hand.push_back(a);
        split.push_back(l);
        exact.push_back(e);
        reduce.push_back(r);
        tree.push_back(t);
      }
    }
  });
  std::printf("%5d  %4zu x %4zu x %4zu  %8.2f ms  %6.3f  %6.3f   %8.3f ms  %6.3f\n", ranks, s.tokens,
              s.d_model, s.d_ff, median(hand), median(split) / median(hand),
              median(exact) / median(split), median(reduce) / 20, median(tree) / median(reduce));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
  openblas_set_num_threads(1);
  std::printf("ranks  tokens d_model d_ff   by hand      layer   exact/   all_reduce    tree/\n"
              "                             a step      /hand   layer                  all_reduce\n");
  for (const int ranks : {1, 2, 4}) {
    compare(ranks, {64, 1024, 4096}, 512, rounds);
  }
  compare(3, {64, 1024, 4096}, 512, rounds);
}
