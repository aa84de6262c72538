// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline.hpp>

#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

/// A network that guesses the next character of a text from the few before it, one layer per rank.
namespace text_network {

namespace pipeline = rondo::pipeline;

inline constexpr std::size_t letters = 96;  // printable ASCII, and one for all others
inline constexpr std::size_t context = 4;
inline constexpr std::size_t hidden = 48;
inline constexpr std::size_t positions = 32;  // in one micro-batch

inline std::size_t code(char c) {
  const auto at = static_cast<std::size_t>(static_cast<unsigned char>(c)) - 32;
  return at < letters - 1 ? at : letters - 1;
}

/// Where the micro-batches of one step lie in the text.
struct batch {
  const std::string* text = nullptr;
  std::size_t first = 0;

  /// The character before which `context` others stand.
  [[nodiscard]] std::size_t target(int micro_batch, std::size_t position) const {
    const std::size_t room = text->size() - context;
    return context + (first + static_cast<std::size_t>(micro_batch) * positions + position) % room;
  }
  [[nodiscard]] std::size_t letter(std::size_t at) const { return code((*text)[at]); }
};

/// out += a b, where a is [rows, inner] and b is [inner, columns].
inline void multiply(const std::vector<float>& a, const std::vector<float>& b,
                     std::vector<float>& out, std::size_t rows, std::size_t inner,
                     std::size_t columns) {
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t k = 0; k < inner; ++k) {
      for (std::size_t j = 0; j < columns; ++j) {
        out[i * columns + j] += a[i * inner + k] * b[k * columns + j];
      }
    }
  }
}

/// One rank's layer: letters to hidden, hidden to hidden, or hidden to letters.
class layer {
 public:
  using buffer = std::vector<float>;

  layer(int part, int parts)
      : inputs_{part == 0 ? context * letters : hidden},
        outputs_{part == parts - 1 ? letters : hidden},
        weights_(inputs_ * outputs_),
        gradient_(inputs_ * outputs_) {
    unsigned state = 12345u + static_cast<unsigned>(part);
    for (float& weight : weights_) {
      state = state * 1664525u + 1013904223u;
      weight = (static_cast<float>(state >> 8) / 16777216.0f - 0.5f) * 0.5f;
    }
  }

  void take(const batch& step) { step_ = step; }
  void serve(bool yes) { serves_ = yes; }

  buffer forward(const pipeline::site& at, buffer x) {
    if (at.first) {
      x = one_hot(at.micro_batch);
    }
    buffer y(positions * outputs_, 0.0f);
    multiply(x, weights_, y, positions, inputs_, outputs_);
    at.last ? score(at.micro_batch, y) : squash(y);
    if (!serves_) {
      saved_[at.micro_batch] = {std::move(x), y};
    }
    return y;
  }

  buffer backward_input(const pipeline::site& at, buffer g) {
    auto& [x, y] = saved_.at(at.micro_batch);
    if (at.last) {  // y holds probabilities
      g = y;
      for (std::size_t i = 0; i < positions; ++i) {
        g[i * letters + step_.letter(step_.target(at.micro_batch, i))] -= 1.0f;
      }
    } else {
      for (std::size_t k = 0; k < g.size(); ++k) {
        g[k] *= 1.0f - y[k] * y[k];
      }
    }
    buffer dx(positions * inputs_, 0.0f);
    for (std::size_t i = 0; i < positions && !at.first; ++i) {
      for (std::size_t k = 0; k < inputs_; ++k) {
        for (std::size_t j = 0; j < outputs_; ++j) {
          dx[i * inputs_ + k] += g[i * outputs_ + j] * weights_[k * outputs_ + j];
        }
      }
    }
    y = std::move(g);
    return dx;
  }

  void backward_weight(const pipeline::site& at) {
    const auto node = saved_.extract(at.micro_batch);
    const auto& [x, g] = node.mapped();
    for (std::size_t i = 0; i < positions; ++i) {
      for (std::size_t k = 0; k < inputs_; ++k) {
        if (x[i * inputs_ + k] != 0.0f) {
          for (std::size_t j = 0; j < outputs_; ++j) {
            gradient_[k * outputs_ + j] += x[i * inputs_ + k] * g[i * outputs_ + j];
          }
        }
      }
    }
  }

  void descend(float rate) {
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      weights_[k] -= rate * std::exchange(gradient_[k], 0.0f);
    }
  }

  [[nodiscard]] const buffer& weights() const { return weights_; }
  /// Of the last layer: bits per character since it was asked for last.
  [[nodiscard]] double take_bits() {
    return std::exchange(bits_, 0.0) / std::exchange(scored_, 0.0);
  }
  [[nodiscard]] const std::string& guesses() const { return guesses_; }

 private:
  [[nodiscard]] buffer one_hot(int micro_batch) const {
    buffer x(positions * inputs_, 0.0f);
    for (std::size_t i = 0; i < positions; ++i) {
      const std::size_t target = step_.target(micro_batch, i);
      for (std::size_t back = 0; back < context; ++back) {
        x[i * inputs_ + back * letters + step_.letter(target - 1 - back)] = 1.0f;
      }
    }
    return x;
  }

  static void squash(buffer& y) {
    for (float& each : y) {
      each = std::tanh(each);
    }
  }

  /// Turns scores into probabilities; counts the bits of the true letters.
  void score(int micro_batch, buffer& y) {
    for (std::size_t i = 0; i < positions; ++i) {
      float* scores = y.data() + i * letters;
      std::size_t best = 0;
      float total = 0.0f;
      for (std::size_t j = 0; j < letters; ++j) {
        best = scores[j] > scores[best] ? j : best;
      }
      const float highest = scores[best];
      for (std::size_t j = 0; j < letters; ++j) {
        scores[j] = std::exp(scores[j] - highest);
        total += scores[j];
      }
      for (std::size_t j = 0; j < letters; ++j) {
        scores[j] /= total;
      }
      bits_ -= std::log2(static_cast<double>(scores[step_.letter(step_.target(micro_batch, i))]) +
                         1e-12);
      ++scored_;
      if (serves_) {
        guesses_ += best == letters - 1 ? '\n' : static_cast<char>(best + 32);
      }
    }
  }

  std::size_t inputs_;
  std::size_t outputs_;
  buffer weights_;
  buffer gradient_;
  batch step_{};
  bool serves_ = false;
  std::map<int, std::pair<buffer, buffer>> saved_{};
  double bits_ = 0;
  double scored_ = 0;
  std::string guesses_{};
};

}  // namespace text_network
