// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_of.hpp>
#include <rondo/collective/detail/checks.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rondo::inline v0_1::detail {

/// How a buffer that has a chunk for every rank is cut: equal blocks, or counts given by the
/// caller.
struct cut_by_rank {
  std::size_t block = 0;
  std::span<const std::size_t> per_rank{};
  int which = 0;  ///< tells apart the lists of a call that has two

  /// The table of a list of counts lies in memory of the communicator, until its next call.
  template <class Comm>
  [[nodiscard]] chunking of(Comm& comm) const {
    if (per_rank.empty()) {
      return chunking::blocks(block);
    }
    auto& begins = comm.kept().template get<std::vector<std::size_t>>(
        which, [&] { return std::vector<std::size_t>(per_rank.size() + 1, 0); });
    for (std::size_t rank = 0; rank < per_rank.size(); ++rank) {
      begins[rank + 1] = begins[rank] + per_rank[rank];
    }
    return chunking::table(begins);
  }

  /// The largest number where the sum would wrap: no buffer is that long.
  [[nodiscard]] std::size_t total(int ranks) const {
    if (per_rank.empty()) {
      return block * static_cast<std::size_t>(ranks);
    }
    std::size_t sum = 0;
    for (const auto count : per_rank) {
      sum = count > ~sum ? ~std::size_t{0} : sum + count;
    }
    return sum;
  }
  [[nodiscard]] std::size_t count(int rank) const {
    return per_rank.empty() ? block : per_rank[static_cast<std::size_t>(rank)];
  }
  /// Where a rank's chunk begins.
  [[nodiscard]] std::size_t begin(int rank) const {
    std::size_t before = per_rank.empty() ? block * static_cast<std::size_t>(rank) : 0;
    for (const auto each : per_rank.first(per_rank.empty() ? 0 : static_cast<std::size_t>(rank))) {
      before += each;
    }
    return before;
  }
  [[nodiscard]] std::uint64_t hash() const {
    std::uint64_t mixed = per_rank.size();
    for (const auto count : per_rank) {
      mixed = mixed_parameters(mixed, std::uint64_t{count});
    }
    return mixed;
  }
};

/// The caller's counts, one per rank, or equal blocks of `block` elements.
template <class Comm, class... Given>
[[nodiscard]] cut_by_rank cut_for(caller by, const Comm& comm, std::size_t block,
                                  const Given&... given) {
  if constexpr (number_given<policy::counts, Given...> == 1) {
    const counts each = choose<policy::counts>(nothing_given{}, given...);
    if (each.per_rank.size() != static_cast<std::size_t>(comm.size())) {
      refuse_list(by, "", each.per_rank.size(), comm.size(), comm.rank());
    }
    return {0, each.per_rank, 0};
  } else {
    return {block, {}, 0};
  }
}

}  // namespace rondo::inline v0_1::detail
