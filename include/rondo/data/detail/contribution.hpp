// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/finite.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1::data::detail {

/// What all clients must know of one before anything moves.
struct contribution {
  std::uint64_t weight = 0;
  std::uint64_t unusable = 0;  ///< position of the first value that is not finite, counted from 1
  std::uint64_t agreed = 0;    ///< a fingerprint of what all must give alike
};

/// The sum of all weights, the same on every rank; what cannot be averaged is refused on every rank
/// alike. A client without weight may bring anything.
template <class Comm>
[[nodiscard]] std::uint64_t total_weight(std::string_view who, source_location where, Comm& comm,
                                         contribution own) {
  std::vector<contribution> all(static_cast<std::size_t>(comm.size()));
  rondo::all_gather(comm, std::span{&own, 1}, all, where);
  std::uint64_t total = 0;
  for (std::size_t client = 0; client < all.size(); ++client) {
    const contribution& one = all[client];
    const auto name = [&] { return std::string{who} + ": client " + std::to_string(client); };
    const int rank = static_cast<int>(client);
    if (one.agreed != all[0].agreed) {
      raise(mismatch{name() + " is in another round than client 0", rank});
    }
    if (one.weight > 0 && one.unusable > 0) {
      refuse(name() + " brings a value that is not finite at position " +
                 std::to_string(one.unusable - 1) + "; leave it out with weight 0",
             rank);
    }
    if (one.weight > (std::numeric_limits<std::uint64_t>::max)() - total) {
      refuse(name() + " brings " + std::to_string(one.weight) + ", which with " +
                 std::to_string(total) + " of those before it does not fit 64 bits",
             rank);
    }
    total += one.weight;
  }
  if (total == 0) {
    refuse(std::string{who} + ": the weights of all " + std::to_string(all.size()) +
           " clients are 0, and nothing has no average; skip this round");
  }
  return total;
}

/// Position of the first value that is not finite, counted from 1; 0: there is none.
template <class T>
[[nodiscard]] std::uint64_t first_unusable(std::span<const T> values) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!is_finite(values[i])) {
      return i + 1;
    }
  }
  return 0;
}

}  // namespace rondo::inline v0_1::data::detail
