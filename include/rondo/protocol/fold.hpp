// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/fold_lines.hpp>
#include <rondo/protocol/neighbours.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// A reduction with a faster way of its own to fold a block of values:
/// `with.template fold_block<N>(from, sources, result)`, where `from(s)` is where source s begins.
template <class Reduction, class T>
concept folds_blocks = requires(const Reduction& with, const T* (&from)(int), T* result) {
  with.template fold_block<8>(from, 1, result);
};

namespace detail {

/// One element after another; thread `group.thread_rank()` of several takes every size-th.
template <class Group, class Source, class Target, class Reduction>
RONDO_HOST_DEVICE void fold_one_by_one(Group& group, const Source& source, int sources,
                                       const Target& target, int targets, std::size_t first,
                                       std::size_t last, const Reduction& with) {
  using element = std::remove_pointer_t<decltype(target(0))>;
  for (std::size_t i = first + group.thread_rank(); i < last; i += group.size()) {
    auto folded = Reduction::lift(source(0)[i]);
    for (int s = 1; s < sources; ++s) {
      folded = with.fold(folded, Reduction::lift(source(s)[i]));
    }
    const element result = with.lower(folded);
    for (int t = 0; t < targets; ++t) {
      target(t)[i] = result;
    }
  }
}

/// By the reduction's own fold of a block.
template <class Source, class Target, class Reduction>
void fold_its_way(const Source& source, int sources, const Target& target, int targets,
                  std::size_t first, std::size_t last, const Reduction& with) {
  using element = std::remove_pointer_t<decltype(target(0))>;
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
    one_thread alone;
    fold_one_by_one(alone, source, sources, target, targets, i, last, with);
  });
}

/// Calls `write(begin, count, to, number, how)` for block after block of the elements from `first`
/// to `last`: it writes `count` elements to `to[0]` up to `to[number - 1]`, cached or streamed as
/// it is told. Targets beyond those get copies. A range that is streamed, or as long as a block,
/// goes up to a whole line of the targets first: memory of malloc begins 16 bytes behind one, and
/// stores across lines take up to 1.4 x as long in place (bench/results/threads-2026-11-27.md).
template <class Lines, class Target, class Write>
void in_store_blocks(const Target& target, int targets, std::size_t first, std::size_t last,
                     store how, const Write& write) {
  using lines = Lines;
  using element = std::remove_pointer_t<decltype(target(0))>;
  constexpr int most_targets = 16;
  const int together = smaller(targets, most_targets);
  for (std::size_t begin = first; begin < last;) {
    std::size_t count = smaller(lines::block, last - begin);
    element* to[most_targets];
    if (begin == first && (how == store::streamed || last - first >= lines::block)) {
      const std::size_t ahead = (0 - reinterpret_cast<std::uintptr_t>(target(0) + begin)) % 64;
      const std::size_t partial_line = larger(std::size_t{1}, ahead / sizeof(element));
      count = ahead == 0 ? count : smaller(count, partial_line);
    }
    bool streams = lines::can_stream && how == store::streamed && count >= lines::stream_block;
    for (int t = 0; t < together; ++t) {
      to[t] = target(t) + begin;
      streams = streams && can_stream_to(to[t]);
    }
    if constexpr (lines::can_stream) {
      count -= streams ? count % lines::stream_block : 0;
    }
    write(begin, count, to, together, streams ? store::streamed : store::cached);
    for (int t = together; t < targets; ++t) {
      copy_elements(target(t) + begin, static_cast<const element*>(to[0]), count);
    }
    begin += count;
  }
  if (how == store::streamed) {
    end_of_stream();
  }
}

/// In vector code, block by block.
template <class Source, class Target, class Reduction>
void fold_in_blocks(const Source& source, int sources, const Target& target, int targets,
                    std::size_t first, std::size_t last, const Reduction& with, store how) {
  using element = std::remove_pointer_t<decltype(target(0))>;
  using lines = fold_lines<element, Reduction>;
  in_store_blocks<lines>(
      target, targets, first, last, how,
      [&](std::size_t begin, std::size_t count, element* const* to, int number, store chosen) {
        lines{with, count}.run([&](int s) { return source(s) + begin; }, sources, to, number,
                               chosen);
      });
}

/// Whether elements are folded in pairs: not where two partial results are too many bytes to keep.
template <class T, class Reduction>
[[nodiscard]] consteval bool folds_pairs() {
  if constexpr (comes_in_pairs<T, Reduction>) {
    return fold_lines<pair_of<T>, fold_of_pairs<T, Reduction>>::can_keep;
  } else {
    return false;
  }
}

/// One by one, but in the same compiled form as blocks, for the same bits.
template <class Source, class Target, class Reduction>
void fold_alone(const Source& source, int sources, const Target& target, int targets,
                std::size_t first, std::size_t last, const Reduction& with) {
  vectorized([&]() RONDO_INLINE_BODY {
    one_thread group;
    fold_one_by_one(group, source, sources, target, targets, first, last, with);
  });
}

/// As many neighbours together as `Neighbours` are; what has not that many, alone: which elements
/// those are depends on where a rank's target lies.
template <class Neighbours, class Source, class Target, class Reduction, class Together>
void fold_neighbours(const Source& source, int sources, const Target& target, int targets,
                     std::size_t first, std::size_t last, const Reduction& with,
                     const Together& together, store how) {
  using element = std::remove_pointer_t<decltype(target(0))>;
  constexpr std::size_t number = sizeof(Neighbours) / sizeof(element);
  const auto address = reinterpret_cast<std::uintptr_t>(target(0) + first);
  const std::size_t ahead =
      smaller((0 - address) % sizeof(Neighbours) / sizeof(element), last - first);
  if (ahead != 0) {
    fold_alone(source, sources, target, targets, first, first + ahead, with);
    first += ahead;
  }
  const std::size_t whole = (last - first) / number;
  fold_in_blocks([&](int s) { return reinterpret_cast<const Neighbours*>(source(s) + first); },
                 sources, [&](int t) { return reinterpret_cast<Neighbours*>(target(t) + first); },
                 targets, 0, whole, together, how);
  fold_alone(source, sources, target, targets, first + number * whole, last, with);
}

}  // namespace detail

/// Folds element i of `source(0)` to `source(sources-1)`, in that order, for i in [first, last),
/// and writes the result to `target(0)` to `target(targets-1)`. Sources and targets may be the same
/// memory. Every byte is read once and written once; `copied` also reads results again, while they
/// are in the cache.
template <cooperative Group, class Source, class Target, class Reduction>
RONDO_HOST_DEVICE void fold_each(Group& group, const Source& source, int sources,
                                 const Target& target, int targets, std::size_t first,
                                 std::size_t last, const Reduction& with,
                                 [[maybe_unused]] store how = store::cached) {
  using element = std::remove_pointer_t<decltype(target(0))>;
  if constexpr (!std::is_same_v<Group, one_thread> && folds_packs<element, Reduction>) {
    fold_packs<element>(group, source, sources, first, last, with,
                        pack_targets<element, Target>{target, targets});
    return;
  }
#if !defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<Group, one_thread>) {
    if (how == store::copied && targets > 1) {
      constexpr std::size_t block = larger(std::size_t{1}, std::size_t{32768} / sizeof(element));
      for (std::size_t begin = first; begin < last; begin += block) {
        const std::size_t end = smaller(begin + block, last);
        fold_each(group, source, sources, target, 1, begin, end, with);
        for (int t = 1; t < targets; ++t) {
          copy_elements(target(t) + begin, static_cast<const element*>(target(0)) + begin,
                        end - begin);
        }
      }
      return;
    }
    using lines = fold_lines<element, Reduction>;
    if constexpr (folds_blocks<Reduction, element>) {
      detail::fold_its_way(source, sources, target, targets, first, last, with);
      return;
    } else if constexpr (detail::folds_pairs<element, Reduction>()) {
#if RONDO_HAS_EIGHT_HALVES
      if constexpr (comes_in_eights<element, Reduction>) {
        if (rondo::detail::converts_halves()) {
          detail::fold_neighbours<eight_halves>(source, sources, target, targets, first, last, with,
                                                fold_of_eights<Reduction>{with}, how);
        } else {  // without AVX2: pairs would be faster there, but take as long to compile again
          detail::fold_alone(source, sources, target, targets, first, last, with);
        }
        return;
      }
#endif
      detail::fold_neighbours<pair_of<element>>(source, sources, target, targets, first, last, with,
                                                fold_of_pairs<element, Reduction>{with}, how);
      return;
    } else if (lines::can_keep || (sources <= lines::most && rondo::detail::runs_twins())) {
      detail::fold_in_blocks(source, sources, target, targets, first, last, with, how);
      return;
    }
  }
#endif
  detail::fold_one_by_one(group, source, sources, target, targets, first, last, with);
}

/// `fold_each` by a thread of the host, of two sources and one target, from the first of `count`
/// elements on. Schedules and MPI fold so, and compile a fraction of its loops.
template <class T, class Reduction>
void fold_both(const T* left, const T* right, T* into, std::size_t count, const Reduction& with) {
  if constexpr (folds_blocks<Reduction, T> || detail::folds_pairs<T, Reduction>()) {
    one_thread alone;
    fold_each(
        alone, [&](int which) { return which == 0 ? left : right; }, 2, [&](int) { return into; },
        1, 0, count, with);
  } else {
    using lines = fold_lines<T, Reduction>;
    detail::in_store_blocks<lines>(
        [&](int) { return into; }, 1, 0, count, store::cached,
        [&](std::size_t begin, std::size_t number, T* const* to, int, store) {
          lines{with, number}.run_two(left + begin, right + begin, to[0]);
        });
  }
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
