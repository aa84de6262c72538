// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "gpt.hpp"
#include "splits.hpp"
#include "three_layers.hpp"

#include <rondo/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace tensor_example {

/// What a training leaves: the loss of every step and a number for the bits of all weights.
struct outcome {
  std::vector<float> losses;
  std::uint64_t weights = 0;
  friend bool operator==(const outcome&, const outcome&) = default;
};

inline std::string text_of(const char* path) {
  std::ifstream file{path, std::ios::binary};
  std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (text.size() < 1000) {
    throw std::runtime_error(std::string{"give a text of some kilobytes; "} + path + " has " +
                             std::to_string(text.size()) + " bytes");
  }
  return text;
}

/// Adds some sequences of a step's batch, and what follows each of their tokens. A step's batch is
/// the same for any mesh.
inline void draw(const std::string& text, int step, rondo::part sequences, std::vector<int>& tokens,
                 std::vector<int>& targets) {
  for (std::size_t s = sequences.first; s < sequences.first + sequences.count; ++s) {
    const auto drawn = mixed(static_cast<std::uint64_t>(step) * sizes::batch + s);
    const std::size_t at = drawn % (text.size() - sizes::length - 1);
    for (std::size_t i = 0; i < sizes::length; ++i) {
      tokens.push_back(static_cast<unsigned char>(text[at + i]));
      targets.push_back(static_cast<unsigned char>(text[at + i + 1]));
    }
  }
}

/// Trains `Network` for some steps on `text`.
template <template <class> class Network, class Comm>
outcome train(const splits<Comm>& on, const std::string& text, int steps) {
  Network<Comm> network{on};
  const cut batch = on.batch_cut;
  rondo::tree_exchange tree{batch};
  rondo::tree_sum<float> loss{1};
  outcome result;
  std::vector<int> tokens, targets;
  for (int step = 0; step < steps; ++step) {
    tokens.clear();
    targets.clear();
    std::size_t first = 0;
    for (const rondo::part own : batch.runs(on.batch.rank())) {
      first = own.first;
      draw(text, step, own, tokens, targets);
    }
    std::vector<float> losses(tokens.size());
    network.pass(tokens, targets, first * sizes::length, losses);
    for (std::size_t i = 0; i < losses.size(); i += sizes::length) {
      float sum = 0;
      for (std::size_t token = i; token < i + sizes::length; ++token) {
        sum += losses[token];
      }
      loss.room()[0] = sum / (sizes::batch * sizes::length);
      loss.put(first + i / sizes::length);
    }
    float whole = 0;
    tree.reduce(on.batch, loss,
                rondo::replicated<float, "data">{rondo::matrix<float>{&whole, 1, 1}});
    loss.restart(1);
    network.learn(tree, step);
    result.losses.push_back(whole);
  }
  result.weights = network.hash();
  return result;
}

/// The rules that say what `by_hand` does.
inline const rondo::layout usual_rules{"batch:data, d_ff:tensor, heads:tensor, vocab:tensor"};

/// The same on all ranks of `comm`, laid out as a mesh: split by `rules`, or by hand.
template <template <class> class Network, class Comm>
outcome train(Comm& comm, int data, const std::optional<rondo::layout>& rules,
              const std::string& text, int steps) {
  rondo::mesh grid{comm, {{"data", data}, {"tensor", comm.size() / data}}};
  Comm alone = comm.split(comm.rank());
  return train<Network>(
      rules ? by_rules(grid, alone, *rules, Network<Comm>::described()) : by_hand(grid), text,
      steps);
}

inline void print(const char* network, int ranks, int data,
                  const std::optional<rondo::layout>& rules, const outcome& got) {
  std::printf("%-12s %d rank%s data %d x tensor %d, %s  loss %.4f -> %.4f  weights %016llx\n",
              network, ranks, ranks == 1 ? ": " : "s:", data, ranks / data,
              rules ? "by rules" : "by hand ", double{got.losses.front()},
              double{got.losses.back()}, static_cast<unsigned long long>(got.weights));
}

}  // namespace tensor_example
