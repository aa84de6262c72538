// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "../tensor/kernels.hpp"
#include "check.hpp"

#include <rondo/rondo.hpp>
#include <rondo/tensor.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

using rondo::matrix;
using tensor_example::silu;

// begin: kernels
struct products {  // w is this rank's part; it knows nothing of the other ranks
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    ours.product(x, w, y);  // y = x w^T
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    ours.input_gradient(dy, w, dx);  // dx = dy w
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    ours.weight_gradient(dy, x, dw);  // dw += dy^T x
  }
  tensor_example::products ours{};  // plain loops; a BLAS or a kernel of your own
};
// end: kernels

float weight_at(std::size_t row, std::size_t column) {
  return static_cast<float>((3 * row + 5 * column) % 11) / 20;
}

/// Runs the layer on `ranks` ranks; the sums of y and dx, as rank 0 has them.
std::vector<float> sums(int ranks) {
  std::vector<float> found;
  rondo::threads::run(ranks, [&](auto& comm) {
    const std::size_t tokens = 3;
    const std::size_t d_model = 8;
    const std::size_t d_ff = 10;

    // begin: mlp
    rondo::mesh grid{comm, {{"data", 1}, {"tensor", comm.size()}}};
    const auto tensor = rondo::along<"tensor">(grid);             // the ranks of one axis
    const auto features = rondo::cut::even(d_ff, tensor.size());  // who has which columns of d_ff
    const std::size_t width = features.width(tensor.rank());      // how many are this rank's

    std::vector<float> up(width * d_model), down(d_model * width);  // this rank's part: yours
    std::size_t local = 0;
    for (const rondo::part run : features.runs(tensor.rank())) {  // {first column, how many}
      for (std::size_t f = run.first; f < run.first + run.count; ++f, ++local) {
        for (std::size_t i = 0; i < d_model; ++i) {
          up[local * d_model + i] = weight_at(f, i);  // row f of the whole [d_ff, d_model]
          down[i * width + local] = weight_at(i, f);  // column f of the whole [d_model, d_ff]
        }
      }
    }
    std::vector<float> d_up(up.size()), d_down(down.size());  // zero: gradients are added
    std::vector<float> x(tokens * d_model, 0.5f), y(x.size()), dy(x.size(), 1.0f), dx(x.size());
    const auto all = [&](std::vector<float>& of) {  // a view: on every rank the same values
      return rondo::replicated{matrix<float>{of.data(), tokens, d_model}};
    };
    const rondo::mlp_weights<float> weights{.up = {{up.data(), width, d_model}},
                                            .down = {{down.data(), d_model, width}}};
    const rondo::mlp_gradients<float> gradients{.up = {{d_up.data(), width, d_model}},
                                                .down = {{d_down.data(), d_model, width}}};

    rondo::mlp block{tensor, features, products{}, rondo::pointwise{silu{}}};
    rondo::mlp_saved<float> saved;  // what backward needs of this forward; it sizes itself
    block.forward(all(x), weights, saved, all(y));                        // one all_reduce
    block.backward(all(dy), all(x), weights, saved, all(dx), gradients);  // and another
    // end: mlp

    float of_y = 0;
    float of_dx = 0;
    for (std::size_t i = 0; i < y.size(); ++i) {
      of_y += y[i];
      of_dx += dx[i];
    }
    std::vector<float> of_gradients(2);
    for (const float one : d_up) {
      of_gradients[0] += one;
    }
    for (const float one : d_down) {
      of_gradients[1] += one;
    }
    rondo::all_reduce(comm, of_gradients);
    if (comm.rank() == 0) {
      found = {of_y, of_dx, of_gradients[0], of_gradients[1]};
    }
  });
  return found;
}

int main() {
  const auto one = sums(1);
  for (const int ranks : {2, 3}) {
    const auto split = sums(ranks);
    for (std::size_t i = 0; i < one.size(); ++i) {
      check(std::abs(one[i]) > 0.01f && std::abs(split[i] - one[i]) < 1e-4f * std::abs(one[i]),
            "a split layer is the whole one");
    }
  }
}
