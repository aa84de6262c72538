// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

/// Data for the tests of codecs. The generator is our own, so that the numbers are the same with
/// every standard library.
namespace samples {

class random {
 public:
  explicit random(std::uint64_t seed) : state_{seed} {}

  std::uint64_t bits() {
    state_ += 0x9e3779b97f4a7c15u;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }
  /// In (0, 1).
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1p-53; }
  double gaussian() {
    return std::sqrt(-2 * std::log(uniform())) * std::cos(6.283185307179586 * uniform());
  }
  /// Student's t with three degrees of freedom: heavy tails.
  double student() {
    double chi = 0;
    for (int i = 0; i < 3; ++i) {
      const double g = gaussian();
      chi += g * g;
    }
    return gaussian() / std::sqrt(chi / 3);
  }

 private:
  std::uint64_t state_;
};

inline std::vector<float> gaussian(std::size_t count, std::uint64_t seed) {
  random draw{seed};
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(draw.gaussian());
  }
  return values;
}

inline std::vector<float> student(std::size_t count, std::uint64_t seed) {
  random draw{seed};
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(draw.student());
  }
  return values;
}

/// Gaussian, but every 256th value is 30 times as large, as in the channels of a language model.
inline std::vector<float> outliers(std::size_t count, std::uint64_t seed) {
  std::vector<float> values = gaussian(count, seed);
  for (std::size_t i = 0; i < count; i += 256) {
    values[i] *= 30;
  }
  return values;
}

/// Signal-to-quantisation-noise ratio in dB.
inline double sqnr(std::span<const float> expected, std::span<const float> got) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double x = expected[i];
    const double error = x - static_cast<double>(got[i]);
    signal += x * x;
    noise += error * error;
  }
  return 10 * std::log10(signal / noise);
}

/// Pearson's, which for independent noise is below 5 / sqrt(n), but for one case in two million.
inline double correlation(std::span<const float> a, std::span<const float> b) {
  double mean_a = 0;
  double mean_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += double{a[i]} / static_cast<double>(a.size());
    mean_b += double{b[i]} / static_cast<double>(a.size());
  }
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double da = double{a[i]} - mean_a;
    const double db = double{b[i]} - mean_b;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return ab / std::sqrt(aa * bb);
}

}  // namespace samples
