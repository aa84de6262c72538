// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule.hpp>

#include <string>
#include <string_view>
#include <tuple>

/// Every pair of algorithm and collective that exists, for the tests.
namespace every {

using rondo::schedule::collective;

inline constexpr auto algorithms =
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

/// Calls visit(schedule, name) for every pair; rooted collectives with the given root.
template <class Visit>
void schedules(int size, int root, Visit visit) {
  const auto with = [&](auto algorithm) {
    const auto one = [&]<collective What>(rondo::schedule::make<What>) {
      using algorithm_type = decltype(algorithm);
      if constexpr (rondo::schedule::generates<algorithm_type, What>) {
        std::string name{rondo::schedule::name_of(What)};
        name += " by " + std::string{algorithm_type::name};
        if constexpr (requires { algorithm.segments; }) {
          name += "{" + std::to_string(algorithm.segments) + "}";
        }
        if constexpr (requires { algorithm.inner_size; }) {
          if (size % algorithm.inner_size != 0) {
            return;
          }
          name += "{" + std::string{algorithm.inner.name} + ", " +
                  std::string{algorithm.outer.name} + ", " + std::to_string(algorithm.inner_size) +
                  "}";
        }
        name += " on " + std::to_string(size) + " ranks, root " + std::to_string(root);
        visit(rondo::schedule::generated<algorithm_type, What>{algorithm, size, root}, name);
      }
    };
    one(rondo::schedule::make<collective::all_reduce>{});
    one(rondo::schedule::make<collective::reduce_scatter>{});
    one(rondo::schedule::make<collective::all_gather>{});
    one(rondo::schedule::make<collective::all_to_all>{});
    one(rondo::schedule::make<collective::reduce>{});
    one(rondo::schedule::make<collective::broadcast>{});
    one(rondo::schedule::make<collective::gather>{});
    one(rondo::schedule::make<collective::scatter>{});
    one(rondo::schedule::make<collective::barrier>{});
  };
  std::apply([&](auto... algorithm) { (with(algorithm), ...); }, algorithms);
}

}  // namespace every
