// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_reduce.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1::data {

namespace detail {

/// The sum, or `most` where it is that or larger: a sum that wrapped around would be some number.
struct sum_or_most {
  static constexpr std::string_view name = "sum_or_most";
  static constexpr bool commutes = true;
  static constexpr std::uint64_t most = (std::numeric_limits<std::uint64_t>::max)();
  constexpr std::uint64_t operator()(std::uint64_t a, std::uint64_t b) const {
    return a < most - b ? a + b : most;
  }
};

}  // namespace detail

/// 1 / max(N, 1), where N is how many tokens all ranks of `comm` bring: the factor that makes a sum
/// of gradients the gradient of the mean over tokens. A mean of the ranks' means is another number
/// where ranks have unequally many. Cost: all_reduce of 8 B. Errors, on every rank alike: more
/// tokens than 64 bits count, such as those of a rank that took more away than it had; the rank
/// with the most is named.
template <class Comm>
[[nodiscard]] double per_token(Comm& comm, std::uint64_t tokens,
                               source_location where = source_location::current()) {
  std::array<std::uint64_t, 1> all{tokens};
  rondo::all_reduce(comm, all, detail::sum_or_most{}, where);
  if (all[0] == detail::sum_or_most::most) {
    std::vector<std::uint64_t> each(static_cast<std::size_t>(comm.size()));
    rondo::all_gather(comm, std::span{&tokens, 1}, each, where);
    const auto largest = std::max_element(each.begin(), each.end());
    const auto rank = static_cast<int>(largest - each.begin());
    refuse("per_token: the tokens of all ranks do not fit 64 bits; rank " + std::to_string(rank) +
               " has " + std::to_string(*largest),
           rank);
  }
  return 1 / static_cast<double>(all[0] > 0 ? all[0] : 1);
}

/// Sums the ranks' gradients in place and multiplies the sum by `factor`, in double. The sum is one
/// of the gradient's type before: of halves it is infinite past 65504, whatever the factor.
///
///     const double factor = rondo::data::per_token(data, tokens);
///     rondo::data::sum_scaled(data, gradient, factor);
///     rondo::data::sum_scaled(experts_data, expert_gradient, factor);
///
/// Experts are replicated on fewer ranks than other layers, and their gradients are summed over
/// those alone; the factor is that of all data ranks still, for their tokens come from all.
/// Buckets do not change a bit with an algorithm that folds in rank order, such as `two_shot`.
/// Errors: a factor that is not finite; those of all_reduce.
template <class Comm, writable_buffer Values, class Algorithm = automatic>
void sum_scaled(Comm& comm, Values&& gradient, double factor, Algorithm algorithm = {},
                source_location where = source_location::current()) {
  if (!is_finite(factor)) {
    refuse("sum_scaled: factor " + std::to_string(factor) + "; expected a finite one", comm.rank());
  }
  auto values = writable(gradient);
  rondo::all_reduce(comm, values, algorithm, where);
  for (auto& value : values) {
    value = static_cast<element_of<Values>>(static_cast<double>(value) * factor);
  }
}

}  // namespace rondo::inline v0_1::data
