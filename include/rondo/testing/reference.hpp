// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

/// What collectives should give, computed the plain way: all ranks' inputs in, one scalar loop, no
/// threads. Slow and obvious, to check fast code against.
namespace rondo::inline v0_1::testing {

/// Throws, for use inside the body of a rank, where test frameworks may not be called.
inline void expect(bool holds, const char* what) {
  if (!holds) {
    raise(std::logic_error(std::string{"not as expected: "} + what));
  }
}

/// One buffer per rank.
template <class T>
using per_rank = std::vector<std::vector<T>>;

/// Numbers are folded as double, other types as they are.
template <class T>
using reference_type = std::conditional_t<
    std::is_arithmetic_v<T> || std::is_same_v<T, bfloat16> || std::is_same_v<T, half>, double, T>;

/// A value of the reference type, rounded to T. 16-bit floats are rounded by way of float.
template <class T>
[[nodiscard]] T rounded(const reference_type<T>& value) {
  if constexpr (std::is_same_v<T, bfloat16> || std::is_same_v<T, half>) {
    return T{static_cast<float>(value)};
  } else {
    return static_cast<T>(value);
  }
}

/// The element-wise fold of all inputs in rank order: what all_reduce gives to all, reduce to the
/// root, and reduce_scatter in parts.
template <class T, class Operation>
[[nodiscard]] std::vector<reference_type<T>> folded(const per_rank<T>& inputs,
                                                    const Operation& operation) {
  using wide = reference_type<T>;
  std::vector<wide> result(inputs.front().begin(), inputs.front().end());
  for (std::size_t rank = 1; rank < inputs.size(); ++rank) {
    for (std::size_t i = 0; i < result.size(); ++i) {
      result[i] = operation(result[i], static_cast<wide>(inputs[rank][i]));
    }
  }
  if constexpr (requires(wide w) { operation.finish(w, 1); }) {
    for (auto& value : result) {
      value = operation.finish(value, static_cast<int>(inputs.size()));
    }
  }
  return result;
}

/// All inputs one behind the other: what all_gather gives to all and gather to the root.
template <class T>
[[nodiscard]] std::vector<T> concatenated(const per_rank<T>& inputs) {
  std::vector<T> result;
  for (const auto& one : inputs) {
    result.insert(result.end(), one.begin(), one.end());
  }
  return result;
}

/// Part `index` of a buffer that is cut in parts of `counts[0]`, `counts[1]`, ... elements.
template <class T>
[[nodiscard]] std::span<T> part_of(std::span<T> whole, std::span<const std::size_t> counts,
                                   std::size_t index) {
  std::size_t first = 0;
  for (std::size_t before = 0; before < index; ++before) {
    first += counts[before];
  }
  return whole.subspan(first, counts[index]);
}

/// What all_to_all gives: rank d gets from each rank s, in order, the part that s has for d;
/// `counts[s][d]` elements.
template <class T>
[[nodiscard]] per_rank<T> transposed(const per_rank<T>& inputs,
                                     const per_rank<std::size_t>& counts) {
  per_rank<T> outputs(inputs.size());
  for (std::size_t to = 0; to < inputs.size(); ++to) {
    for (std::size_t from = 0; from < inputs.size(); ++from) {
      const auto part = part_of(std::span{inputs[from]}, counts[from], to);
      outputs[to].insert(outputs[to].end(), part.begin(), part.end());
    }
  }
  return outputs;
}

}  // namespace rondo::inline v0_1::testing
