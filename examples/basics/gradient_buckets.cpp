// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Gradients leave in buckets while the backward pass goes on.
#include <rondo/rondo.hpp>

#include <cstddef>
#include <cstdio>
#include <span>
#include <stdexcept>
#include <vector>

namespace {

constexpr std::size_t layers = 12;
constexpr std::size_t per_layer = 50'000;

/// Stands for the backward pass of one layer.
void backward(std::size_t layer, int rank, std::span<float> gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = static_cast<float>(layer) + static_cast<float>(rank);
  }
}

}  // namespace

int main() {
  rondo::threads::run(2, [](auto& comm) {
    std::vector<float> gradient(layers * per_layer);

    // begin: buckets
    constexpr std::size_t layers_per_bucket = 3;
    std::vector<rondo::pending> pending;
    for (std::size_t layer = layers; layer-- > 0;) {
      backward(layer, comm.rank(), std::span{gradient}.subspan(layer * per_layer, per_layer));
      if (layer % layers_per_bucket == 0) {  // this layer and those behind it are complete
        const auto bucket =
            std::span{gradient}.subspan(layer * per_layer, layers_per_bucket * per_layer);
        pending.push_back(rondo::all_reduce(comm, bucket, rondo::op::average{}, rondo::async{}));
      }
    }
    for (auto& one : pending) {
      one.wait();  // throws what the call threw
    }
    // end: buckets

    for (std::size_t layer = 0; layer < layers; ++layer) {
      if (gradient[layer * per_layer] != static_cast<float>(layer) + 0.5f) {
        throw std::runtime_error("not the average");
      }
    }
    if (comm.rank() == 0) {
      std::printf("%zu buckets averaged\n", pending.size());
    }
  });
}
