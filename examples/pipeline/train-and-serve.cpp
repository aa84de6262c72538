// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// A network of three layers on three ranks learns to guess the next character of a text, once under
// each of several schedules; then it serves. All schedules give the same parameters, bit for bit.
//
//     train-and-serve <text file>

#include "layer.hpp"

#include <rondo/rondo.hpp>

#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace pipeline = rondo::pipeline;
using text_network::layer;

namespace {

constexpr int ranks = 3;
constexpr pipeline::shape step_shape{ranks, 6};
constexpr int steps = 300;

struct trained {
  std::vector<std::vector<float>> weights{};  ///< of each rank
  double first_bits = 0;
  double last_bits = 0;
  std::string guesses{};
  double served_bits = 0;
};

trained train(const pipeline::plan& plan, const std::string& text) {
  const auto safe = pipeline::prove(plan, pipeline::channel::rendezvous);
  const auto serving =
      pipeline::prove(pipeline::forward_only{}({ranks, 4}), pipeline::channel::rendezvous);
  trained result{std::vector<std::vector<float>>(ranks)};
  rondo::threads::run(ranks, [&](auto& comm) {
    const bool last = comm.rank() == ranks - 1;
    layer mine{comm.rank(), ranks};
    std::size_t next = 0;
    for (int step = 0; step < steps; ++step) {
      mine.take({&text, next});
      pipeline::run(comm, safe, mine);
      mine.descend(0.01f);
      next += static_cast<std::size_t>(step_shape.micro_batches) * text_network::positions;
      if (last && (step == 0 || step == steps - 1)) {
        (step == 0 ? result.first_bits : result.last_bits) = mine.take_bits();
      } else if (last && step == steps - 11) {
        static_cast<void>(mine.take_bits());  // the last figure is of the last ten steps
      }
    }
    result.weights[static_cast<std::size_t>(comm.rank())] = mine.weights();

    mine.serve(true);
    mine.take({&text, 0});
    pipeline::run(comm, serving, mine);
    if (last) {
      result.guesses = mine.guesses();
      result.served_bits = mine.take_bits();
    }
  });
  return result;
}

int run(const char* path) {
  std::ifstream file{path};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  if (text.size() < 1000) {
    std::fprintf(stderr, "train-and-serve: '%s' is no text of 1000 characters or more\n", path);
    return 2;
  }
  const pipeline::costs guess{.forward = 10, .backward_input = 10, .backward_weight = 10};
  const std::pair<const char*, pipeline::plan> plans[] = {
      {"gpipe", pipeline::gpipe{}(step_shape)},
      {"one_f_one_b", pipeline::one_f_one_b{}(step_shape)},
      {"zero_bubble_h1", pipeline::zero_bubble_h1{}(step_shape)},
      {"zero_bubble_h2", pipeline::zero_bubble_h2{}(step_shape)},
      {"searched", pipeline::search(step_shape, guess, {.memory_limit = 3}).plan},
  };
  trained first;
  for (const auto& [name, plan] : plans) {
    const trained one = train(plan, text);
    const bool same = first.weights.empty() || one.weights == first.weights;
    std::printf("%-15s %.3f -> %.3f bits per character; parameters %s\n", name, one.first_bits,
                one.last_bits, same ? "the same, bit for bit" : "DIFFER");
    if (!same || !(one.last_bits < 0.7 * one.first_bits)) {
      return 1;
    }
    first = first.weights.empty() ? one : first;
  }
  const std::string truth = text.substr(text_network::context, first.guesses.size());
  std::size_t right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    right += text_network::code(truth[i]) == text_network::code(first.guesses[i]);
  }
  std::printf("served through forward_only: %zu of %zu characters guessed, %.3f bits each\n", right,
              truth.size(), first.served_bits);
  return 2 * right > truth.size() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "train-and-serve: give the path of a text file\n");
    return 2;
  }
  try {
    return run(argv[1]);
  } catch (const std::exception& thrown) {
    std::fprintf(stderr, "train-and-serve: %s\n", thrown.what());
    return 1;
  }
}
