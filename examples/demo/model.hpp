// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "matrix.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <random>
#include <span>
#include <vector>

namespace demo {

/// Some bytes and the one that follows them.
struct example {
  const unsigned char* context;
  unsigned char next;
};

/// Predicts a byte from the `context` bytes before it: each is embedded, one hidden layer, softmax
/// over all bytes.
///
/// All parameters lie in one vector, in the order in which a backward pass has their gradients; so
/// buckets of gradients can leave while the pass goes on. A gradient vector has one element more,
/// the loss.
class model {
 public:
  static constexpr std::size_t context = 12;
  static constexpr std::size_t width = 16;
  static constexpr std::size_t hidden = 128;
  static constexpr std::size_t symbols = 256;
  static constexpr std::size_t inputs = context * width;
  static constexpr std::size_t slice = 32;  ///< examples that are computed together

  /// Where each bucket begins: output layer, hidden layer, embedding and loss.
  static constexpr std::array<std::size_t, 4> buckets = {
      0, (hidden + 1) * symbols, (hidden + 1) * symbols + (inputs + 1) * hidden,
      (hidden + 1) * symbols + (inputs + 1) * hidden + symbols* width + 1};
  static constexpr std::size_t gradients = buckets[3];
  static constexpr std::size_t parameters = gradients - 1;

  model() {
    std::mt19937 random{7};
    const auto fill = [&](std::size_t first, std::size_t count, std::size_t inputs_of_unit) {
      const float scale = 1 / std::sqrt(static_cast<float>(inputs_of_unit));
      for (std::size_t i = first; i < first + count; ++i) {
        // Not std::normal_distribution: its values differ between standard libraries.
        values[i] = scale * (static_cast<float>(random() % 20001) / 10000 - 1);
      }
    };
    fill(output_weight, hidden * symbols, hidden);
    fill(hidden_weight, inputs * hidden, inputs);
    fill(embedding, symbols * width, 1);
  }

  /// Adds the gradients and the loss of `slice` examples, summed, to `into`; calls `ready(bucket)`
  /// when a bucket has all that it gets.
  template <class Ready>
  void learn(std::span<const example, slice> examples, std::span<float> into, const Ready& ready) {
    float* gradient = into.data();
    gradient[parameters] += forward(examples);
    for (std::size_t i = 0; i < slice; ++i) {
      probabilities_[i * symbols + examples[i].next] -= 1;  // now the gradient of the logits
    }
    multiply_transposed(activations_.data(), probabilities_.data(), gradient + output_weight, slice,
                        hidden, symbols);
    add_columns(probabilities_.data(), gradient + output_bias, symbols);
    ready(0);

    std::fill(back_.begin(), back_.end(), 0.0f);
    multiply_by_transposed(probabilities_.data(), &values[output_weight], back_.data(), slice,
                           symbols, hidden);
    for (std::size_t i = 0; i < back_.size(); ++i) {
      back_[i] *= 1 - activations_[i] * activations_[i];
    }
    multiply_transposed(inputs_.data(), back_.data(), gradient + hidden_weight, slice, inputs,
                        hidden);
    add_columns(back_.data(), gradient + hidden_bias, hidden);
    ready(1);

    std::fill(inputs_.begin(), inputs_.end(), 0.0f);
    multiply_by_transposed(back_.data(), &values[hidden_weight], inputs_.data(), slice, hidden,
                           inputs);
    for (std::size_t i = 0; i < slice; ++i) {
      for (std::size_t c = 0; c < context; ++c) {
        for (std::size_t w = 0; w < width; ++w) {
          gradient[embedding + examples[i].context[c] * width + w] +=
              inputs_[i * inputs + c * width + w];
        }
      }
    }
    ready(2);
  }

  /// The summed loss, in nats.
  [[nodiscard]] float test(std::span<const example, slice> examples) { return forward(examples); }

  /// How likely each byte is after `before`.
  [[nodiscard]] std::span<const float> predict(const unsigned char* before) {
    std::array<example, slice> alike;
    alike.fill({before, 0});
    forward(alike);
    return std::span{probabilities_}.first(symbols);
  }

  std::vector<float> values = std::vector<float>(parameters);

 private:
  static constexpr std::size_t output_weight = buckets[0];
  static constexpr std::size_t output_bias = output_weight + hidden * symbols;
  static constexpr std::size_t hidden_weight = buckets[1];
  static constexpr std::size_t hidden_bias = hidden_weight + inputs * hidden;
  static constexpr std::size_t embedding = buckets[2];

  float forward(std::span<const example, slice> examples) {
    for (std::size_t i = 0; i < slice; ++i) {
      for (std::size_t c = 0; c < context; ++c) {
        std::copy_n(&values[embedding + examples[i].context[c] * width], width,
                    &inputs_[i * inputs + c * width]);
      }
      std::copy_n(&values[hidden_bias], hidden, &activations_[i * hidden]);
      std::copy_n(&values[output_bias], symbols, &probabilities_[i * symbols]);
    }
    multiply(inputs_.data(), &values[hidden_weight], activations_.data(), slice, inputs, hidden);
    for (float& one : activations_) {
      one = std::tanh(one);
    }
    multiply(activations_.data(), &values[output_weight], probabilities_.data(), slice, hidden,
             symbols);
    float loss = 0;
    for (std::size_t i = 0; i < slice; ++i) {
      const auto row = std::span{probabilities_}.subspan(i * symbols, symbols);
      const float highest = *std::max_element(row.begin(), row.end());
      float total = 0;
      for (float& one : row) {
        one = std::exp(one - highest);
        total += one;
      }
      for (float& one : row) {
        one /= total;
      }
      loss -= std::log(std::max(row[examples[i].next], 1e-30f));
    }
    return loss;
  }

  static void add_columns(const float* rows, float* to, std::size_t columns) {
    for (std::size_t i = 0; i < slice; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        to[j] += rows[i * columns + j];
      }
    }
  }

  std::vector<float> inputs_ = std::vector<float>(slice * inputs);
  std::vector<float> activations_ = std::vector<float>(slice * hidden);
  std::vector<float> probabilities_ = std::vector<float>(slice * symbols);
  std::vector<float> back_ = std::vector<float>(slice * hidden);
};

}  // namespace demo
