// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "device_layers.hpp"

#include <rondo/core/device_span.hpp>
#include <rondo/core/policies.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

// Gradients that leave in buckets while the backward pass goes on, on ranks whose memory is the
// device's; NCCL, the GPU and kernels are played by the host.
namespace {

using namespace device_layers;

constexpr std::size_t buckets = 4, elements = 50;

/// A backward pass and an update of each bucket, as a kernel each.
template <class Comm>
void pass(Comm& ranks, cudaStream_t stream) {
  std::vector<std::unique_ptr<device_array<float>>> gradient;
  for (std::size_t b = 0; b < buckets; ++b) {
    gradient.push_back(std::make_unique<device_array<float>>(std::vector<float>(elements), stream));
  }
  std::vector<typename Comm::pending> pending;
  for (std::size_t b = buckets; b-- > 0;) {
    const std::span<float> values = gradient[b]->values();
    std::fill_n(used(stream, values.data()), elements,
                static_cast<float>(b) + static_cast<float>(ranks.rank()));
    pending.push_back(rondo::all_reduce(ranks, rondo::device_span{values.data(), elements},
                                        rondo::op::average{}, rondo::async{}));
  }
  for (std::size_t b = buckets; b-- > 0;) {
    pending[buckets - 1 - b].wait();
    const float right = static_cast<float>(b) + static_cast<float>(ranks.size() - 1) / 2;
    for (const float each : gradient[b]->fetched()) {
      require(each == right, "an average");
    }
  }
}

}  // namespace

TEST_CASE("gradient buckets over NCCL: they leave while the backward pass goes on") {
  for (const int ranks : {1, 2, 3}) {
    check_waits(ranks, 2 * buckets, [](auto& both, cudaStream_t stream) { pass(both, stream); });
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("gradient buckets over NCCL: one that is dropped is waited for all the same") {
  CHECK(on_ranks(2, [](auto& both, cudaStream_t stream, auto&) {
          device_array<float> gradient{std::vector<float>(elements, 1), stream};
          static_cast<void>(rondo::all_reduce(
              both, rondo::device_span{gradient.values().data(), elements}, rondo::async{}));
          require(gradient.fetched().front() == 2, "a sum");
          require(nccl_on_threads::unordered_uses() == 0, "uses that nothing orders");
        }) == "");
}
