// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/version.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

RONDO_INDEPENDENT_LOOPS_BEGIN

namespace rondo::inline v0_1::protocol {

/// The loops that all folded bytes go through, for one block of elements of one thread.
///
/// They run at the speed of a copy if the compiler sees that iterations are independent, although
/// targets may be sources, and knows how many there are: 84 GB/s instead of 23 from the
/// second-level cache (Zen 5, GCC 12 -O2, 2026-11-21). So there is one for each number up to four;
/// more sources are folded four at a time, by way of partial results in the first-level cache.
/// Eight have a loop of their own where it has no more than nine streams to keep in the cache,
/// because sources are targets, there is one target, or stores go around it: 1.4, 1.1 and 1.2 x as
/// fast (2026-11-27), but 0.8 x elsewhere.
///
/// Several targets are written in one loop only where a store fills a line. The first-level cache
/// of AMD's Zen 1 to 3 keeps no two lines that have the same place in their pages and the same hash
/// of the address above; memory that malloc gives to threads lies 128 MiB apart, so ranks 0 and 2
/// have such pairs. Stores of 32 bytes to the two in turn throw each other's line out every time.
/// There a block is written once and copied from the cache: 2 sources and targets of 32 KiB
/// take 2.7 us instead of 13, 4 of each 6.7 instead of 59; where no lines are such pairs, 1.8
/// instead of 1.6 and 4.5 instead of 4.4 (Zen 3, 2026-11-28).
template <class T, class Reduction>
class fold_lines {
 public:
  using partial = typename Reduction::partial;

  /// Sources folded at once, and those that are where it pays.
  static constexpr int most = 4;
  static constexpr int eight = 8;
  /// Elements of a block: of what is kept, 8 KiB.
  static constexpr std::size_t block =
      larger(std::size_t{1}, std::size_t{8192} / larger(sizeof(T), sizeof(partial)));
  /// Elements that are streamed together.
  static constexpr std::size_t stream_block = 128 % sizeof(T) == 0 ? 128 / sizeof(T) : 0;
  static constexpr bool can_stream = stream_block != 0 && RONDO_HAS_STREAMED_STORES != 0 &&
                                     std::is_trivially_default_constructible_v<T>;
  /// What is converted on the way is bound by instructions. So is what is stored to many targets in
  /// the cache: by registers of 64 bytes 1.2 to 1.3 x as fast in place on 2 ranks
  /// (bench/results/threads-2026-11-27.md).
  static constexpr registers longest =
      sizeof(T) < sizeof(partial) ? registers::of_64_bytes : registers::of_32_bytes;
  static constexpr bool can_keep =
      std::is_trivially_default_constructible_v<partial> && sizeof(partial) <= 1024;

  fold_lines(const Reduction& with, std::size_t count) : with_{with}, count_{count} {}

  /// Folds `sources` blocks, each at `source(s)`, in order, and writes the result to `to[0]` up to
  /// `to[targets - 1]`. Streamed: a multiple of `stream_block` elements, aligned.
  template <class Source>
  void run(const Source& source, int sources, T* const* to, int targets, store how) {
    if (!rondo::detail::runs_twins()) {
      one_after_another(source, sources, to, targets);
      return;
    }
    const bool in_place = targets == eight && to[0] == source(0);
    const bool few_streams = in_place || targets == 1 || how == store::streamed;
    if (sources == eight && few_streams) {
      look_at(source, 0, eight);
      finish<eight, false>(to, targets, how);
    } else if (sources <= most) {
      look_at(source, 0, sources);
      with_number(sources, [&](auto number) { finish<number(), false>(to, targets, how); });
    } else if constexpr (can_keep) {
      alignas(64) std::array<partial, block> partials;
      kept_ = partials.data();
      int done = (sources - 1) % most + 1;  // so that all that follow are as many as can be
      look_at(source, 0, done);
      with_number(done, [&](auto number) { keep<number(), false>(); });
      for (; sources - done > most; done += most) {
        look_at(source, done, most);
        keep<most, true>();
      }
      look_at(source, done, most);
      finish<most, true>(to, targets, how);
    }
  }

  /// The same of two sources and one target, cached: the one loop that this takes is compiled, and
  /// not the 22 of all cases.
  void run_two(const T* left, const T* right, T* to) {
    from_[0] = left;
    from_[1] = right;
    vectorized<longest>([&]() RONDO_INLINE_BODY { write_all<2, false, 1>(&to); });
  }

  /// The same by three short loops, for processors without AVX2: those 22 are not compiled for
  /// them.
  template <class Source>
  void one_after_another(const Source& source, int sources, T* const* to, int targets) {
    if constexpr (can_keep) {
      alignas(64) std::array<partial, block> partials;
      kept_ = partials.data();
      for (int s = 0; s < sources; ++s) {
        look_at(source, s, 1);
        s == 0 ? add<false>() : add<true>();
      }
      rondo::detail::compiled_apart([this, into = to[0]]() RONDO_INLINE_BODY {
        const rondo::detail::own_operation<Reduction> with = with_;
        const partial* const kept = kept_;
        const std::size_t count = count_;
        for (std::size_t i = 0; i < count; ++i) {
          into[i] = with.lower(kept[i]);
        }
      });
      copy_to_others(to, 1, targets);
    }
  }

 private:
  template <class Source>
  void look_at(const Source& source, int begin, int number) {
    for (int s = 0; s < number; ++s) {
      from_[static_cast<std::size_t>(s)] = source(begin + s);
    }
  }

  void copy_to_others(T* const* to, int written, int targets) const {
    for (; written < targets; ++written) {
      copy_elements(to[written], static_cast<const T*>(to[0]), count_);
    }
  }

  /// Calls `use` with `number`, which is 1 up to `most`, as a constant.
  template <class Use>
  static void with_number(int number, const Use& use) {
    switch (number) {
      case 1:
        return use(std::integral_constant<int, 1>{});
      case 2:
        return use(std::integral_constant<int, 2>{});
      case 3:
        return use(std::integral_constant<int, 3>{});
      default:
        return use(std::integral_constant<int, most>{});
    }
  }

  template <int Sources, bool Resumes>
  void finish(T* const* to, int targets, store how) const {
    constexpr int many = Resumes ? most : Sources;
    int written = 1;
    if (can_stream && how == store::streamed) {
      stream<Sources, Resumes>(to, targets);
      written = targets;
    } else if (targets >= many && many > 1 && rondo::detail::stores_whole_lines()) {
      write<Sources, Resumes, many>(to);
      written = many;
    } else {
      write<Sources, Resumes, 1>(to);
    }
    copy_to_others(to, written, targets);
  }

  // The loops, on pointers and an operation of their own.

  template <int Sources, bool Resumes>
  void keep() const {
    rondo::detail::vectorized_by_twins<longest>(
        [&]() RONDO_INLINE_BODY { keep_all<Sources, Resumes>(); });
  }

  template <bool Resumes>
  void add() const {
    rondo::detail::compiled_apart([&]() RONDO_INLINE_BODY { keep_all<1, Resumes>(); });
  }

  template <int Sources, bool Resumes>
  RONDO_ALWAYS_INLINE void keep_all() const {
    const rondo::detail::own_operation<Reduction> with = with_;
    const auto sources = rondo::detail::own_pointers<Sources>(from_.data());
    partial* const kept = kept_;
    const std::size_t count = count_;
    RONDO_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) {
      kept[i] = at<Sources, Resumes>(with, sources, kept, i);
    }
  }

  template <int Sources, bool Resumes, int Targets>
  void write(T* const* to) const {
    const auto all = [&]() RONDO_INLINE_BODY { write_all<Sources, Resumes, Targets>(to); };
    if constexpr (Targets > 1) {
      rondo::detail::vectorized_by_whole_lines(all);
    } else {
      rondo::detail::vectorized_by_twins<longest>(all);
    }
  }

  template <int Sources, bool Resumes, int Targets>
  RONDO_ALWAYS_INLINE void write_all(T* const* to) const {
    const rondo::detail::own_operation<Reduction> with = with_;
    const auto sources = rondo::detail::own_pointers<Sources>(from_.data());
    const auto targets = rondo::detail::own_pointers<Targets>(to);
    const partial* const kept = kept_;
    const std::size_t count = count_;
    RONDO_INDEPENDENT_ITERATIONS
    for (std::size_t i = 0; i < count; ++i) {
      T result =
          with.lower(at<Sources, Resumes>(with, sources, kept, i));  // const would keep GCC 12
      for (std::size_t t = 0; t < Targets; ++t) {                    // from vector code
        targets[t][i] = result;
      }
    }
  }

  template <int Sources, bool Resumes>
  void stream(T* const* to, int targets) const {
    if constexpr (can_stream) {
      rondo::detail::vectorized_by_twins<longest>([&]() RONDO_INLINE_BODY {
        const rondo::detail::own_operation<Reduction> with = with_;
        const auto sources = rondo::detail::own_pointers<Sources>(from_.data());
        const partial* const kept = kept_;
        const std::size_t count = count_;
        for (std::size_t i = 0; i < count; i += stream_block) {
          T result[stream_block];
          for (std::size_t k = 0; k < stream_block; ++k) {
            result[k] = with.lower(at<Sources, Resumes>(with, sources, kept, i + k));
          }
          for (int t = 0; t < targets; ++t) {
            stream_bytes<sizeof result>(to[t] + i, result);
          }
        }
      });
    }
  }

  /// Element i of the first `Sources` sources, after what is kept if `Resumes`.
  template <std::size_t Sources, bool Resumes>
  [[gnu::always_inline]] static partial at(const Reduction& with,
                                           const std::array<const T*, Sources>& sources,
                                           const partial* kept, std::size_t i) {
    partial folded = Resumes ? with.fold(kept[i], Reduction::lift(sources[0][i]))
                             : Reduction::lift(sources[0][i]);
    for (std::size_t s = 1; s < Sources; ++s) {
      folded = with.fold(folded, Reduction::lift(sources[s][i]));
    }
    return folded;
  }

  const Reduction& with_;
  std::size_t count_;
  std::array<const T*, eight> from_{};
  partial* kept_ = nullptr;
};

}  // namespace rondo::inline v0_1::protocol

RONDO_INDEPENDENT_LOOPS_END
