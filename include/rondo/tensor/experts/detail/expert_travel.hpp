// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/tensor/cut.hpp>
#include <rondo/tensor/experts/routing.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
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

  /// All ranks' queues, from how many tokens of each run of this rank go to each expert.
  [[nodiscard]] expert_queues queues(const std::vector<int>& own, std::size_t capacity) {
    sent_.clear();
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      sent_.push_back(tokens_.runs(rank).size() * experts_.extent());
    }
    std::vector<int> all(counted());
    all_gather(ranks_.comm(), own, all, counts{sent_});
    return {tokens_, experts_.extent(), capacity, all};
  }

  /// Where the rows of this rank's runs begin in the order of travel: [run, expert].
  [[nodiscard]] std::vector<std::size_t> first_rows(const expert_queues& queues) const {
    std::vector<std::size_t> first(tokens_.runs(ranks_.rank()).size() * experts_.extent());
    std::size_t next = 0;
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      queues.for_each(ranks_.rank(), experts_.runs(rank),
                      [&](std::size_t expert, std::size_t run, part places) {
                        first[run * experts_.extent() + expert] = next;
                        next += places.count;
                      });
    }
    return first;
  }

  /// Rows of this rank's experts.
  [[nodiscard]] std::size_t rows(const expert_queues& queues) const {
    std::size_t rows = 0;
    for (const part some : experts_.runs(ranks_.rank())) {
      for (std::size_t e = some.first; e < some.first + some.count; ++e) {
        rows += queues.length(e);
      }
    }
    return rows;
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
  void dispatch(const expert_queues& queues, const T* leaving, T* queue, std::size_t width) {
    count(queues, width);
    std::span<T> in{memory<T>(sum_of(received_)), sum_of(received_)};
    all_to_all(ranks_.comm(), std::span<const T>{leaving, sum_of(sent_)}, in,
               counts{sent_, received_});
    const T* from = in.data();
    for_each_arrival(queues, [&](std::size_t row, std::size_t rows) {
      std::copy_n(from, rows * width, queue + row * width);
      from += rows * width;
    });
  }

  /// Rows in experts' queues go back to where they came from.
  template <class T>
  void combine(const expert_queues& queues, const T* queue, T* returned, std::size_t width) {
    count(queues, width);
    T* const packed = memory<T>(sum_of(received_));
    T* to = packed;
    for_each_arrival(queues, [&](std::size_t row, std::size_t rows) {
      to = std::copy_n(queue + row * width, rows * width, to);
    });
    std::span<T> in{returned, sum_of(sent_)};
    all_to_all(ranks_.comm(), std::span<const T>{packed, sum_of(received_)}, in,
               counts{received_, sent_});
  }

 private:
  /// Calls `act(queue row, rows)` in the order in which the peers' rows travel to this rank.
  template <class Act>
  void for_each_arrival(const expert_queues& queues, const Act& act) const {
    const auto own = experts_.runs(ranks_.rank());
    for (int rank = 0; rank < ranks_.size(); ++rank) {
      std::size_t first = 0;
      std::size_t last = own.empty() ? 0 : own.front().first;
      queues.for_each(rank, own, [&](std::size_t expert, std::size_t, part places) {
        for (; last < expert; ++last) {
          first += queues.length(last);
        }
        act(first + places.first, places.count);
      });
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
  [[nodiscard]] static std::size_t sum_of(const std::vector<std::size_t>& each) {
    std::size_t sum = 0;
    for (const std::size_t one : each) {
      sum += one;
    }
    return sum;
  }

  template <class T>
  [[nodiscard]] T* memory(std::size_t count) {
    return reinterpret_cast<T*>(travelled_.get(count * sizeof(T)));
  }

  Team ranks_;
  cut tokens_;
  cut experts_;
  arena travelled_;
  std::vector<std::size_t> sent_;
  std::vector<std::size_t> received_;
};

}  // namespace rondo::inline v0_1::detail
