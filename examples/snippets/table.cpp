// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Prints the table of which algorithm makes which collective, as the compiler sees it.
#include <rondo/rondo.hpp>

#include <cstdio>

namespace {

using rondo::schedule::collective;

/// "yes", "equal" where counts per rank must be equal, or nothing.
template <collective What, class Algorithm>
const char* cell(const Algorithm& algorithm) {
  if constexpr (rondo::schedule::generates<Algorithm, What>) {
    const auto row =
        generate(algorithm, rondo::schedule::make<What>{}, rondo::schedule::place{1, 6, 0});
    constexpr bool counts_per_rank = What != collective::all_reduce;
    return row.uniform && counts_per_rank ? "equal" : "yes";
  } else {
    return "";
  }
}

template <class Algorithm>
void print(const Algorithm& algorithm) {
  const auto& a = algorithm;
  std::printf("| `%.*s` | %s | %s | %s | %s | %s | %s | %s | %s | %s |\n",
              static_cast<int>(Algorithm::name.size()), Algorithm::name.data(),
              cell<collective::all_reduce>(a), cell<collective::reduce_scatter>(a),
              cell<collective::all_gather>(a), cell<collective::all_to_all>(a),
              cell<collective::broadcast>(a), cell<collective::reduce>(a),
              cell<collective::gather>(a), cell<collective::scatter>(a),
              cell<collective::barrier>(a));
}

}  // namespace

int main() {
  std::printf(
      "| | all_reduce | reduce_scatter | all_gather | all_to_all | broadcast | reduce | gather | "
      "scatter | barrier |\n|---|---|---|---|---|---|---|---|---|---|\n");
  print(rondo::ring{});
  print(rondo::tree{});
  print(rondo::recursive_doubling{});
  print(rondo::halving_doubling{});
  print(rondo::bruck{});
  print(rondo::one_shot{});
  print(rondo::two_shot{});
  print(rondo::hierarchical{rondo::ring{}, rondo::ring{}, 3});
}
