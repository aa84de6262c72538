// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/experts/detail/expert_rows.hpp>
#include <rondo/tensor/experts/routing.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::detail {

/// How rows travel between the ranks that hold tokens and those that have their experts. In the
/// order of travel rows lie by rank, expert and run of tokens; with their experts, queue by queue.
template <class Team>
class expert_travel {
 public:
  expert_travel(Team ranks, cut tokens, cut experts)
      : ranks_{std::move(ranks)}, tokens_{std::move(tokens)}, experts_{std::move(experts)} {}

  [[nodiscard]] const cut& tokens() const noexcept { return tokens_; }
  [[nodiscard]] const cut& experts() const noexcept { return experts_; }

  /// How many counts all ranks have together.
  [[nodiscard]] std::size_t counted() const {
    std::size_t runs = 0;
    for (int rank = 0; rank < tokens_.ranks(); ++rank) {
      runs += tokens_.runs(rank).size();
    }
    return runs * experts_.extent();
  }

  /// All ranks' queues, from how many tokens of each run of this rank go to each expert, [run,
  /// expert], of `choices` that each token has. On GPUs the host waits here for what all ranks say.
  [[nodiscard]] expert_queues queues(source_location where, matrix<const int> own,
                                     std::size_t choices, std::size_t capacity) {
    sent_.clear();
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      sent_.push_back(tokens_.runs(rank).size() * experts_.extent());
    }
    const std::span<int> all = all_counts_.template get<int>(counted());
    int* const seen = seen_counts_.template get<int>(all.size());
    all_gather_call::make(where, ranks_.comm(), own.values(), all, counts{sent_});
    ranks_.memory().to_host(all.data(), seen, all.size());
    if constexpr (Team::on_device) {
      check_all_count(seen, choices);
    }
    return {tokens_, experts_.extent(), capacity, {seen, all.size()}};
  }

  /// How many rows of this rank's runs its experts take, and where these begin in the order of
  /// travel: [run, expert].
  [[nodiscard]] const part* taken(const expert_queues& queues) {
    const std::size_t all = tokens_.runs(ranks_.rank()).size() * experts_.extent();
    part* const known = seen_taken_.template get<part>(all);
    std::size_t next = 0;
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      queues.for_each(ranks_.rank(), experts_.runs(rank),
                      [&](std::size_t expert, std::size_t run, part places) {
                        known[run * experts_.extent() + expert] = {next, places.count};
                        next += places.count;
                      });
    }
    part* const there = taken_.template get<part>(all).data();
    ranks_.memory().from_host(known, there, all);
    return there;
  }

  /// Rows of this rank that travel.
  [[nodiscard]] std::size_t leaving(const expert_queues& queues) const {
    std::size_t rows = 0;
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      rows += queues.rows(ranks_.rank(), experts_.runs(rank));
    }
    return rows;
  }

  /// Which row of this rank's queues each row is that travels to it, in the order of travel.
  template <class Rows>
  void find_arrivals(const expert_queues& queues, Rows& to) {
    std::size_t all = 0;
    each_expert(queues, [&](std::size_t, std::size_t, std::size_t rows) { all += rows; });
    std::size_t* const known = seen_arrivals_.template get<std::size_t>(all);
    std::size_t* next = known;
    const auto own = experts_.runs(ranks_.rank());
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      std::size_t first = 0;
      std::size_t last = own.empty() ? 0 : own.front().first;
      queues.for_each(rank, own, [&](std::size_t expert, std::size_t, part places) {
        for (; last < expert; ++last) {
          first += queues.length(last);
        }
        std::iota(next, next + places.count, first + places.first);
        next += places.count;
      });
    }
    to.resize(all);
    ranks_.memory().from_host(known, to.data(), all);
  }

  /// Calls `act(expert, first row, rows)` for this rank's experts.
  template <class Act>
  void each_expert(const expert_queues& queues, const Act& act) const {
    std::size_t first = 0;
    for (const part some : experts_.runs(ranks_.rank())) {
      for (std::size_t e = some.first; e < some.first + some.count; ++e) {
        act(e, first, queues.length(e));
        first += queues.length(e);
      }
    }
  }

  /// Rows in the order of travel go to their experts, into their queues.
  template <class T>
  void dispatch(source_location where, const expert_queues& queues,
                std::span<const std::size_t> arrivals, const T* leaving, T* queue,
                std::size_t width) {
    count(queues, width);
    const std::span<T> in = travelled_.template get<T>(arrivals.size() * width);
    exchange(where, std::span<const T>{leaving, total(sent_)}, sent_, in, received_);
    scatter_rows(ranks_.memory(), arrivals, matrix<const T>{in.data(), arrivals.size(), width},
                 matrix<T>{queue, arrivals.size(), width});
  }

  /// Rows in experts' queues go back to where they came from.
  template <class T>
  void combine(source_location where, const expert_queues& queues,
               std::span<const std::size_t> arrivals, const T* queue, T* returned,
               std::size_t width) {
    count(queues, width);
    const std::span<T> out = travelled_.template get<T>(arrivals.size() * width);
    gather_rows(ranks_.memory(), arrivals, matrix<const T>{queue, arrivals.size(), width},
                matrix<T>{out.data(), arrivals.size(), width});
    exchange(where, std::span<const T>{out}, received_, std::span<T>{returned, total(sent_)},
             sent_);
  }

 private:
  template <class T>
  void exchange(source_location where, std::span<const T> out,
                const std::vector<std::size_t>& to_rank, std::span<T> in,
                const std::vector<std::size_t>& from_rank) {
    all_to_all_call::make(where, ranks_.comm(), out, in, counts{to_rank, from_rank});
  }

  /// On GPUs the host sees no expert that does not exist, but how many choices no expert got.
  void check_all_count(const int* seen, std::size_t choices) const {
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      std::size_t found = 0;
      for (std::size_t i = 0; i < sent_[static_cast<std::size_t>(rank)]; ++i) {
        found += static_cast<std::size_t>(*seen++);
      }
      if (const std::size_t made = tokens_.width(rank) * choices; found != made) {
        refuse("expert_parallel: of " + std::to_string(made) + " choices on rank " +
                   std::to_string(rank) + ", " + std::to_string(found) + " are among " +
                   std::to_string(experts_.extent()) + " experts; the others do not exist",
               ranks_.rank());
      }
    }
  }

  void count(const expert_queues& queues, std::size_t width) {
    sent_.clear();
    received_.clear();
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      sent_.push_back(queues.rows(ranks_.rank(), experts_.runs(rank)) * width);
      received_.push_back(queues.rows(rank, experts_.runs(ranks_.rank())) * width);
    }
  }

  using memory_type = typename Team::memory_type;
  Team ranks_;
  cut tokens_;
  cut experts_;
  room<memory_type> all_counts_{ranks_.memory()};
  room<memory_type> taken_{ranks_.memory()};
  room<memory_type> travelled_{ranks_.memory()};
  typename memory_type::host_block seen_counts_;
  typename memory_type::host_block seen_taken_;
  typename memory_type::host_block seen_arrivals_;
  std::vector<std::size_t> sent_;
  std::vector<std::size_t> received_;
};

}  // namespace rondo::inline v0_1::detail
