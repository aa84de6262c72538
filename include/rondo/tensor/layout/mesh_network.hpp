// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/network.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// How fast the ranks along each axis of a mesh talk: of a network the latency and the bytes per
/// second of one rank. An axis that is not named costs nothing.
struct mesh_network {
  std::vector<std::pair<std::string, schedule::network>> axes;

  /// Along one axis; along several, "data,tensor", the slowest of them.
  [[nodiscard]] schedule::network along(std::string_view names) const {
    schedule::network slowest;
    while (!names.empty()) {
      const std::size_t end = (std::min)(names.find(','), names.size());
      for (const auto& [name, one] : axes) {
        if (name == names.substr(0, end)) {
          slowest.latency = (std::max)(slowest.latency, one.latency);
          slowest.bytes_per_second = (std::min)(slowest.bytes_per_second, one.bytes_per_second);
        }
      }
      names.remove_prefix((std::min)(end + 1, names.size()));
    }
    return slowest;
  }
};

/// Seconds of one collective in the alpha-beta model: one latency, and what a rank sends of `of` at
/// `on.bytes_per_second`. With n ranks and B bytes that is 2 (n-1)/n B for all_reduce, (n-1)/n B
/// for all_gather and reduce_scatter, (n-1)/n B/n for all_to_all, B/n where all leave.
/// Source: Alpa's cost model (Zheng et al., 2022, arXiv:2201.12023), without its tie-breaking
/// constants and without its factor n/2 for all_to_all.
[[nodiscard]] inline double seconds(const planned_collective& of, const schedule::network& on) {
  if (of.ranks < 2) {
    return 0;
  }
  const double bytes = static_cast<double>(of.elements) * static_cast<double>(of.element_bytes);
  const double others = (of.ranks - 1) / static_cast<double>(of.ranks);
  const double sent = of.what == schedule::collective::all_reduce   ? 2 * others * bytes
                      : of.all_leave                                ? bytes / of.ranks
                      : of.what == schedule::collective::all_to_all ? others * bytes / of.ranks
                                                                    : others * bytes;
  return on.latency + sent / on.bytes_per_second;
}

/// All collectives of a plan, one after another.
[[nodiscard]] inline double seconds(const layer_plan& of, const mesh_network& on) {
  double sum = 0;
  for (const auto* pass : {&of.forward, &of.backward}) {
    for (const planned_collective& one : *pass) {
      sum += seconds(one, on.along(one.axis));
    }
  }
  return sum;
}

}  // namespace rondo::inline v0_1
