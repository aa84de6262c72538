// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Trains two networks on a text, split over 1, 2, 3, 4 and 8 thread ranks, by hand and by layout
// rules: all losses and all weights have the same bits.
//
//     tensor-train TEXT [STEPS]

#include "train.hpp"

#include <rondo/rondo.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

namespace example = tensor_example;

namespace {

template <template <class> class Network>
bool same_everywhere(const char* name, const std::string& text, int steps) {
  struct mesh {
    int ranks;
    int data;
  };
  std::optional<example::outcome> first;
  bool same = true;
  for (const mesh on : {mesh{1, 1}, {2, 1}, {2, 2}, {3, 1}, {3, 3}, {4, 2}, {8, 1}, {8, 2}}) {
    for (const auto how : {example::split_by::hand, example::split_by::rules}) {
      example::outcome got;
      rondo::threads::run(on.ranks, [&](auto& comm) {
        auto mine = example::train<Network>(comm, on.data, how, text, steps);
        if (comm.rank() == 0) {
          got = std::move(mine);
        }
      });
      example::print(name, on.ranks, on.data, how, got);
      first = first ? first : got;
      same = same && got == *first;
    }
  }
  if (first->losses.back() > 0.8F * first->losses.front()) {
    std::printf("%s: it has not learned\n", name);
    return false;
  }
  std::printf("%s: %s\n", name, same ? "the same bits on every mesh" : "the bits differ");
  return same;
}

}  // namespace

int main(int count, char** given) try {
  if (count < 2) {
    std::fprintf(stderr, "usage: tensor-train TEXT [STEPS]\n");
    return 2;
  }
  const std::string text = example::text_of(given[1]);
  const int steps = count > 2 ? std::atoi(given[2]) : 40;
  const bool three = same_everywhere<example::three_layers>("three layers", text, steps);
  const bool block = same_everywhere<example::gpt>("gpt", text, steps);
  return three && block ? 0 : 1;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 2;
}
