// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1 {

/// One collective that a layer will make.
///
/// `elements` counts the whole tensor once: what all_reduce folds, what all_gather gives, what
/// reduce_scatter takes, and what all ranks together hand to all_to_all.
struct planned_collective {
  schedule::collective what = schedule::collective::all_reduce;
  std::size_t elements = 0;
  std::size_t element_bytes = 0;
  std::string axis;        ///< the mesh axis whose ranks make it
  int ranks = 1;           ///< how many they are
  std::size_t terms = 0;   ///< of an exact sum: how many arrays all ranks bring; 0: one each
  bool all_leave = false;  ///< of an all_to_all: ranks hand nothing to themselves

  /// Elements that leave their rank, of all ranks along the axis together, by an algorithm that
  /// sends none twice: 2 (n-1) elements for all_reduce, n-1 for all_gather and reduce_scatter,
  /// (n-1)/n for all_to_all between even shards, and all where all leave. Of an exact sum each
  /// array goes to the owners of its elements: (n-1)/n elements each, and n-1 to make the sum
  /// whole.
  [[nodiscard]] std::size_t moved_elements() const noexcept {
    const auto others = static_cast<std::size_t>(ranks - 1);
    const std::size_t brought = terms == 0 ? static_cast<std::size_t>(ranks) : terms;
    const std::size_t folded =
        brought * elements - brought * elements / static_cast<std::size_t>(ranks);
    switch (what) {
      case schedule::collective::all_reduce:
        return folded + others * elements;
      case schedule::collective::reduce_scatter:
        return folded;
      case schedule::collective::all_to_all:
        return all_leave ? elements : elements - elements / static_cast<std::size_t>(ranks);
      default:
        return others * elements;
    }
  }

  /// all_reduce 1024 x 4 B over tensor (4 ranks)
  [[nodiscard]] std::string describe() const {
    return std::string{schedule::name_of(what)} + ' ' + std::to_string(elements) + " x " +
           std::to_string(element_bytes) + " B" +
           (terms == 0 ? std::string{} : " of " + std::to_string(terms) + " nodes") + " over " +
           axis + " (" + std::to_string(ranks) + (ranks == 1 ? " rank)" : " ranks)");
  }

  friend bool operator==(const planned_collective&, const planned_collective&) = default;
};

/// What a layer will do on one rank, before it does it: the collectives of its forward and of its
/// backward pass, each in order, and its memory.
///
/// `first + second` is the layer `first` followed by `second`: the backward pass runs the other way
/// round, and `first` keeps what it saved while `second` runs.
struct layer_plan {
  std::vector<planned_collective> forward{};
  std::vector<planned_collective> backward{};
  std::size_t saved_bytes = 0;  ///< kept from the forward to the backward pass
  std::size_t peak_bytes = 0;   ///< saved and passing memory of the layer at its largest

  /// Forward, then backward.
  [[nodiscard]] std::vector<planned_collective> collectives() const {
    auto all = forward;
    all.insert(all.end(), backward.begin(), backward.end());
    return all;
  }

  /// Elements that leave their rank over `axis`, on average over its ranks.
  /// Cost in bytes: multiply by the element size.
  [[nodiscard]] double sent_elements(std::string_view axis) const {
    double sum = 0;
    for (const auto* pass : {&forward, &backward}) {
      for (const auto& one : *pass) {
        sum += one.axis == axis ? static_cast<double>(one.moved_elements()) / one.ranks : 0.0;
      }
    }
    return sum;
  }

  /// The layer after this one.
  layer_plan& operator+=(const layer_plan& next) {
    forward.insert(forward.end(), next.forward.begin(), next.forward.end());
    backward.insert(backward.begin(), next.backward.begin(), next.backward.end());
    peak_bytes = (std::max)(peak_bytes, saved_bytes + next.peak_bytes);
    saved_bytes += next.saved_bytes;
    return *this;
  }
  [[nodiscard]] friend layer_plan operator+(layer_plan first, const layer_plan& second) {
    return first += second;
  }

  /// One line for each collective, and one for the memory.
  [[nodiscard]] std::string describe() const {
    std::string text;
    for (const auto& one : forward) {
      text += "forward:  " + one.describe() + '\n';
    }
    for (const auto& one : backward) {
      text += "backward: " + one.describe() + '\n';
    }
    return text + "memory:   " + std::to_string(saved_bytes) + " B saved, " +
           std::to_string(peak_bytes) + " B at the peak";
  }

  friend bool operator==(const layer_plan&, const layer_plan&) = default;
};

}  // namespace rondo::inline v0_1
