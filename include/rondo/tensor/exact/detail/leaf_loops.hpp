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
#include <utility>

RONDO_INDEPENDENT_LOOPS_BEGIN

namespace rondo::inline v0_1::detail {

/// The sum of up to six nodes, as a tree adds them.
///
///     1   a                 4   (a + b) + (c + d)
///     2   a + b             5   (a + b) + (c + (d + e))
///                           6   (a + (b + c)) + (d + (e + f))
template <class T>
RONDO_ALWAYS_INLINE RONDO_HOST_DEVICE T sum_of_nodes(T a) {
  return a;
}
template <class T>
RONDO_ALWAYS_INLINE RONDO_HOST_DEVICE T sum_of_nodes(T a, T b) {
  return static_cast<T>(a + b);
}
template <class T, class... More>
RONDO_ALWAYS_INLINE RONDO_HOST_DEVICE T sum_of_nodes(T a, T b, T c, More... more) {
  if constexpr (sizeof...(more) == 0) {
    return sum_of_nodes(a, sum_of_nodes(b, c));
  } else if constexpr (sizeof...(more) == 3) {
    return sum_of_nodes(sum_of_nodes(a, b, c), sum_of_nodes(more...));
  } else {
    return sum_of_nodes(sum_of_nodes(a, b), sum_of_nodes(c, more...));
  }
}

/// to[i] = the sum of element i of the nodes; for a kernel.
template <class T, std::size_t... Term>
struct added_nodes {
  const T* from[sizeof...(Term)];
  T* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { to[i] = sum_of_nodes(from[Term][i]...); }
};

/// The same of none.
template <class T>
struct no_nodes {
  T* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { to[i] = T{}; }
};

/// The loops in which the nodes of a tree are added, by the host: up to six at once.
///
/// A pass over five nodes takes 0.8 to 0.9 of the time of one over a pair and one over what is then
/// four (Zen 5, GCC 12, 2026-11-27, bench/results/tensor_layers.md). Each has a loop for every
/// number of targets up to four, for the reasons of `fold_lines`.
template <class T>
struct leaf_loops {
  static constexpr int most_targets = 4;
  /// Blocks of 4 KiB: larger ones are read from memory in bursts, smaller ones cost more calls.
  static constexpr std::size_t block = larger(std::size_t{1}, 4096 / sizeof(T));
  /// Elements that are streamed together.
  static constexpr std::size_t stream_block = 128 % sizeof(T) == 0 ? 128 / sizeof(T) : 0;
  static constexpr bool can_stream = stream_block != 0 && RONDO_HAS_STREAMED_STORES != 0;

  /// Adds `count` elements of `terms` nodes, and writes the sums to all targets.
  static void add(std::size_t terms, const T* const* from, std::size_t count, T* const* to,
                  int targets, protocol::store how) {
    with_terms(
        terms, [&]<std::size_t... Term>(std::index_sequence<Term...>) {
          add<sizeof...(Term)>(from, count, to, targets, how);
        });
  }
  /// The same to one target, by a kernel of the turn.
  template <class Turn>
  static void add_by(Turn& turn, std::size_t terms, const T* const* from, std::size_t count,
                     T* to) {
    with_terms(
        terms, [&]<std::size_t... Term>(std::index_sequence<Term...>) {
          turn.each(count, added_nodes<T, Term...>{{from[Term]...}, to});
        });
  }

 private:
  template <class Act>
  static void with_terms(std::size_t terms, const Act& act) {
    switch (terms) {
      case 1:
        return act(std::make_index_sequence<1>{});
      case 2:
        return act(std::make_index_sequence<2>{});
      case 4:
        return act(std::make_index_sequence<4>{});
      case 5:
        return act(std::make_index_sequence<5>{});
      default:
        return act(std::make_index_sequence<6>{});
    }
  }

  /// Element i of the sum.
  template <std::size_t Terms>
  [[gnu::always_inline]] static T at(const std::array<const T*, Terms>& from, std::size_t i) {
    return [&]<std::size_t... Term>(std::index_sequence<Term...>) RONDO_INLINE_BODY {
      return sum_of_nodes(from[Term][i]...);
    }
    (std::make_index_sequence<Terms>{});
  }

  template <std::size_t Terms>
  static void add(const T* const* from, std::size_t count, T* const* to, int targets,
                  protocol::store how) {
    if (can_stream && how == protocol::store::streamed) {
      return stream<Terms>(from, count, to, targets);
    }
    switch (targets) {
      case 1:
        return write<Terms, 1>(from, count, to);
      case 2:
        return write<Terms, 2>(from, count, to);
      case 3:
        return write<Terms, 3>(from, count, to);
      default:
        write<Terms, most_targets>(from, count, to);
        for (int t = most_targets; t < targets; ++t) {
          protocol::copy_elements(to[t], static_cast<const T*>(to[0]), count);
        }
    }
  }

  // Pointers are copied to locals of the function that a loop is compiled in: nothing that is
  // stored can change those, so they stay in registers.

  template <std::size_t Terms, std::size_t Targets>
  static void write(const T* const* from, std::size_t count, T* const* to) {
    vectorized([=]() RONDO_INLINE_BODY {
      const auto sources = own_pointers<Terms>(from);
      const auto targets = own_pointers<Targets>(to);
      const std::size_t end = count;
      RONDO_INDEPENDENT_ITERATIONS
      for (std::size_t i = 0; i < end; ++i) {
        T result = at(sources, i);  // const would keep GCC 12 from vector code
        for (std::size_t t = 0; t < Targets; ++t) {
          targets[t][i] = result;
        }
      }
    });
  }

  template <std::size_t Terms>
  static void stream(const T* const* from, std::size_t count, T* const* to, int targets) {
    if constexpr (can_stream) {
      vectorized([=]() RONDO_INLINE_BODY {
        const auto sources = own_pointers<Terms>(from);
        for (std::size_t i = 0; i < count; i += stream_block) {
          T result[stream_block];
          for (std::size_t k = 0; k < stream_block; ++k) {
            result[k] = at(sources, i + k);
          }
          for (int t = 0; t < targets; ++t) {
            protocol::stream_bytes<sizeof result>(to[t] + i, result);
          }
        }
      });
    }
  }
};

}  // namespace rondo::inline v0_1::detail

RONDO_INDEPENDENT_LOOPS_END
