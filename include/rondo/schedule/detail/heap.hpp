// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstddef>
#include <utility>

/// Heaps, and sorting by one, without the 9,000 lines of `algorithm` that every program would read:
/// rondo.hpp has the simulator.
namespace rondo::inline v0_1::schedule::detail {

/// Makes a heap of `heap[0, size)` of which only `heap[place]` may be too early: no element is
/// after the one above it.
template <class T, class Before>
constexpr void sink(T* heap, std::size_t place, std::size_t size, const Before& before) {
  for (std::size_t below = 2 * place + 1; below < size; below = 2 * place + 1) {
    if (below + 1 < size && before(heap[below], heap[below + 1])) {
      ++below;
    }
    if (!before(heap[place], heap[below])) {
      return;
    }
    std::swap(heap[place], heap[below]);
    place = below;
  }
}

/// The last element of `heap[0, size)` takes its place in the heap of those before it.
template <class T, class Before>
constexpr void push(T* heap, std::size_t size, const Before& before) {
  for (std::size_t place = size - 1; place > 0; place = (place - 1) / 2) {
    if (!before(heap[(place - 1) / 2], heap[place])) {
      return;
    }
    std::swap(heap[(place - 1) / 2], heap[place]);
  }
}

/// Moves the latest element, heap[0], to the end, and leaves a heap of those before it.
template <class T, class Before>
constexpr void pop(T* heap, std::size_t size, const Before& before) {
  std::swap(heap[0], heap[size - 1]);
  sink(heap, 0, size - 1, before);
}

/// Cost: size * log2(size) comparisons, twice at most; size - 1 if it is sorted already.
template <class T, class Before>
constexpr void sort(T* values, std::size_t size, const Before& before) {
  bool sorted = true;
  for (std::size_t i = 1; i < size && sorted; ++i) {
    sorted = !before(values[i], values[i - 1]);
  }
  if (sorted) {
    return;
  }
  for (std::size_t place = size / 2; place-- > 0;) {
    sink(values, place, size, before);
  }
  for (std::size_t left = size; left > 1; --left) {
    pop(values, left, before);
  }
}

template <class T>
constexpr void sort(T* values, std::size_t size) {
  sort(values, size, [](const T& a, const T& b) { return a < b; });
}

}  // namespace rondo::inline v0_1::schedule::detail
