// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "catch.hpp"

#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/reference.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <tuple>
#include <vector>

/// What the property tests of the collectives share: samples, sizes, algorithms, and comparing.
namespace sweep {

using rondo::testing::per_rank;
using rondo::testing::reference_type;

#if defined(__SANITIZE_THREAD__)
inline constexpr bool slow_build = true;  ///< fewer cases, for each takes ten times as long
#else
inline constexpr bool slow_build = false;
#endif

/// Odd and even, prime, powers of two and their neighbours.
[[nodiscard]] inline std::vector<int> rank_counts() {
  return slow_build ? std::vector{1, 2, 3, 5, 8} : std::vector{1, 2, 3, 4, 5, 6, 7, 8, 9, 16};
}

[[nodiscard]] inline std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

template <class T>
inline constexpr bool is_float16 =
    std::is_same_v<T, rondo::bfloat16> || std::is_same_v<T, rondo::half>;

/// A type of the user's own: folds exactly, in any order.
struct box {
  std::int16_t low;
  std::int16_t high;
  std::int32_t count;
  friend bool operator==(const box&, const box&) = default;
};
inline box unite(const box& a, const box& b) {
  return {(std::min)(a.low, b.low), (std::max)(a.high, b.high), a.count + b.count};
}

/// Trivially copyable, but cannot be made from nothing.
struct no_default {
  explicit no_default(std::int32_t given) : value{given} {}
  std::int32_t value;
  friend bool operator==(const no_default&, const no_default&) = default;
};

/// Integers are small, so that no sum leaves eight bits on up to 64 ranks; floats are arbitrary.
template <class T>
[[nodiscard]] T sample(std::size_t rank, std::size_t i) {
  const std::uint64_t h = mixed(rank * 1000003u + i + 1);
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(static_cast<double>(h >> 11) * 0x1p-52 - 1.0);
  } else if constexpr (is_float16<T>) {
    return T{static_cast<float>(static_cast<double>(h >> 11) * 0x1p-52 - 1.0)};
  } else if constexpr (std::is_same_v<T, box>) {
    return {static_cast<std::int16_t>(h), static_cast<std::int16_t>(h >> 16),
            static_cast<std::int32_t>(h >> 40)};
  } else if constexpr (std::is_same_v<T, no_default>) {
    return no_default{static_cast<std::int32_t>(h % 1000)};
  } else {
    return static_cast<T>(h % 3 - (std::is_signed_v<T> ? 1 : 0));
  }
}

template <class T>
[[nodiscard]] per_rank<T> samples(int ranks, const std::vector<std::size_t>& counts) {
  per_rank<T> made(static_cast<std::size_t>(ranks));
  for (std::size_t rank = 0; rank < made.size(); ++rank) {
    for (std::size_t i = 0; i < counts[rank]; ++i) {
      made[rank].push_back(sample<T>(rank, i));
    }
  }
  return made;
}
template <class T>
[[nodiscard]] per_rank<T> samples(int ranks, std::size_t count) {
  return samples<T>(ranks, std::vector<std::size_t>(static_cast<std::size_t>(ranks), count));
}

/// A buffer whose first element is aligned no better than its type.
template <class T>
class unaligned {
 public:
  explicit unaligned(const std::vector<T>& values) {
    memory_.reserve(values.size() + 2);
    memory_.push_back(sample<T>(99, 1));
    memory_.insert(memory_.end(), values.begin(), values.end());
    memory_.push_back(sample<T>(99, 2));
  }
  [[nodiscard]] std::span<T> view() { return std::span{memory_}.subspan(1, memory_.size() - 2); }
  /// True if the elements around the view are as they were.
  [[nodiscard]] bool intact() const {
    return same(memory_.front(), sample<T>(99, 1)) && same(memory_.back(), sample<T>(99, 2));
  }

 private:
  static bool same(const T& a, const T& b) { return std::memcmp(&a, &b, sizeof(T)) == 0; }
  std::vector<T> memory_;
};

/// Something to receive into, filled with what no test expects.
template <class T>
[[nodiscard]] std::vector<T> blank(std::size_t count) {
  return std::vector<T>(count, sample<T>(1234567, 89));
}

template <class T>
[[nodiscard]] bool same_bits(std::span<const T> a, std::span<const T> b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size_bytes()) == 0);
}

/// The position of the first element that differs from what is expected by more than rounding in
/// any order of `ranks` terms of size at most 1; -1 if none does.
template <class T>
[[nodiscard]] std::ptrdiff_t first_wrong(std::span<const T> got,
                                         std::span<const reference_type<T>> expected, int ranks) {
  if (got.size() != expected.size()) {
    return static_cast<std::ptrdiff_t>(got.size());
  }
  for (std::size_t i = 0; i < got.size(); ++i) {
    bool right = false;
    if constexpr (std::is_floating_point_v<T>) {
      const double slack = ranks * ranks * static_cast<double>(std::numeric_limits<T>::epsilon());
      right = std::abs(static_cast<double>(got[i]) - expected[i]) <= slack;
    } else if constexpr (is_float16<T>) {
      const double slack =
          static_cast<double>(std::numeric_limits<T>::epsilon()) * (std::abs(expected[i]) + 1e-3);
      right = std::abs(static_cast<double>(got[i]) - expected[i]) <= slack;
    } else {
      right = got[i] == static_cast<T>(expected[i]);
    }
    if (!right) {
      return static_cast<std::ptrdiff_t>(i);
    }
  }
  return -1;
}

/// For elements that are moved and not folded.
template <class T>
[[nodiscard]] std::vector<reference_type<T>> as_reference(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

/// Counts of elements that lie around the limits of the paths of a collective, for elements of this
/// size: none, few, a packet, a stage's first piece, one-shot, a whole stage, and more.
[[nodiscard]] inline std::vector<std::size_t> counts_around(int ranks, std::size_t element_bytes,
                                                            bool short_list = false) {
  const auto n = static_cast<std::size_t>(ranks);
  std::vector<std::size_t> made{0, 1, n - 1, n, n + 1, 13};
  for (const std::size_t limit : {56u, 512u, 2048u, 8192u, 32768u}) {
    const std::size_t count = limit / element_bytes;
    if ((short_list || slow_build) && limit != 56u && limit != 8192u) {
      continue;
    }
    made.insert(made.end(), {count - 1, count, count + 1});
  }
  if (!short_list) {
    made.insert(made.end(), {(3 * 32768) / element_bytes + 7, 16411});
  }
  return made;
}

using algorithms = std::tuple<rondo::automatic, rondo::ring, rondo::tree, rondo::recursive_doubling,
                              rondo::halving_doubling, rondo::bruck, rondo::one_shot,
                              rondo::two_shot, rondo::hierarchical<rondo::ring, rondo::ring>>;

/// This algorithm with parameters that make its cases interesting.
template <class Algorithm>
[[nodiscard]] constexpr Algorithm for_ranks(int ranks) {
  Algorithm made{};
  if constexpr (requires { made.segments; }) {
    made.segments = 3;
  }
  if constexpr (requires { made.inner_size; }) {
    made.inner_size = ranks % 3 == 0 ? 3 : ranks % 2 == 0 ? 2 : 1;
  }
  return made;
}

/// Calls `visit(algorithm)` for all that make this collective: over messages, or, where ranks share
/// memory, for those that use it.
template <rondo::schedule::collective What, bool Messages, class Visit>
void for_each_algorithm(int ranks, const Visit& visit) {
  const auto one = [&]<class Algorithm>(Algorithm) {
    constexpr bool automatic = std::is_same_v<Algorithm, rondo::automatic>;
    if constexpr (automatic || (rondo::schedule::generates<Algorithm, What> &&
                                (Messages || rondo::detail::is_direct<Algorithm>))) {
      visit(for_ranks<Algorithm>(ranks));
    }
  };
  std::apply([&](auto... each) { (one(each), ...); }, algorithms{});
}

/// True if this algorithm refuses chunks of unequal size.
template <rondo::schedule::collective What, class Algorithm>
[[nodiscard]] bool refuses_unequal(const Algorithm& algorithm, int ranks) {
  if constexpr (rondo::schedule::generates<Algorithm, What>) {
    return generate(algorithm, rondo::schedule::make<What>{}, rondo::schedule::place{0, ranks, 0})
        .uniform;
  } else {
    return false;
  }
}

/// Runs `body(comm)` on `ranks` ranks, on shared memory or over messages.
template <bool Messages, class Body>
void on_ranks(int ranks, const Body& body) {
  rondo::threads::run(ranks,
                      [&](auto& comm) {
                        if constexpr (Messages) {
                          rondo::testing::messages_only apart{comm};
                          body(apart);
                        } else {
                          body(comm);
                        }
                      },
                      {.deadline = std::chrono::seconds{60}});
}

}  // namespace sweep
