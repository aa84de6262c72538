// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/tensor.hpp>
#include <rondo/tensor/cuda_ranks.hpp>
#include <rondo/testing/recording.hpp>
#include <rondo/transport/cuda/buffer.hpp>

#include "catch.hpp"
#include "tensor/expect_planned.hpp"
#include "tensor/mlp_case.hpp"

#include <algorithm>
#include <string>
#include <vector>

// Layers whose matrices are in memory of the device, over an NCCL communicator; NCCL and the GPU are
// played by the host, which cannot read or write the addresses that are the device's.
namespace {

using namespace mlp_case;
using ranks::communicator;
using ranks::require;
using ranks::thrown_by;
using rondo::matrix;

/// A matrix in memory of the device.
class device_matrix {
 public:
  device_matrix(std::size_t rows, std::size_t columns)
      : device_matrix(owned<float>(rows, columns)) {}
  explicit device_matrix(const owned<float>& values)
      : rows_{values.rows}, columns_{values.columns}, memory_{values.memory.size()} {
    std::copy(values.memory.begin(), values.memory.end(), fake_nccl::on_host(memory_.data()));
  }
  [[nodiscard]] matrix<float> view() { return {memory_.data(), rows_, columns_}; }
  [[nodiscard]] std::span<float> values() { return {memory_.data(), memory_.size()}; }
  [[nodiscard]] owned<float> fetched(cudaStream_t stream) {
    fake_nccl::use(stream, memory_.data());
    owned<float> values(rows_, columns_);
    std::copy_n(fake_nccl::on_host(memory_.data()), memory_.size(), values.memory.begin());
    return values;
  }

 private:
  std::size_t rows_;
  std::size_t columns_;
  rondo::cuda::buffer<float> memory_;
};

/// The plain loops as kernels on a stream.
struct kernels {
  cudaStream_t stream;
  int* waits_at_gradient = nullptr;

  template <class T>
  [[nodiscard]] matrix<T> used(matrix<T> of) const {
    fake_nccl::use(stream, of.data);
    return {fake_nccl::on_host(of.data), of.rows, of.columns, of.stride};
  }
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    loops::kernels{}.product(used(x), used(w), used(y));
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    loops::kernels{}.input_gradient(used(dy), used(w), used(dx));
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    if (waits_at_gradient != nullptr) {
      *waits_at_gradient = fake_nccl::waits();
    }
    loops::kernels{}.weight_gradient(used(dy), used(x), used(dw));
  }
};
struct kernels_with_bias : kernels {
  void add_bias(std::span<const float> bias, matrix<float> y) const {
    const auto values = used(matrix<const float>{bias.data(), 1, bias.size()});
    const auto to = used(y);
    for (std::size_t i = 0; i < to.rows; ++i) {
      for (std::size_t j = 0; j < to.columns; ++j) {
        to(i, j) += values(0, j);
      }
    }
  }
  void bias_gradient(matrix<const float> dy, std::span<float> dbias) const {
    const auto from = used(dy);
    const auto to = used(matrix<float>{dbias.data(), 1, dbias.size()});
    for (std::size_t i = 0; i < from.rows; ++i) {
      for (std::size_t j = 0; j < from.columns; ++j) {
        to(0, j) += from(i, j);
      }
    }
  }
};

template <class Inner>
struct activation_on {
  static constexpr int parts = Inner::parts;
  kernels on;
  Inner inner{};
  void forward(matrix<const float> hidden, matrix<float> active) const {
    inner.forward(on.used(hidden), on.used(active));
  }
  void backward(matrix<const float> hidden, matrix<const float> dactive,
                matrix<float> dhidden) const {
    inner.backward(on.used(hidden), on.used(dactive), on.used(dhidden));
  }
};

struct stream {
  cudaStream_t raw = nullptr;
  stream() { cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking); }
};

/// body(ranks of layers, their stream, the same ranks on the host) on `size` threads; what the first
/// that failed says.
template <class Body>
std::string on_ranks(int size, const Body& body) {
  fake_nccl::hide_device_memory(true);
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  std::vector<std::string> failures(static_cast<std::size_t>(size));
  rondo::threads::run(size, [&](auto& control) {
    failures[static_cast<std::size_t>(control.rank())] = thrown_by([&] {
      auto values = communicator::adopt(ranks::raw_communicator(id, control.rank(), size));
      const stream compute;
      rondo::cuda_ranks both{values, rondo::on{compute.raw}};
      body(both, compute.raw, control);
      rondo::barrier(control);  // nobody has left yet
    });
  });
  fake_nccl::hide_device_memory(false);
  for (const auto& one : failures) {
    if (!one.empty()) {
      return one;
    }
  }
  return {};
}

/// A forward and a backward pass, twice over the same memory; `Rows` is -1 for replicated rows, 0
/// for sequence parallelism.
template <int Rows, class Activation, class Team>
results pass(const Team& tensor, const cut& features, cudaStream_t stream) {
  const int rank = tensor.rank();
  const cut rows = cut::even(tokens, tensor.size());
  const auto here = Rows < 0 ? all(tokens) : held(rows, rank);
  const auto mine = held(features, rank);
  const auto wide = held(hidden_cut(features, Activation::parts), rank);
  device_matrix x{numbers<float>(x_, here, all(d_model))};
  device_matrix dy{numbers<float>(dy_, here, all(d_model))};
  device_matrix up{weights<float>(up_, wide, all(d_model))};
  device_matrix down{weights<float>(down_, all(d_model), mine)};
  device_matrix b{numbers<float>(up_bias_, {0}, wide)};
  device_matrix c{numbers<float>(down_bias_, {0}, all(d_model))};
  device_matrix y{here.size(), d_model}, dx{here.size(), d_model};
  device_matrix dup{wide.size(), d_model}, ddown{d_model, mine.size()};
  device_matrix db{1, wide.size()}, dc{1, d_model};
  const auto placed = [&](device_matrix& of) {
    if constexpr (Rows < 0) {
      return rondo::replicated<float>{of.view()};
    } else {
      return rondo::sharded<float, 0>{of.view(), rows};
    }
  };
  rondo::mlp block{tensor, features, kernels_with_bias{{stream}},
                   activation_on<Activation>{{stream}}};
  rondo::mlp_saved<float, rondo::cuda::buffer<float>> saved;
  const rondo::mlp_weights<float> with{{up.view(), b.values()}, {down.view(), c.values()}};
  const rondo::mlp_gradients<float> to{{dup.view(), db.values()}, {ddown.view(), dc.values()}};
  block.forward(placed(x), with, saved, placed(y));
  block.backward(placed(dy), placed(x), with, saved, placed(dx), to);
  const auto fetched = [&](device_matrix& of) { return of.fetched(stream); };
  return {fetched(y),  fetched(dx),    fetched(dup),
          fetched(db), fetched(ddown), fetched(dc)};
}

template <int Rows, class Activation>
void check_values() {
  const auto expected = oracle(Activation{});
  for (const int size : {1, 2, 3, 4}) {
    for (const cut& features : feature_cuts(size)) {
      CHECK(on_ranks(size, [&](auto& both, cudaStream_t stream, auto& control) {
              const auto tensor = rondo::along<"tensor">(both);
              near(pass<Rows, Activation>(tensor, features, stream), expected, control, features,
                   Rows);
              require(fake_nccl::unordered_uses() == 0,
                      std::to_string(fake_nccl::unordered_uses()) + " uses that no event orders");
            }) == "");
    }
  }
  CHECK(fake_nccl::blocks() == 0);
}

}  // namespace

TEST_CASE("layers over NCCL: values and gradients are those of one rank") {
  check_values<-1, rondo::pointwise<softplus>>();
  check_values<-1, rondo::gated<softplus>>();
}

TEST_CASE("layers over NCCL: the same from and to shards of the rows") {
  check_values<0, rondo::pointwise<softplus>>();
  check_values<0, rondo::gated<softplus>>();
}
