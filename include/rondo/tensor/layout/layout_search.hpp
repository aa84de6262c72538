// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/tensor/layout/blueprint.hpp>
#include <rondo/tensor/layout/detail/layout_walk.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/tensor/layout/layout_plan.hpp>
#include <rondo/tensor/layout/mesh_network.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// What `find_layout` makes least. Of equal ones, the other is least, then the number of rules.
enum class layout_goal { memory, time };

struct layout_search_options {
  layout_goal goal = layout_goal::memory;
  mesh_network network{};               ///< how fast ranks talk along each axis
  double operations_per_second = 1e12;  ///< of one rank
  std::size_t memory_limit = 0;         ///< bytes of one rank; 0: none
  std::vector<std::string> whole{};     ///< dimensions that are not cut
};

/// A layout and what it costs one rank.
struct rated_layout {
  layout rules;
  layout_plan plan;
  double compute_seconds = 0;
  double collective_seconds = 0;

  [[nodiscard]] double seconds() const noexcept { return compute_seconds + collective_seconds; }
  [[nodiscard]] std::size_t peak_bytes() const noexcept { return plan.peak_bytes(); }
  /// d_ff:tensor: 1.500 ms (1.200 computing, 0.300 in 4 collectives), 3407872 B
  [[nodiscard]] std::string describe() const {
    return (rules.rules().empty() ? std::string{"no rules"} : rules.describe()) + ": " +
           milliseconds(seconds()) + " ms (" + milliseconds(compute_seconds) + " computing, " +
           milliseconds(collective_seconds) + " in " +
           std::to_string(plan.layers.collectives().size()) + " collectives), " +
           std::to_string(peak_bytes()) + " B";
  }

 private:
  [[nodiscard]] static std::string milliseconds(double seconds) {
    const auto micro = nearest_whole(seconds * 1e6);
    const std::string digits = std::to_string(1000 + micro % 1000);
    return std::to_string(micro / 1000) + '.' + digits.substr(1);
  }
};

struct found_layout {
  rated_layout best;
  rated_layout runner_up;  ///< the best of all others; `best` again if there is no other
  layout_goal goal = layout_goal::memory;
  std::size_t rated = 0;  ///< layouts that were looked at to the end

  /// The two, and why the second lost.
  [[nodiscard]] std::string describe() const {
    return "best      " + best.describe() + "\nrunner-up " + runner_up.describe() +
           "\nit lost by " + why();
  }

 private:
  [[nodiscard]] std::string why() const {
    const auto bytes = [](std::size_t more, std::size_t less) {
      return (more < less ? "-" : "+") + std::to_string(more < less ? less - more : more - less) +
             " B";
    };
    const layout_plan& a = best.plan;
    const layout_plan& b = runner_up.plan;
    const std::string memory = bytes(runner_up.peak_bytes(), best.peak_bytes()) + " at the peak: " +
                               bytes(b.parameter_bytes + b.parameter_gradient_bytes,
                                     a.parameter_bytes + a.parameter_gradient_bytes) +
                               " weights and gradients, " +
                               bytes(b.layers.peak_bytes, a.layers.peak_bytes) + " values";
    const auto nanoseconds = [](double more, double less) {
      const auto difference = nearest_whole((more - less) * 1e9);
      return (difference < 0 ? "" : "+") + std::to_string(difference) + " ns";
    };
    const std::string time =
        nanoseconds(runner_up.seconds(), best.seconds()) + ": " +
        nanoseconds(runner_up.compute_seconds, best.compute_seconds) + " computing, " +
        nanoseconds(runner_up.collective_seconds, best.collective_seconds) + " in collectives";
    return goal == layout_goal::time ? time + "; " + memory : memory + "; " + time;
  }
};

namespace detail {

/// Depth-first over the dimensions, in their order; for each one all axes, and none.
class layout_search {
 public:
  layout_search(const blueprint& net, const mesh_shape& mesh, const layout_search_options& options)
      : net_{net}, mesh_{mesh}, options_{options}, axes_(net.dimensions().size(), open_dimension) {
    check_bytes(net);
    check_speeds();
    for (const std::string& name : options.whole) {
      const auto found = std::find_if(net.dimensions().begin(), net.dimensions().end(),
                                      [&](const dimension& each) { return each.name == name; });
      if (found == net.dimensions().end()) {
        refuse("find_layout: no dimension \"" + name + "\" to keep whole in this network");
      }
      axes_[static_cast<std::size_t>(found - net.dimensions().begin())] = whole_dimension;
    }
    for (const auto& one : net.tensors()) {
      spaces_.push_back(one.dimensions);
    }
    for (const auto& one : net.operations()) {
      if (one.what != blueprint::kind::rename) {
        spaces_.push_back(net.space_of(one));
      }
    }
  }

  [[nodiscard]] found_layout search() {
    found_.goal = options_.goal;
    decide(0);
    if (found_.rated == 0) {
      refuse("find_layout: no layout on the mesh " + mesh_.describe() + " stays within " +
             std::to_string(options_.memory_limit) + " B a rank; raise memory_limit");
    }
    if (found_.rated == 1) {
      found_.runner_up = found_.best;
    }
    return std::move(found_);
  }

 private:
  /// Times that are no numbers would make any layout the best.
  void check_speeds() const {
    if (!(options_.operations_per_second > 0)) {
      refuse("find_layout: got " + std::to_string(options_.operations_per_second) +
             " operations per second; expected a number above 0");
    }
    for (const auto& [name, one] : options_.network.axes) {
      if (!mesh_.has(name)) {
        refuse("find_layout: the network has an axis \"" + name + "\", but the mesh " +
               mesh_.describe() + " does not");
      }
      if (!(one.latency >= 0 && is_finite(one.latency) && one.bytes_per_second > 0)) {
        refuse("find_layout: the network along \"" + name + "\" has a latency of " +
               std::to_string(one.latency) + " s and " + std::to_string(one.bytes_per_second) +
               " B/s; expected a finite latency from 0 on and a rate above 0");
      }
    }
  }

  void decide(std::size_t d) {
    while (d < axes_.size() && axes_[d] != open_dimension) {
      ++d;
    }
    if (d == axes_.size()) {
      rate();
      return;
    }
    for (int axis = whole_dimension; axis < static_cast<int>(mesh_.axes().size()); ++axis) {
      axes_[d] = axis;
      if ((axis == whole_dimension || (size_of(axis) > 1 && legal(d))) && may_win()) {
        decide(d + 1);
      }
    }
    axes_[d] = open_dimension;
  }

  [[nodiscard]] int size_of(int axis) const {
    return mesh_.axes()[static_cast<std::size_t>(axis)].size;
  }

  /// No tensor, and nothing that an operation goes over, has another dimension on the axis of `d`.
  [[nodiscard]] bool legal(std::size_t d) const {
    for (const auto& space : spaces_) {
      if (std::find(space.begin(), space.end(), d) == space.end()) {
        continue;
      }
      for (const std::size_t other : space) {
        if (other != d && axes_[other] == axes_[d]) {
          return false;
        }
      }
    }
    return true;
  }

  /// False where no choice for the open dimensions fits, or beats the second best so far.
  [[nodiscard]] bool may_win() const {
    if (found_.rated < 2 && options_.memory_limit == 0) {
      return true;
    }
    const layout_plan plan = walked_plan(net_, mesh_, axes_);
    const std::size_t bytes = plan.peak_bytes();
    if (options_.memory_limit != 0 && bytes > options_.memory_limit) {
      return false;
    }
    if (found_.rated < 2) {
      return true;
    }
    return options_.goal == layout_goal::memory
               ? bytes <= found_.runner_up.peak_bytes()
               : plan.operations / options_.operations_per_second <= found_.runner_up.seconds();
  }

  void rate() {
    rated_layout made;
    made.plan = walked_plan(net_, mesh_, axes_);
    if (options_.memory_limit != 0 && made.peak_bytes() > options_.memory_limit) {
      return;
    }
    made.compute_seconds = made.plan.operations / options_.operations_per_second;
    made.collective_seconds = seconds(made.plan.layers, options_.network);
    std::vector<layout::rule> rules;
    for (std::size_t d = 0; d < axes_.size(); ++d) {
      if (axes_[d] >= 0) {
        rules.push_back(
            {net_.dimensions()[d].name, mesh_.axes()[static_cast<std::size_t>(axes_[d])].name});
      }
    }
    made.rules = layout{std::move(rules)};
    ++found_.rated;
    if (found_.rated == 1 || better(made, found_.best)) {
      found_.runner_up = std::exchange(found_.best, std::move(made));
    } else if (found_.rated == 2 || better(made, found_.runner_up)) {
      found_.runner_up = std::move(made);
    }
  }

  [[nodiscard]] bool better(const rated_layout& a, const rated_layout& b) const {
    const auto by_bytes = a.peak_bytes() < b.peak_bytes() ? -1 : a.peak_bytes() > b.peak_bytes();
    const auto by_time = a.seconds() < b.seconds() ? -1 : a.seconds() > b.seconds();
    const auto first = options_.goal == layout_goal::memory ? by_bytes : by_time;
    const auto second = options_.goal == layout_goal::memory ? by_time : by_bytes;
    return first != 0
               ? first < 0
               : (second != 0 ? second < 0 : a.rules.rules().size() < b.rules.rules().size());
  }

  const blueprint& net_;
  const mesh_shape& mesh_;
  const layout_search_options& options_;
  std::vector<int> axes_;
  std::vector<std::vector<std::size_t>> spaces_;  ///< dimensions that share no axis
  found_layout found_;
};

}  // namespace detail

/// The layout of a described network with the least peak memory, or the least time, on one rank,
/// and the best of all others. Exact: every legal layout is looked at, or proved to be no better.
///
/// Branch and bound over the dimensions. A choice for some of them is given up when an axis would
/// cut two dimensions of a tensor or of an operation, or when no better than the runner-up is what
/// remains if every open dimension were cut over all axes that its tensor leaves free: its peak
/// memory, or its time without a collective.
///
/// Time is that of the einsums and of the collectives, one after another, as `seconds` says.
/// Cost: at most (axes + 1)^dimensions plans of some microseconds each.
/// Errors: no layout within `memory_limit`; a dimension to keep whole that is not there; a network
/// along an axis that is not there; speeds that are no numbers above 0.
/// Source: the question is Mesh-TensorFlow's auto_mtf (memory) and Alpa's (time; Zheng et al.,
/// 2022, arXiv:2201.12023).
[[nodiscard]] inline found_layout find_layout(const blueprint& net, const mesh_shape& mesh,
                                              const layout_search_options& options = {}) {
  return detail::layout_search{net, mesh, options}.search();
}

}  // namespace rondo::inline v0_1
