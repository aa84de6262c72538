// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstring>
#include <type_traits>

namespace rondo::inline v0_1::protocol {

/// A reduction with a faster way of its own to fold a block of values:
/// `with.template fold_block<N>(from, sources, result)`, where `from(s)` is where source s begins.
template <class Reduction, class T>
concept folds_blocks = requires(const Reduction& with, const T* (&from)(int), T* result) {
  with.template fold_block<8>(from, 1, result);
};

/// Folds element i of `source(0)` to `source(sources-1)`, in that order, for i in [first, last),
/// and writes the result to `target(0)` to `target(targets-1)`. Sources and targets may be the same
/// memory. Every byte is read once and written once.
template <cooperative Group, class Source, class Target, class Reduction>
RONDO_HOST_DEVICE void fold_each(Group& group, const Source& source, int sources,
                                 const Target& target, int targets, std::size_t first,
                                 std::size_t last, const Reduction& with) {
  using element = std::remove_pointer_t<decltype(target(0))>;
  using partial = typename Reduction::partial;

  const auto one_by_one = [&](std::size_t begin, std::size_t end,
                              std::size_t stride) RONDO_INLINE_BODY {
    for (std::size_t i = begin; i < end; i += stride) {
      partial folded = Reduction::lift(source(0)[i]);
      for (int s = 1; s < sources; ++s) {
        folded = with.fold(folded, Reduction::lift(source(s)[i]));
      }
      const element result = with.lower(folded);
      for (int t = 0; t < targets; ++t) {
        target(t)[i] = result;
      }
    }
  };

#if !defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<Group, one_thread> && folds_blocks<Reduction, element>) {
    constexpr std::size_t block = 32;
    vectorized([&]() RONDO_INLINE_BODY {
      std::size_t i = first;
      for (; i + block <= last; i += block) {
        element result[block];
        with.template fold_block<block>([&](int s) { return source(s) + i; }, sources, result);
        for (int t = 0; t < targets; ++t) {
          std::memcpy(target(t) + i, result, sizeof result);
        }
      }
      one_by_one(i, last, 1);
    });
    return;
  }
  constexpr std::size_t block = sizeof(partial) <= 8 ? 256 / sizeof(partial) : 16;
  constexpr bool blocked = std::is_same_v<Group, one_thread> && sizeof(partial) <= 64 &&
                           std::is_trivially_default_constructible_v<partial> &&
                           std::is_trivially_default_constructible_v<element>;
  if constexpr (blocked) {
    if (last - first >= block) {
      vectorized([&]() RONDO_INLINE_BODY {
        std::size_t i = first;
        for (; i + block <= last; i += block) {
          partial folded[block];
          const element* from = source(0) + i;
          for (std::size_t k = 0; k < block; ++k) {
            folded[k] = Reduction::lift(from[k]);
          }
          for (int s = 1; s < sources; ++s) {
            from = source(s) + i;
            for (std::size_t k = 0; k < block; ++k) {
              folded[k] = with.fold(folded[k], Reduction::lift(from[k]));
            }
          }
          element result[block];
          for (std::size_t k = 0; k < block; ++k) {
            result[k] = with.lower(folded[k]);
          }
          for (int t = 0; t < targets; ++t) {
            std::memcpy(target(t) + i, result, sizeof result);
          }
        }
        one_by_one(i, last, 1);
      });
      return;
    }
  }
#endif
  one_by_one(first + group.thread_rank(), last, group.size());
}

}  // namespace rondo::inline v0_1::protocol
