// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

/// Random calls with a planted fault: what the fault tests of thread ranks and MPI ranks share.
///   RONDO_FAULT_SEED=<seed of the failed case> RONDO_FAULT_CASES=1   repeats a case
namespace faulty {

inline std::uint64_t setting(const char* name, std::uint64_t fallback) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : fallback;
}

class dice {
 public:
  explicit dice(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15u + 1} {}
  int below(int limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(limit));
  }
  bool once_in(int times) { return below(times) == 0; }

 private:
  std::uint64_t state_;
};

enum class kind {
  all_reduce,
  reduce_scatter,
  all_gather,
  all_to_all,
  broadcast,
  reduce,
  gather,
  scatter,
  barrier,
  shift,
  team
};
inline constexpr int collectives = 9;  ///< the first of them
inline constexpr int kinds = 11;

enum class fault {
  none,
  count,
  type,
  operation,
  algorithm,
  root,
  skipped,
  extra,
  swapped,
  operation_throws,
  leaves,
  late,
  throws
};

/// What ranks call together.
struct request {
  kind what;
  std::size_t count;
  int root;  ///< of a shift, the tag
  bool integers;
  bool largest;  ///< max instead of sum
  friend bool operator==(const request&, const request&) = default;

  [[nodiscard]] bool folds() const {
    return what == kind::all_reduce || what == kind::reduce_scatter || what == kind::reduce;
  }
  [[nodiscard]] bool rooted() const {
    return what == kind::broadcast || what == kind::reduce || what == kind::gather ||
           what == kind::scatter || what == kind::shift;
  }
  /// Elements of a rank's input, and of its output.
  [[nodiscard]] std::size_t given(int size) const {
    const bool whole =
        what == kind::reduce_scatter || what == kind::all_to_all || what == kind::scatter;
    return count * (whole ? static_cast<std::size_t>(size) : 1);
  }
  [[nodiscard]] std::size_t got(int size) const {
    const bool whole = what == kind::all_gather || what == kind::all_to_all || what == kind::gather;
    return count * (whole ? static_cast<std::size_t>(size) : 1);
  }

  /// Makes it what the culprit calls; it may be the same after all.
  void spoil(fault how, int size) {
    switch (how) {
      case fault::count:
        count += what == kind::barrier ? 0 : 1;
        break;
      case fault::type:
        integers = integers != (what != kind::barrier);
        break;
      case fault::operation:
        largest = largest != folds();
        break;
      case fault::root:
        root = rooted() ? (root + 1) % size : root;
        break;
      default:
        break;
    }
  }
};

/// Element i of a rank's input to call `id`.
template <class T>
T value(int id, int rank, std::size_t i) {
  return static_cast<T>((static_cast<std::size_t>(id * 5 + rank * 3) + i * 7) % 4);
}

/// What outputs hold before a call.
template <class T>
inline constexpr T untouched{99};

/// Element i of a rank's output, after call `id`.
template <class T>
T result(const request& one, int id, int rank, int size, std::size_t i) {
  const auto at = [&](int from, std::size_t place) { return value<T>(id, from, place); };
  const auto folded = [&](std::size_t place, int first, int stride) {
    T all = at(first, place);
    for (int from = first + stride; from < size; from += stride) {
      all = one.largest && stride == 1 ? (std::max)(all, at(from, place)) : all + at(from, place);
    }
    return all;
  };
  const std::size_t own = static_cast<std::size_t>(rank) * one.count;
  const int from = static_cast<int>(i / one.count);
  const std::size_t place = i % one.count;
  const bool is_root = rank == one.root;
  switch (one.what) {
    case kind::all_reduce:
      return folded(i, 0, 1);
    case kind::reduce_scatter:
      return folded(own + i, 0, 1);
    case kind::all_gather:
      return at(from, place);
    case kind::all_to_all:
      return at(from, own + place);
    case kind::broadcast:
      return at(one.root, i);
    case kind::reduce:
      return is_root ? folded(i, 0, 1) : untouched<T>;
    case kind::gather:
      return is_root ? at(from, place) : untouched<T>;
    case kind::scatter:
      return at(one.root, own + i);
    case kind::barrier:
      break;
    case kind::shift:
      return at((rank + size - 1) % size, i);
    case kind::team:
      return folded(i, rank % 2, 2);
  }
  return untouched<T>;
}

}  // namespace faulty
