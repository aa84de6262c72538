// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/codec/error_feedback.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/sign.hpp>
#include <rondo/codec/top_k.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

/// The distance to the next float, at this magnitude.
double ulp(double magnitude) {
  const auto value = static_cast<float>(magnitude);
  return double{std::nextafterf(value, HUGE_VALF)} - double{value};
}

/// The largest |sum(sent) + residual - sum(input)|, in ulp of what sum(input) was at its largest.
template <class Codec>
double worst_drift(const Codec& inner, std::size_t count, int steps) {
  std::vector<float> residual(count, 0.0f);
  const codec::error_feedback codec{inner, residual};
  std::vector<double> given(count, 0.0);
  std::vector<double> largest(count, 0.0);
  std::vector<double> sent(count, 0.0);
  bytes wire(codec.wire_bytes(count));
  std::vector<float> got(count);
  for (int step = 0; step < steps; ++step) {
    const auto values = samples::gaussian(count, static_cast<std::uint64_t>(step));
    codec.encode(values, wire, {.step = static_cast<std::uint64_t>(step)});
    codec.decode(wire, got);
    for (std::size_t i = 0; i < count; ++i) {
      given[i] += double{values[i]};
      largest[i] = std::max(largest[i], std::abs(given[i]));
      sent[i] += double{got[i]};
    }
  }
  double worst = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const double drift = std::abs(sent[i] + double{residual[i]} - given[i]);
    worst = std::max(worst, drift / ulp(largest[i]));
  }
  return worst;
}

/// Four ranks, each with its own part of a least-squares problem. They disagree about every 51st
/// unknown: there, gradients stay large where their sum is zero.
class least_squares {
 public:
  static constexpr std::size_t ranks = 4;
  static constexpr std::size_t unknowns = 256;
  static constexpr std::size_t rows = 192;

  least_squares() {
    samples::random draw{1};
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      for (std::size_t i = 0; i < rows * unknowns; ++i) {
        matrix_[rank].push_back(static_cast<float>(draw.gaussian()));
      }
      for (std::size_t row = 0; row < rows; ++row) {
        double right = 0.05 * draw.gaussian();
        for (std::size_t i = 0; i < unknowns; ++i) {
          const double own = rank == 0 ? 0.24 : -0.08;
          const double truth = 0.3 * std::sin(double(i)) + (i % 51 == 7 ? own : 0.0);
          right += double{matrix_[rank][row * unknowns + i]} * truth;
        }
        right_[rank].push_back(static_cast<float>(right));
      }
    }
  }

  /// Mean squared error of x, and with `gradient` its gradient on one rank.
  double error(std::size_t rank, const std::vector<float>& x, std::vector<float>* gradient) const {
    double sum = 0;
    if (gradient != nullptr) {
      gradient->assign(unknowns, 0.0f);
    }
    for (std::size_t row = 0; row < rows; ++row) {
      const float* a = matrix_[rank].data() + row * unknowns;
      float off = -right_[rank][row];
      for (std::size_t i = 0; i < unknowns; ++i) {
        off += a[i] * x[i];
      }
      sum += double{off} * double{off};
      for (std::size_t i = 0; gradient != nullptr && i < unknowns; ++i) {
        (*gradient)[i] += a[i] * off * (2.0f / rows);
      }
    }
    return sum / rows;
  }

  double error(const std::vector<float>& x) const {
    double sum = 0;
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      sum += error(rank, x, nullptr);
    }
    return sum / ranks;
  }

  /// Gradient descent; `send(rank, step, gradient)` replaces a gradient by what arrives of it.
  template <class Send>
  double solve(const Send& send) const {
    std::vector<float> x(unknowns, 0.0f);
    std::vector<float> gradient;
    for (int step = 0; step < 4000; ++step) {
      const float rate = 0.04f / (1.0f + static_cast<float>(step) / 500.0f);
      std::vector<float> sum(unknowns, 0.0f);
      for (std::size_t rank = 0; rank < ranks; ++rank) {
        error(rank, x, &gradient);
        send(rank, step, gradient);
        for (std::size_t i = 0; i < unknowns; ++i) {
          sum[i] += gradient[i];
        }
      }
      for (std::size_t i = 0; i < unknowns; ++i) {
        x[i] -= rate / ranks * sum[i];
      }
    }
    return error(x);
  }

  template <class Codec>
  double solve_through(const Codec& codec) const {
    bytes wire(codec.wire_bytes(unknowns));
    return solve([&](std::size_t rank, int step, std::vector<float>& gradient) {
      codec.encode(
          gradient, wire,
          {.step = static_cast<std::uint64_t>(step), .rank = static_cast<std::uint32_t>(rank)});
      codec.decode(wire, gradient);
    });
  }

  template <class Codec>
  double solve_with_feedback(const Codec& inner) const {
    std::vector<std::vector<float>> residuals(ranks, std::vector<float>(unknowns, 0.0f));
    bytes wire(inner.wire_bytes(unknowns));
    return solve([&](std::size_t rank, int, std::vector<float>& gradient) {
      const codec::error_feedback codec{inner, residuals[rank]};
      codec.encode(gradient, wire);
      codec.decode(wire, gradient);
    });
  }

 private:
  std::vector<float> matrix_[ranks];
  std::vector<float> right_[ranks];
};

}  // namespace

TEST_CASE("error feedback: what was sent and what is left are what was given, after 1,000 steps") {
  CHECK(worst_drift(codec::sign<256>{}, 700, 1000) <= 4);
  CHECK(worst_drift(codec::int2<32>{}, 700, 1000) <= 4);
  CHECK(worst_drift(codec::int4<32>{}, 700, 1000) <= 4);
  CHECK(worst_drift(codec::top_k{0.05}, 700, 1000) <= 4);
}

TEST_CASE("error feedback: least squares reach their optimum with it, and not without") {
  const least_squares problem;
  const double optimum = problem.solve([](std::size_t, int, std::vector<float>&) {});
  const auto compare = [&](const char* name, const auto& codec) {
    CAPTURE(name, optimum);
    CHECK(problem.solve_with_feedback(codec) <= 1.01 * optimum);
    CHECK(problem.solve_through(codec) >= 1.2 * optimum);
  };
  compare("sign", codec::sign<256>{});
  compare("top_k", codec::top_k{0.02});
  compare("int2", codec::int2<256>{});
}

TEST_CASE("error feedback: a saved residual goes on with the same bytes") {
  const std::size_t count = 1000;
  std::vector<float> residual(count, 0.0f);
  const codec::error_feedback codec{codec::sign<256>{}, residual};
  bytes wire(codec.wire_bytes(count));
  for (std::uint64_t step = 0; step < 5; ++step) {
    codec.encode(samples::gaussian(count, step), wire);
  }
  auto saved = residual;
  codec.encode(samples::gaussian(count, 9), wire);
  const codec::error_feedback restored{codec::sign<256>{}, saved};
  bytes again(wire.size());
  restored.encode(samples::gaussian(count, 9), again);
  CHECK(again == wire);
  CHECK(saved == residual);
}

TEST_CASE("error feedback: a residual is worth the same to an average over other ranks") {
  std::vector<float> residual{1, -2, 0.5f};
  codec::rescale_residual(residual, 4, 8);
  CHECK(residual == std::vector<float>{2, -4, 1});
  CHECK_THROWS_AS(codec::rescale_residual(residual, 0, 8), error);
}

TEST_CASE("error feedback: chunks use their own part of the memory, and a short one is refused") {
  std::vector<float> whole(512, 0.0f);
  const codec::error_feedback codec{codec::sign<256>{}, whole};
  const auto values = samples::gaussian(512, 1);
  bytes wire(codec.wire_bytes(256));
  codec.encode(std::span{values}.subspan(256), wire, {.first = 256});
  for (std::size_t i = 0; i < 256; ++i) {
    CHECK(whole[i] == 0);
    CHECK(whole[256 + i] != 0);
  }
  CHECK_THROWS_AS(codec.encode(values, wire, {.first = 1}), error);
  const std::uint64_t last = ~std::uint64_t{0};  // with a count, such a place comes round to 0
  for (const std::uint64_t first : {last, last - 255, last - 100, std::uint64_t{513}}) {
    CHECK_THROWS_WITH(codec.encode(std::span{values}.first(256), wire, {.first = first}),
                      Catch::Matchers::ContainsSubstring("residual holds 512 floats"));
  }
}

TEST_CASE("error feedback: the sum that an owner encodes has a memory of its own") {
  const std::size_t count = 256;
  std::vector<float> residual(count, 0.0f);
  std::vector<float> of_sum(count, 0.0f);
  const codec::error_feedback codec{codec::sign<256>{}, residual, of_sum};
  const auto values = samples::gaussian(count, 3);
  bytes wire(codec.wire_bytes(count));
  codec.encode(values, wire);
  const auto worker = residual;
  const std::span<const std::byte> wires[] = {wire, wire};
  bytes sum(codec.wire_bytes(count));
  codec.encode_sum(wires, count, sum, {}, 2.0f);
  CHECK(residual == worker);
  std::vector<float> sent(count);
  std::vector<float> given(count);
  codec.decode(sum, sent);
  codec.decode(wire, given);
  for (std::size_t i = 0; i < count; ++i) {
    CHECK(sent[i] + of_sum[i] == Approx(given[i]).margin(1e-6));
  }
}

TEST_CASE("error feedback: a NaN reaches the wire and does not stay in the memory") {
  std::vector<float> residual(512, 0.0f);
  const codec::error_feedback codec{codec::sign<256>{}, residual};
  auto values = samples::gaussian(512, 4);
  values[300] = std::numeric_limits<float>::quiet_NaN();
  bytes wire(codec.wire_bytes(512));
  codec.encode(values, wire);
  std::vector<float> got(512);
  codec.decode(wire, got);
  CHECK(std::isnan(got[300]));
  CHECK(!std::isnan(got[100]));
  for (const float left : residual) {
    CHECK(std::isfinite(left));
  }
}
