// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <string_view>

namespace rondo::inline v0_1::pipeline {

/// All forwards, then all backwards.
///
///     rank 0   F0 F1 F2 F3 .  .  B0 B1 B2 B3
///     rank 1   .  F0 F1 F2 F3 B0 B1 B2 B3
///
/// Bubble (p-1)(F+B); holds all m micro-batches; 2m(p-1) messages.
/// Source: Huang et al. 2019, arXiv:1811.06965. Backwards run in the order of the forwards.
struct gpipe {
  static constexpr std::string_view name = "gpipe";

  constexpr void check(const shape& asked) const { detail::require_whole(name, asked); }
  [[nodiscard]] constexpr placement place(const shape& asked) const { return looped(asked.stages); }

  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    detail::row_writer out{2 * asked.micro_batches};
    for (int i = 0; i < asked.micro_batches; ++i) {
      out.forward(rank, i);
    }
    for (int i = 0; i < asked.micro_batches; ++i) {
      out.backward(rank, i);
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// In which order the backwards of one chunk take the micro-batches.
enum class backward_order : unsigned char {
  ascending,  ///< as all other schedules, so that gradients are summed in the same order
  descending  ///< as PyTorch's looped breadth-first schedule
};

/// All micro-batches through one chunk before the next chunk begins, so that each chunk's weights
/// are gathered once per direction.
///
/// Bubble (p-1)(F+B) of one chunk; holds everything; 2m(pv-1) messages.
/// Source: Lamy-Poirier 2023, arXiv:2211.05953.
struct breadth_first {
  static constexpr std::string_view name = "breadth_first";
  int chunks = 2;
  backward_order backwards = backward_order::ascending;

  constexpr void check(const shape& asked) const {
    detail::require_whole(name, asked);
    detail::require_chunks(name, asked, chunks);
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const {
    return looped(asked.stages, chunks);
  }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    const int last = asked.micro_batches - 1;
    detail::row_writer out{2 * asked.micro_batches * chunks};
    for (int chunk = 0; chunk < chunks; ++chunk) {
      for (int i = 0; i <= last; ++i) {
        out.forward(chunk * asked.stages + rank, i);
      }
    }
    for (int chunk = chunks - 1; chunk >= 0; --chunk) {
      for (int i = 0; i <= last; ++i) {
        out.backward(chunk * asked.stages + rank,
                     backwards == backward_order::ascending ? i : last - i);
      }
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

/// Serving: forwards only, each activation dropped as soon as it is sent.
struct forward_only {
  static constexpr std::string_view name = "forward_only";
  int chunks = 1;

  constexpr void check(const shape& asked) const {
    detail::require_shape(name, asked);
    detail::require_chunks(name, asked, chunks);
  }
  [[nodiscard]] constexpr placement place(const shape& asked) const {
    return looped(asked.stages, chunks);
  }
  [[nodiscard]] constexpr pipeline::row row(const shape& asked, int rank) const {
    detail::row_writer out{asked.units() * chunks};
    for (int first = 0; first < asked.micro_batches; first += asked.stages) {
      const int end = (std::min)(first + asked.stages, asked.micro_batches);
      for (int chunk = 0; chunk < chunks; ++chunk) {
        for (int i = first; i < end; ++i) {
          for (int slice = 0; slice < asked.slices; ++slice) {
            out.forward(chunk * asked.stages + rank, i, slice);
          }
        }
      }
    }
    return out.take();
  }
  [[nodiscard]] constexpr plan operator()(const shape& asked) const {
    return detail::tabulate(*this, asked);
  }
};

}  // namespace rondo::inline v0_1::pipeline
