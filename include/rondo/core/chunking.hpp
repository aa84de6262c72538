// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rondo::inline v0_1 {

/// Where the chunks of a buffer begin: evenly cut, or by a table. `shift` is the position of the
/// buffer's first element where the buffer holds only some of the chunks.
class chunking {
 public:
  chunking() = default;

  /// `count` elements in `chunks` parts that differ by at most one granule, larger ones first; all
  /// begin on a multiple of `granule`.
  [[nodiscard]] static chunking even(std::size_t count, int chunks, std::size_t granule = 1) {
    chunking made;
    made.even_ = {count, static_cast<std::size_t>(chunks), granule};
    return made;
  }

  /// Every chunk has `block` elements.
  [[nodiscard]] static chunking blocks(std::size_t block) {
    chunking made;
    made.even_.base = block;
    return made;
  }

  /// Chunk c begins at `begins[c]`; the table has one entry more than there are chunks and outlives
  /// the chunking.
  [[nodiscard]] static chunking table(std::span<const std::size_t> begins) {
    chunking made;
    made.begins_ = begins.data();
    return made;
  }

  /// The same chunks in a buffer that begins with chunk `first`.
  [[nodiscard]] chunking from(int first) const {
    chunking moved = *this;
    moved.shift_ = position(first);
    return moved;
  }

  [[nodiscard]] std::size_t offset(int chunk) const noexcept { return position(chunk) - shift_; }
  [[nodiscard]] std::size_t count(int chunk) const noexcept {
    return position(chunk + 1) - position(chunk);
  }
  [[nodiscard]] part part_of(int chunk) const noexcept { return {offset(chunk), count(chunk)}; }
  /// Elements of all chunks together.
  [[nodiscard]] std::size_t whole(int chunks) const noexcept {
    return position(chunks) - position(0);
  }
  [[nodiscard]] std::size_t largest(int chunks) const noexcept {
    if (begins_ == nullptr) {
      return smaller(even_.end, (even_.base + (even_.larger > 0 ? 1 : 0)) * even_.granule);
    }
    std::size_t most = 0;
    for (int chunk = 0; chunk < chunks; ++chunk) {
      most = larger(most, count(chunk));
    }
    return most;
  }
  /// Whether the chunks turn out equal, however they were told.
  [[nodiscard]] bool equal(int chunks) const noexcept {
    for (int chunk = 1; !uniform() && chunk < chunks; ++chunk) {
      if (count(chunk) != count(0)) {
        return false;
      }
    }
    return true;
  }
  [[nodiscard]] bool uniform() const noexcept {
    return begins_ == nullptr && even_.larger == 0 &&
           (even_.granule == 1 || even_.end % even_.granule == 0);
  }

 private:
  [[nodiscard]] std::size_t position(int chunk) const noexcept {
    const auto c = static_cast<std::size_t>(chunk);
    return begins_ != nullptr ? begins_[c] : even_.begin(c);
  }

  const std::size_t* begins_ = nullptr;
  even_cut even_{};
  std::size_t shift_ = 0;
};

}  // namespace rondo::inline v0_1
