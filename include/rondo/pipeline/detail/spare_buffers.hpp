// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstddef>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::pipeline::detail {

/// Buffers that were sent or dropped, for those to come. Every call of a stage takes one and gives
/// one, so there are never more than were once in use.
template <class Values>
class spare_buffers {
 public:
  /// A buffer of `count` elements. Without allocation if a spare one can hold as many.
  [[nodiscard]] Values get(std::size_t count) {
    for (std::size_t i = spare_.size(); i-- > 0;) {
      if (fits(spare_[i], count)) {
        return sized(take(i), count);
      }
    }
    if constexpr (resizable) {
      if (!spare_.empty()) {
        return sized(take(spare_.size() - 1), count);
      }
    }
    return Values(count);
  }

  /// An empty one, which may have room.
  [[nodiscard]] Values empty() {
    if constexpr (resizable) {
      if (!spare_.empty()) {
        return sized(take(spare_.size() - 1), 0);
      }
    }
    return Values{};
  }

  void put(Values&& used) {
    if (resizable || std::size(used) != 0) {
      spare_.push_back(std::move(used));
    }
  }

 private:
  static constexpr bool resizable = requires(Values & values, std::size_t count) {
    values.resize(count);
  };

  [[nodiscard]] static bool fits(const Values& values, std::size_t count) {
    if constexpr (requires { values.capacity(); } && resizable) {
      return values.capacity() >= count;
    } else {
      return static_cast<std::size_t>(std::size(values)) == count;
    }
  }
  [[nodiscard]] static Values sized(Values values, std::size_t count) {
    if constexpr (resizable) {
      values.resize(count);
    }
    return values;
  }
  [[nodiscard]] Values take(std::size_t which) {
    std::swap(spare_[which], spare_.back());
    Values taken = std::move(spare_.back());
    spare_.pop_back();
    return taken;
  }

  std::vector<Values> spare_{};
};

}  // namespace rondo::inline v0_1::pipeline::detail
