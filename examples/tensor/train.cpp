// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// Trains two networks on a text, split over 1, 2, 3, 4 and 8 thread ranks, by hand and by layout
// rules: all losses and all weights have the same bits.
//
//     tensor-train TEXT [STEPS]
//
// With rules of your own, on 4 ranks as data 2 x tensor 2: what a step then moves, and the same
// bits.
//
//     tensor-train TEXT STEPS "batch:tensor, vocab:data"

#include "train.hpp"

#include <rondo/rondo.hpp>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <optional>

namespace example = tensor_example;

namespace {

/// The outcome on so many thread ranks, `data` of which share out the batch by the usual rules.
template <template <class> class Network>
example::outcome outcome_of(const char* name, int ranks, int data,
                            const std::optional<rondo::layout>& rules, const std::string& text,
                            int steps) {
  example::outcome got;
  rondo::threads::run(ranks, [&](auto& comm) {
    auto mine = example::train<Network>(comm, data, rules, text, steps);
    if (comm.rank() == 0) {
      got = std::move(mine);
    }
  });
  example::print(name, ranks, data, rules, got);
  return got;
}

template <template <class> class Network>
bool same_everywhere(const char* name, const std::string& text, int steps) {
  struct mesh {
    int ranks;
    int data;
  };
  const auto first = outcome_of<Network>(name, 1, 1, {}, text, steps);
  bool same = true;
  for (const mesh on : {mesh{1, 1}, {2, 1}, {2, 2}, {3, 1}, {3, 3}, {4, 2}, {8, 1}, {8, 2}}) {
    same = same && outcome_of<Network>(name, on.ranks, on.data, {}, text, steps) == first;
    same = same &&
           outcome_of<Network>(name, on.ranks, on.data, example::usual_rules, text, steps) == first;
  }
  if (first.losses.back() > 0.8F * first.losses.front()) {
    std::printf("%s: it has not learned\n", name);
    return false;
  }
  std::printf("%s: %s\n", name, same ? "the same bits on every mesh" : "the bits differ");
  return same;
}

template <template <class> class Network>
rondo::blueprint described() {
  return Network<rondo::threads::communicator>::described();
}

template <template <class> class Network>
bool same_by(const rondo::layout& rules, const char* name, const std::string& text, int steps) {
  const auto made = rondo::plan_layout(described<Network>(), rules, {{"data", 2}, {"tensor", 2}});
  std::printf("%s by \"%s\", of a step:\n%s\n", name, rules.describe().c_str(),
              made.layers.describe().c_str());
  return outcome_of<Network>(name, 4, 2, rules, text, steps) ==
         outcome_of<Network>(name, 1, 1, {}, text, steps);
}

}  // namespace

int main(int count, char** given) try {
  if (count < 2) {
    std::fprintf(stderr, "usage: tensor-train TEXT [STEPS [RULES]]\n");
    return 2;
  }
  const std::string text = example::text_of(given[1]);
  const int steps = count > 2 ? std::atoi(given[2]) : 40;
  bool same = true;
  if (count > 3) {
    const rondo::layout rules{given[3]};
    for (const auto& unused : rondo::unused_rules(rules, described<example::three_layers>(),
                                                  described<example::gpt>())) {
      std::fprintf(stderr, "rule %s:%s cuts nothing: neither network has a dimension \"%s\"\n",
                   unused.dimension.c_str(), unused.axis.c_str(), unused.dimension.c_str());
      same = false;
    }
    if (!same) {
      return 2;
    }
    same = same_by<example::three_layers>(rules, "three layers", text, steps) && same;
    same = same_by<example::gpt>(rules, "gpt", text, steps) && same;
  } else {
    same = same_everywhere<example::three_layers>("three layers", text, steps) && same;
    same = same_everywhere<example::gpt>("gpt", text, steps) && same;
  }
  return same ? 0 : 1;
} catch (const std::exception& failure) {
  std::fprintf(stderr, "%s\n", failure.what());
  return 2;
}
