// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/data.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace {

/// Stands for keys that clients agreed about, each pair by a key exchange.
rondo::data::chacha20_key key_shared_by(int one, int other) {
  return {static_cast<std::uint32_t>(one + other), static_cast<std::uint32_t>(one * other), 7, 7};
}

// begin: momentum
struct momentum {
  std::vector<float> velocity;  // as long as the parameters that it updates
  void update(std::span<float> values, std::span<const float> slopes, float factor) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      velocity[i] = 0.9f * velocity[i] + factor * slopes[i];
      values[i] -= 0.1f * velocity[i];
    }
  }
};
// end: momentum

}  // namespace

int main() {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> gradient(1001, 2.0f), parameters(1001, 1.0f);
    const std::uint64_t tokens = 100 + static_cast<std::uint64_t>(comm.rank());

    // begin: tokens
    const double factor = rondo::data::per_token(comm, tokens);  // 1 / all ranks' tokens
    rondo::data::sum_scaled(comm, gradient, factor);             // in place
    // end: tokens
    check(std::abs(gradient[0] - 8.0f / 406) < 1e-7f, "the mean over 406 tokens");

    gradient.assign(1001, 1.0f);
    // begin: sharded
    rondo::data::sharded_optimizer shards{comm, parameters.size()};
    momentum own{std::vector<float>(shards.own().count)};  // of a quarter of the parameters

    shards.step(parameters, gradient, [&](std::span<float> values, std::span<const float> slopes) {
      const double norm = rondo::data::gradient_norm(comm, slopes);  // of all ranks' parts
      own.update(values, slopes, norm > 1 ? static_cast<float>(1 / norm) : 1.0f);
    });
    // end: sharded
    check(parameters[0] < 1 && parameters[0] == parameters[1000], "all parts are updated");

    const std::uint64_t samples = 10 * static_cast<std::uint64_t>(comm.rank());
    parameters.assign(3, static_cast<float>(comm.rank()));
    // begin: federated
    rondo::data::federated_average(comm, parameters, samples);  // sum n_k w_k / sum n_k
    // end: federated
    check(std::abs(parameters[0] - 14.0f / 6) < 1e-6f, "(0 + 10 + 40 + 90) / 60");

    const int round = 12;
    // begin: secure
    const auto key_of = [&](int peer) { return key_shared_by(comm.rank(), peer); };
    rondo::data::secure_average(comm, parameters, 1, {.number = round}, key_of);
    // end: secure
    check(std::abs(parameters[0] - 14.0f / 6) < 4e-6f, "the mean of equals, to half a step");
  });

  // begin: states
  using rondo::data::sharded;
  const double all = rondo::data::bytes_held(7.5e9, 64, sharded::nothing);  // 120e9 bytes a rank
  const double third = rondo::data::bytes_held(7.5e9, 64, sharded::parameters);        // 1.875e9
  const double fits = rondo::data::parameters_that_fit(32e9, 64, sharded::optimizer);  // 7.6e9
  const double sent =
      rondo::data::elements_sent(7.5e9, 64, sharded::optimizer);  // 2 x 63/64 x 7.5e9
  // end: states
  check(all == 120e9 && third == 1.875e9 && fits > 7.6e9 && sent < 15e9, "the figures");

  // begin: stale
  constexpr rondo::data::stale_synchronous rule{.bound = 2};
  static_assert(rule.may_start(7, 5));   // clock 7, the slowest worker at 5
  static_assert(!rule.may_start(8, 5));  // wait
  static_assert(rule.seen(7) == 5);      // updates 0 .. 4 of every worker are there
  // end: stale
}
