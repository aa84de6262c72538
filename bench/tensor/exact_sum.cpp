// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What the order of exact mode costs a sum: a tree_exchange against an all_reduce of as many bytes,
// each in place and from one buffer into another. The variants take turns, in both orders; medians
// of the rounds' ratios are printed, and beside them the ratio of the arrays that are read and
// written, which no tree goes below.
//
//     tensor_exact_sum [ROUNDS [LEAVES]]
#include "turns.hpp"

#include <rondo/collective/all_reduce.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

void compare(int ranks, std::size_t kibibytes, std::size_t leaves, int rounds) {
  const std::size_t count = kibibytes * 1024 / sizeof(float);
  const rondo::cut by = rondo::cut::even(leaves, ranks);
  const int times = static_cast<int>((std::max)(std::size_t{2}, std::size_t{10240} / kibibytes));
  bench::turns turns{4};
  rondo::threads::run(ranks, [&](auto& comm) {
    const auto team = rondo::along<"tensor">(comm);
    rondo::tree_exchange exchange{by};
    std::vector<float> in(count), from(count), to(count), lent(count), result(count);
    rondo::tree_sum<float> inside, apart;
    inside.restart(count, lent.data());
    apart.restart(count);
    for (auto* sums : {&inside, &apart}) {
      for (const rondo::part run : by.runs(comm.rank())) {
        for (std::size_t leaf = run.first; leaf < run.first + run.count; ++leaf) {
          std::fill_n(sums->room().data(), count, 0.0F);
          sums->put(leaf);
        }
      }
    }
    const auto whole = [&](std::vector<float>& of) {
      return rondo::replicated<float>{{of.data(), 1, count}};
    };
    for (int round = 0; round < rounds + 2; ++round) {
      turns.round(
          comm, round, times, [&] { rondo::all_reduce(comm, in); },
          [&] { rondo::all_reduce(comm, from, to); },
          [&] { exchange.reduce(team, inside, whole(lent)); },
          [&] { exchange.reduce(team, apart, whole(result)); });
    }
  });
  std::size_t nodes = 0;
  for (int rank = 0; rank < ranks; ++rank) {
    nodes += rondo::tree_exchange{by}.nodes(rank);
  }
  const auto all = static_cast<std::size_t>(ranks);
  std::printf("%5d  %8zu  %5zu  %10.2f  %10.2f  %7.2f  %7.2f  %7.2f\n", ranks, kibibytes, nodes,
              1000 * turns.milliseconds(0), 1000 * turns.milliseconds(1), turns.ratio(2, 0),
              turns.ratio(3, 1), static_cast<double>(nodes + all) / static_cast<double>(2 * all));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 60;
  const std::size_t leaves = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 8;
  std::printf(
      "                       all_reduce, us          tree / all_reduce\n"
      "ranks       KiB  nodes    in place       apart  in place  apart  arrays\n");
  for (const std::size_t kibibytes : {16, 256, 4096}) {
    for (const int ranks : {1, 2, 3, 4}) {
      compare(ranks, kibibytes, leaves, rounds);
    }
  }
}
