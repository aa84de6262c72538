// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>

#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

int main() {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> gradient(4096, static_cast<float>(comm.rank() + 1));
    // begin: codec
    rondo::all_reduce(comm, gradient, rondo::codec::int8<128>{});  // 1.03 bytes a value on the wire
    // end: codec
    check(std::abs(gradient[4095] - 10) < 0.2f, "a sum through int8");

    std::vector<float> values(4096, static_cast<float>(comm.rank() + 1));
    const std::vector<std::span<float>> buckets{std::span{values}.first(2048),
                                                std::span{values}.last(2048)};
    // begin: feedback
    std::vector<std::vector<float>> residuals;  // one per bucket, on each rank; kept between steps
    for (const auto& bucket : buckets) {
      residuals.emplace_back(bucket.size());
    }
    std::vector<rondo::pending> pending;  // a step:
    for (std::size_t b = 0; b < buckets.size(); ++b) {
      const rondo::codec::error_feedback sign{rondo::codec::sign<2048>{}, residuals[b]};
      pending.push_back(rondo::all_reduce(comm, buckets[b], sign, rondo::async{}));
    }
    for (auto& one : pending) {
      one.wait();  // until then bucket and residual belong to the call
    }
    // end: feedback
    check(std::abs(values[4095] - 10) < 0.2f, "a sum through sign");
  });
}
