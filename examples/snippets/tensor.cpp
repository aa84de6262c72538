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

// begin: activation
struct squared_relu {  // pointwise{squared_relu{}}; gated{..} takes the same
  static float value(float x) { return x > 0 ? x * x : 0; }
  static float slope(float x) { return x > 0 ? 2 * x : 0; }  // the derivative at x
};
// end: activation

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

/// Two linear layers with biases, made by hand.
void two_layers() {
  rondo::threads::run(2, [](auto& comm) {
    const std::size_t tokens = 3;
    const std::size_t d_model = 8;
    const std::size_t d_ff = 10;
    const auto tensor = rondo::along<"tensor">(comm);
    const auto features = rondo::cut::even(d_ff, tensor.size());
    const std::size_t width = features.width(tensor.rank());
    std::vector<float> x_values(tokens * d_model, 0.5f), y_values(x_values), dy_values(x_values);
    std::vector<float> dx_values(x_values), h_values(tokens * width), dh_values(h_values);
    std::vector<float> w1_values(width * d_model, 0.1f), w2_values(w1_values);
    std::vector<float> dw1_values(w1_values.size()), dw2_values(w1_values.size());
    std::vector<float> b1(width, 1.0f), b2(d_model, 1.0f), db1(width), db2(d_model);
    const matrix<float> w1{w1_values.data(), width, d_model}, w2{w2_values.data(), d_model, width};
    const matrix<float> dw1{dw1_values.data(), width, d_model};
    const matrix<float> dw2{dw2_values.data(), d_model, width};
    const auto whole = [&](std::vector<float>& of) {
      return rondo::replicated{matrix<float>{of.data(), tokens, d_model}};
    };
    const auto x = whole(x_values), y = whole(y_values), dy = whole(dy_values);
    const auto dx = whole(dx_values);

    // begin: linear
    using columns = rondo::sharded<float, 1>;  // h: this rank's columns of [tokens, d_ff]
    const columns h{matrix<float>{h_values.data(), tokens, width}, features};
    const columns dh{matrix<float>{dh_values.data(), tokens, width}, features};
    rondo::column_parallel up{tensor, features, products{}};  // w1 [width, d_model], b1 [width]
    rondo::row_parallel down{tensor, features, products{}};   // w2 [d_model, width], b2 [d_model]
    rondo::linear_gradients<float> of_up{dw1, db1}, of_down{dw2, db2};  // added to

    up.forward(x, {w1, b1}, h);    // no collective
    down.forward(h, {w2, b2}, y);  // all_reduce(y), then b2: whole on every rank, added once
    down.backward(dy, h, {w2, b2}, dh, of_down);  // no collective
    up.backward(dh, x, {w1, b1}, dx, of_up);      // all_reduce(dx)
    // end: linear
    check(std::abs(y_values[0] - (1 + 10 * 1.4f * 0.1f)) < 1e-5f, "one bias, ten features");
    check(std::abs(db2[0] - 1.5f) < 1e-6f && std::abs(dx_values[0] - 10 * 0.04f) < 1e-5f,
          "their gradients");
  });
}

/// Two replicas of a layer that is split over two ranks.
void two_axes() {
  rondo::threads::run(4, [](auto& comm) {
    const std::size_t batch = 5;
    std::vector<float> d_up(6, static_cast<float>(comm.rank()));

    // begin: data
    rondo::mesh grid{comm, {{"data", 2}, {"tensor", 2}}};  // rank = 2 data + tensor
    const auto rows = rondo::cut::even(batch, grid.size("data"));
    const rondo::part mine = rows.runs(grid.coordinate("data"))[0];
    // rows mine.first .. mine.first + mine.count - 1 of the batch go forward and backward through
    // layers over along<"tensor">(grid); then the gradients of weights are summed over data:
    rondo::all_reduce(grid["data"], d_up);  // or with op::average{}, for a mean over replicas
    // end: data
    check(mine == (comm.rank() < 2 ? rondo::part{0, 3} : rondo::part{3, 2}), "rows of the batch");
    check(d_up[0] == static_cast<float>(2 * (comm.rank() % 2) + 2), "the sum over data");
  });
}

int main() {
  two_layers();
  two_axes();
  static_assert(rondo::activation_kernels<rondo::pointwise<squared_relu>, float>);
  check(squared_relu::value(3) == 9 && squared_relu::slope(3) == 6, "value and slope");
  const auto one = sums(1);
  for (const int ranks : {2, 3}) {
    const auto split = sums(ranks);
    for (std::size_t i = 0; i < one.size(); ++i) {
      check(std::abs(one[i]) > 0.01f && std::abs(split[i] - one[i]) < 1e-4f * std::abs(one[i]),
            "a split layer is the whole one");
    }
  }
}
