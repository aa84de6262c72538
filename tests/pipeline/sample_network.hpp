// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/plan.hpp>
#include <rondo/pipeline/run.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

/// A small network to run through pipelines: each part is y = tanh(x W) with a square W.
/// Micro-batches differ in their number of rows.
namespace sample {

namespace pipeline = rondo::pipeline;

inline constexpr std::size_t width = 3;

template <class T>
struct network {
  using buffer = std::vector<T>;

  std::map<int, buffer> gradients{};  ///< of each stage that this rank has worked on
  int held = 0;                       ///< activations between a forward and its input gradient
  int peak_held = 0;
  bool serves = false;           ///< keep nothing
  pipeline::site fails_at{-1};   ///< a forward that throws
  std::vector<buffer> served{};  ///< outputs of the last part

  static T weight(int part, std::size_t i, std::size_t j) {
    return static_cast<T>(0.3 * std::sin(1.0 + part * 7.0 + static_cast<double>(i * width + j)));
  }
  static std::size_t rows_of(int micro_batch) {
    return 1 + static_cast<std::size_t>(micro_batch % 3);
  }
  static buffer data_for(const pipeline::site& where) {
    buffer x(rows_of(where.micro_batch) * width);
    for (std::size_t i = 0; i < x.size(); ++i) {
      x[i] = static_cast<T>(
          std::cos(where.micro_batch * 1.7 + where.slice * 0.3 + static_cast<double>(i)));
    }
    return x;
  }

  buffer forward(const pipeline::site& where, buffer x) {
    if (where.stage == fails_at.stage && where.micro_batch == fails_at.micro_batch) {
      throw std::domain_error("no forward for micro-batch " + std::to_string(where.micro_batch));
    }
    if (where.first) {
      x = data_for(where);
    }
    if (x.size() != rows_of(where.micro_batch) * width) {
      throw std::logic_error("wrong length");
    }
    buffer y(x.size(), T{0});
    for (std::size_t row = 0; row < x.size() / width; ++row) {
      for (std::size_t j = 0; j < width; ++j) {
        for (std::size_t i = 0; i < width; ++i) {
          y[row * width + j] += x[row * width + i] * weight(where.part, i, j);
        }
        y[row * width + j] = std::tanh(y[row * width + j]);
      }
    }
    peak_held = std::max(peak_held, ++held);
    if (serves) {
      --held;
      if (where.last) {
        served.push_back(y);
      }
      return y;
    }
    saved_[key(where)] = {std::move(x), y};
    return y;
  }

  buffer backward_input(const pipeline::site& where, buffer g) {
    auto& [x, y] = saved_.at(key(where));
    if (where.last) {
      g = y;  // of half the sum of squares
    }
    buffer dx(x.size(), T{0});
    for (std::size_t k = 0; k < g.size(); ++k) {
      g[k] *= T{1} - y[k] * y[k];
    }
    for (std::size_t row = 0; row < x.size() / width; ++row) {
      for (std::size_t i = 0; i < width; ++i) {
        for (std::size_t j = 0; j < width; ++j) {
          dx[row * width + i] += g[row * width + j] * weight(where.part, i, j);
        }
      }
    }
    y = std::move(g);  // all that the weights need
    --held;
    return dx;
  }

  void backward_weight(const pipeline::site& where) {
    const auto node = saved_.extract(key(where));
    const auto& [x, g] = node.mapped();
    buffer& total = gradients[where.stage];
    total.resize(width * width, T{0});
    for (std::size_t row = 0; row < x.size() / width; ++row) {
      for (std::size_t i = 0; i < width; ++i) {
        for (std::size_t j = 0; j < width; ++j) {
          total[i * width + j] += x[row * width + i] * g[row * width + j];
        }
      }
    }
  }

 private:
  using place = std::tuple<int, int, int>;
  static place key(const pipeline::site& where) {
    return {where.stage, where.micro_batch, where.slice};
  }
  std::map<place, std::pair<buffer, buffer>> saved_{};
};

/// All stages one after another on one rank: each micro-batch forth and back before the next.
template <class T>
[[nodiscard]] std::map<int, std::vector<T>> one_after_another(const pipeline::plan& plan) {
  network<T> all;
  const auto& where = plan.placement;
  std::map<int, int> chain_of;  // of each micro-batch
  for (const auto& row : plan.rows) {
    for (const auto& each : row) {
      if (each.kind == pipeline::kind::forward) {
        chain_of[each.micro_batch] = each.stage / where.parts();
      }
    }
  }
  const auto site_of = [&](int stage, int micro_batch, int slice) {
    return pipeline::site{stage, where.part_of(stage),  micro_batch,
                          slice, where.is_first(stage), where.is_last(stage)};
  };
  for (int i = 0; i < plan.shape.micro_batches; ++i) {
    const int first = chain_of.at(i) * where.parts();
    for (int slice = 0; slice < plan.shape.slices; ++slice) {
      std::vector<T> values;
      for (int stage = first; stage < first + where.parts(); ++stage) {
        values = all.forward(site_of(stage, i, slice), std::move(values));
      }
    }
    for (int slice = plan.shape.slices - 1; slice >= 0; --slice) {
      std::vector<T> values;
      for (int stage = first + where.parts() - 1; stage >= first; --stage) {
        values = all.backward_input(site_of(stage, i, slice), std::move(values));
        all.backward_weight(site_of(stage, i, slice));
      }
    }
  }
  return all.gradients;
}

}  // namespace sample
