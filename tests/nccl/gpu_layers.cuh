// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/layers/mlp.hpp>
#include <rondo/tensor/mesh.hpp>

#include "tensor/mlp_case.hpp"

#include <cstddef>
#include <span>
#include <vector>

/// An MLP whose ranks are GPUs, with plain kernels for its products, against plain loops in double.
namespace gpu_layers {

using loops::all;
using loops::held;
using loops::numbers;
using loops::owned;
using rondo::cut;
using rondo::matrix;

/// body(i, j) for every element of a matrix.
template <class Body>
__global__ void each_kernel(std::size_t rows, std::size_t columns, Body body) {
  const std::size_t first = blockIdx.x * std::size_t{blockDim.x} + threadIdx.x;
  for (std::size_t e = first; e < rows * columns; e += std::size_t{gridDim.x} * blockDim.x) {
    body(e / columns, e % columns);
  }
}
template <class Body>
void each(std::size_t rows, std::size_t columns, const Body& body, cudaStream_t stream) {
  if (rows * columns != 0) {
    each_kernel<<<64, 128, 0, stream>>>(rows, columns, body);
    rondo::cuda::require(cudaGetLastError(), "a kernel of the test");
  }
}

/// out(i, j) (+)= the sum over k of a(i, k) b(k, j), each with its strides.
struct multiply {
  const float* a;
  std::size_t a_i, a_k;
  const float* b;
  std::size_t b_k, b_j;
  std::size_t terms;
  float* out;
  std::size_t out_i;
  bool adds;
  __device__ void operator()(std::size_t i, std::size_t j) const {
    float sum = adds ? out[i * out_i + j] : 0.0f;
    for (std::size_t k = 0; k < terms; ++k) {
      sum += a[i * a_i + k * a_k] * b[k * b_k + j * b_j];
    }
    out[i * out_i + j] = sum;
  }
};
struct add_to_rows {
  const float* bias;
  matrix<float> y;
  __device__ void operator()(std::size_t i, std::size_t j) const {
    y.data[i * y.stride + j] += bias[j];
  }
};
struct add_rows {
  matrix<const float> dy;
  float* bias;
  __device__ void operator()(std::size_t, std::size_t j) const {
    for (std::size_t i = 0; i < dy.rows; ++i) {
      bias[j] += dy.data[i * dy.stride + j];
    }
  }
};
struct softplus_of {
  matrix<const float> hidden;
  matrix<float> active;
  __device__ void operator()(std::size_t i, std::size_t j) const {
    active.data[i * active.stride + j] = log1pf(expf(hidden.data[i * hidden.stride + j]));
  }
};
struct softplus_slope {
  matrix<const float> hidden, dactive;
  matrix<float> dhidden;
  __device__ void operator()(std::size_t i, std::size_t j) const {
    dhidden.data[i * dhidden.stride + j] =
        dactive.data[i * dactive.stride + j] / (1.0f + expf(-hidden.data[i * hidden.stride + j]));
  }
};

// begin: products
struct products {  // every function enqueues on the layers' stream, and returns
  cudaStream_t stream;
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    each(y.rows, y.columns,
         multiply{x.data, x.stride, 1, w.data, 1, w.stride, x.columns, y.data, y.stride, false},
         stream);
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    each(dx.rows, dx.columns,
         multiply{dy.data, dy.stride, 1, w.data, w.stride, 1, w.rows, dx.data, dx.stride, false},
         stream);
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    each(dw.rows, dw.columns,
         multiply{dy.data, 1, dy.stride, x.data, x.stride, 1, x.rows, dw.data, dw.stride, true},
         stream);
  }
  void add_bias(std::span<const float> bias, matrix<float> y) const {  // with a bias, these two
    each(y.rows, y.columns, add_to_rows{bias.data(), y}, stream);
  }
  void bias_gradient(matrix<const float> dy, std::span<float> dbias) const {
    each(1, dy.columns, add_rows{dy, dbias.data()}, stream);
  }
};
// end: products
struct softplus {
  static constexpr int parts = 1;
  cudaStream_t stream;
  void forward(matrix<const float> hidden, matrix<float> active) const {
    each(active.rows, active.columns, softplus_of{hidden, active}, stream);
  }
  void backward(matrix<const float> hidden, matrix<const float> dactive,
                matrix<float> dhidden) const {
    each(dactive.rows, dactive.columns, softplus_slope{hidden, dactive, dhidden}, stream);
  }
};

/// Values in memory of the device.
class device_matrix {
 public:
  explicit device_matrix(const owned<float>& values)
      : rows_{values.rows}, columns_{values.columns}, memory_{values.memory.size() + 1} {
    set(values);
  }
  void set(const owned<float>& values) {
    rondo::cuda::require(cudaMemcpy(memory_.data(), values.memory.data(),
                                    values.memory.size() * sizeof(float), cudaMemcpyHostToDevice),
                         "cudaMemcpy");
    // Pageable memory: streams that do not wait for the default one are not ordered behind it.
    rondo::cuda::require(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  }
  [[nodiscard]] matrix<float> view() { return {memory_.data(), rows_, columns_}; }
  [[nodiscard]] std::span<float> values() { return view().values(); }
  [[nodiscard]] owned<float> on_host() {
    rondo::cuda::require(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
    owned<float> values(rows_, columns_);
    rondo::cuda::require(cudaMemcpy(values.memory.data(), memory_.data(),
                                    values.memory.size() * sizeof(float), cudaMemcpyDeviceToHost),
                         "cudaMemcpy");
    return values;
  }

 private:
  std::size_t rows_;
  std::size_t columns_;
  rondo::cuda::buffer<float> memory_;
};

/// Passes of an MLP, with rows replicated (-1) or split (0): one enqueued, one captured and
/// replayed. The gradients of the weights add up over both.
template <int Rows>
mlp_case::results passes(rondo::nccl::communicator& nccl, cudaStream_t stream) {
  using namespace mlp_case;
  const cut rows = cut::even(tokens, nccl.size());
  const auto here = Rows < 0 ? all(tokens) : held(rows, nccl.rank());
  const auto all = [&](device_matrix& of) {
    if constexpr (Rows < 0) {
      return rondo::replicated<float>{of.view()};
    } else {
      return rondo::sharded<float, 0>{of.view(), rows};
    }
  };
  const auto mine = held(cut::even(d_ff, nccl.size()), nccl.rank());
  const auto whole = loops::all(d_model);
  device_matrix x{numbers<float>(x_, here, whole)}, dy{numbers<float>(dy_, here, whole)};
  device_matrix up{mlp_case::weights<float>(up_, mine, whole)};
  device_matrix down{mlp_case::weights<float>(down_, whole, mine)};
  device_matrix b{numbers<float>(up_bias_, {0}, mine)}, c{numbers<float>(down_bias_, {0}, whole)};
  device_matrix y{owned<float>(here.size(), d_model)}, dx{owned<float>(here.size(), d_model)};
  device_matrix dup{owned<float>(mine.size(), d_model)}, ddown{owned<float>(d_model, mine.size())};
  device_matrix db{owned<float>(1, mine.size())}, dc{owned<float>(1, d_model)};
  const rondo::mlp_weights<float> weights{{up.view(), b.values()}, {down.view(), c.values()}};
  const rondo::mlp_gradients<float> gradients{{dup.view(), db.values()},
                                              {ddown.view(), dc.values()}};
  // begin: mlp
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};  // nccl is an nccl::communicator
  rondo::mesh grid{ranks, {{"data", 1}, {"tensor", ranks.size()}}};
  const auto tensor = rondo::along<"tensor">(grid);
  const auto features = rondo::cut::even(d_ff, tensor.size());

  rondo::mlp block{tensor, features, products{stream}, softplus{stream}};
  rondo::mlp_saved<float, rondo::cuda::buffer<float>> saved;
  // x, y, weights and their gradients are views of the device's memory
  block.forward(all(x), weights, saved, all(y));                        // enqueued
  block.backward(all(dy), all(x), weights, saved, all(dx), gradients);  // and so is this
  // end: mlp
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t ready = nullptr;
  using rondo::cuda::require;
  require(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
  block.forward(all(x), weights, saved, all(y));
  block.backward(all(dy), all(x), weights, saved, all(dx), gradients);
  require(cudaStreamEndCapture(stream, &graph), "capture");
  require(cudaGraphInstantiate(&ready, graph, 0), "cudaGraphInstantiate");
  const owned<float> nothing(here.size(), d_model);
  y.set(nothing);
  dx.set(nothing);
  require(cudaDeviceSynchronize(), "cudaDeviceSynchronize");
  require(cudaGraphLaunch(ready, stream), "cudaGraphLaunch");
  mlp_case::results got{y.on_host(),  dx.on_host(),    dup.on_host(),
                        db.on_host(), ddown.on_host(), dc.on_host()};
  require(cudaGraphExecDestroy(ready), "cudaGraphExecDestroy");
  require(cudaGraphDestroy(graph), "cudaGraphDestroy");
  for (auto* gradient : {&got.dup, &got.dup_bias, &got.ddown, &got.ddown_bias}) {
    for (float& value : gradient->memory) {
      value /= 2;
    }
  }
  return got;
}

/// Conversions: of blocks that are packed and unpacked, and one that goes on behind.
inline void check_conversions(rondo::nccl::communicator& nccl, cudaStream_t stream) {
  using rondo::testing::expect;
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  const auto tensor = rondo::along<"tensor">(ranks);
  const cut columns = cut::even(11, tensor.size());
  const auto mine = held(columns, tensor.rank());
  const auto expected = numbers<float>(3, all(5), all(11));
  device_matrix part{numbers<float>(3, all(5), mine)}, whole{owned<float>(5, 11)};
  rondo::convert(tensor, rondo::sharded<float, 1>{part.view(), columns},
                 rondo::replicated<float>{whole.view()});  // gathered, then unpacked
  expect(whole.on_host() == expected, "columns gathered");
  part.set(owned<float>(5, mine.size()));
  rondo::convert(tensor, rondo::replicated<float>{whole.view()},
                 rondo::sharded<float, 1>{part.view(), columns});
  expect(part.on_host() == numbers<float>(3, all(5), mine), "columns cut out");
  const cut rows = cut::even(5, tensor.size());
  device_matrix some{owned<float>(rows.width(tensor.rank()), 11)};
  rondo::convert(tensor, rondo::sharded<float, 1>{part.view(), columns},
                 rondo::sharded<float, 0>{some.view(), rows});
  expect(some.on_host() == numbers<float>(3, held(rows, tensor.rank()), all(11)), "exchanged");
  rondo::convert(tensor, rondo::partial<float, rondo::op::max>{whole.view()},
                 rondo::replicated<float>{whole.view()}, rondo::async{})
      .wait();  // on the stream of what is behind, also of one rank
  expect(whole.on_host() == expected, "the maximum of equal matrices");
}

/// A backward pass of one layer.
struct fill {
  float* gradient;
  float value;
  __device__ void operator()(std::size_t, std::size_t i) const { gradient[i] = value; }
};

/// Gradients that leave in buckets while the backward pass goes on.
inline void check_buckets(rondo::nccl::communicator& nccl, cudaStream_t stream) {
  constexpr std::size_t layers = 12, per_layer = 50'000, per_bucket = 3;
  device_matrix gradient{owned<float>(layers, per_layer)};
  const auto backward = [&](std::size_t layer) {
    const float value = static_cast<float>(layer) + static_cast<float>(nccl.rank());
    each(1, per_layer, fill{gradient.view().row(layer).data(), value}, stream);
  };
  // begin: buckets
  rondo::layer_ranks ranks{nccl, rondo::on{stream}};
  const rondo::device_span<float> all{gradient.values().data(), layers * per_layer};
  std::vector<decltype(ranks)::pending> pending;
  for (std::size_t layer = layers; layer-- > 0;) {
    backward(layer);  // enqueues kernels on `stream`
    if (layer % per_bucket == 0) {
      const auto bucket = all.subspan(layer * per_layer, per_bucket * per_layer);
      pending.push_back(rondo::all_reduce(ranks, bucket, rondo::op::average{}, rondo::async{}));
    }
  }
  for (auto& one : pending) {
    one.wait();  // what follows on `stream` follows the call
  }
  // end: buckets
  const auto got = gradient.on_host();
  for (std::size_t layer = 0; layer < layers; ++layer) {
    const float right = static_cast<float>(layer) + static_cast<float>(nccl.size() - 1) / 2;
    for (std::size_t i = 0; i < per_layer; ++i) {
      rondo::testing::expect(got.memory[layer * per_layer + i] == right, "an average of buckets");
    }
  }
}

inline void check(rondo::nccl::communicator& nccl) {
  const auto expected = mlp_case::oracle(rondo::pointwise<mlp_case::softplus>{});
  cudaStream_t stream = nullptr;
  rondo::cuda::require(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "a stream");
  const cut features = cut::even(mlp_case::d_ff, nccl.size());
  mlp_case::near(passes<-1>(nccl, stream), expected, nccl, features, -1);
  mlp_case::near(passes<0>(nccl, stream), expected, nccl, features, 0);
  check_conversions(nccl, stream);
  check_buckets(nccl, stream);
  rondo::cuda::require(cudaStreamDestroy(stream), "cudaStreamDestroy");
}

}  // namespace gpu_layers
