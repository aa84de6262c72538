// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "every.hpp"

#include <rondo/schedule.hpp>

#include <tuple>

namespace every {

namespace schedule = rondo::schedule;
using schedule::collective;

namespace {

constexpr auto algorithms =
    std::tuple{rondo::ring{},
               rondo::tree{},
               rondo::tree{.segments = 3},
               rondo::recursive_doubling{},
               rondo::halving_doubling{},
               rondo::bruck{},
               rondo::one_shot{},
               rondo::two_shot{},
               rondo::hierarchical{rondo::ring{}, rondo::ring{}, 2},
               rondo::hierarchical{rondo::two_shot{}, rondo::tree{2}, 3},
               rondo::hierarchical{rondo::tree{2}, rondo::recursive_doubling{}, 4},
               rondo::hierarchical{rondo::halving_doubling{}, rondo::halving_doubling{}, 6},
               rondo::hierarchical{rondo::bruck{}, rondo::one_shot{}, 2}};

template <class Algorithm>
std::string name_of(const Algorithm& algorithm) {
  std::string name{Algorithm::name};
  if constexpr (requires { algorithm.segments; }) {
    name += "{" + std::to_string(algorithm.segments) + "}";
  }
  if constexpr (requires { algorithm.inner_size; }) {
    name += "{" + std::string{algorithm.inner.name} + ", " + std::string{algorithm.outer.name} +
            ", " + std::to_string(algorithm.inner_size) + "}";
  }
  return name;
}

template <collective What, class Algorithm>
void one(const Algorithm& algorithm, int size, int root, const visit& each) {
  if constexpr (schedule::generates<Algorithm, What>) {
    if constexpr (requires { algorithm.inner_size; }) {
      if (size % algorithm.inner_size != 0) {
        return;
      }
    }
    each(schedule::tabulate(schedule::generated<Algorithm, What>{algorithm, size, root}),
         std::string{schedule::name_of(What)} + " by " + name_of(algorithm) + " on " +
             std::to_string(size) + " ranks, root " + std::to_string(root));
  }
}

}  // namespace

void schedules(int size, int root, const visit& each) {
  const auto all = [&](const auto& algorithm) {
    one<collective::all_reduce>(algorithm, size, root, each);
    one<collective::reduce_scatter>(algorithm, size, root, each);
    one<collective::all_gather>(algorithm, size, root, each);
    one<collective::all_to_all>(algorithm, size, root, each);
    one<collective::reduce>(algorithm, size, root, each);
    one<collective::broadcast>(algorithm, size, root, each);
    one<collective::gather>(algorithm, size, root, each);
    one<collective::scatter>(algorithm, size, root, each);
    one<collective::barrier>(algorithm, size, root, each);
  };
  std::apply([&](const auto&... algorithm) { (all(algorithm), ...); }, algorithms);
}

}  // namespace every
