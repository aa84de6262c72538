// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/collective/barrier.hpp>
#include <rondo/collective/broadcast.hpp>
#include <rondo/collective/cuda/detail/node_kernels.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/collective/detail/route.hpp>
#include <rondo/collective/reduce_scatter.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/cuda/detail/call_in_kernel.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1::detail {

/// One call over several nodes: which calls it is composed of.
template <class Inside, class Across>
class call_over_nodes {
 public:
  /// `inside` is null where every rank is a node of its own.
  call_over_nodes(const call& made, Inside* inside, Across& across, CUstream_st* stream)
      : made_{made}, inside_{inside}, across_{across}, stream_{stream} {}

  template <class Turn, class Job>
  void run(Turn&, schedule::make<schedule::collective::all_reduce>, const Job& job) {
    using T = element_of_job<Job>;
    device_span<const T> in{job.in, job.count};
    device_span<T> out{job.out, job.count};
    auto operation = cuda::detail::operation_of(job);
    using reduces = reduction<decltype(operation), T>;
    using partial = typename reduces::partial;
    if (made_on_one_level<all_reduce_call>(job, in, out, operation) || job.count == 0) {
      return;
    }
    const place_in_node mine = own_part<T>(job.count);
    partial* const folded = memory<partial>(mine.length);
    kernel<schedule::collective::reduce_scatter, T>(
        mine.length, padded_from<T>{{job.in}, job.count}, partials_to<partial>{{folded}},
        to_partials<decltype(operation), T>{operation});
    device_span<partial> own{folded, mine.count};
    if (mine.count != 0) {  // the same at this place in all nodes
      across<all_reduce_call>(job, own, fold_of_partials<T>(operation));
    }
    gather(mine.length, folded, cut_to<T>{{job.out}, job.count}, reduces{operation, size()});
  }

  template <class Turn, class Job>
  void run(Turn& turn, schedule::make<schedule::collective::reduce_scatter>, const Job& job) {
    using T = element_of_job<Job>;
    const std::size_t count = job.sent.block;
    device_span<const T> in{job.in, count * ranks()};
    device_span<T> out{job.out, count};
    auto operation = cuda::detail::operation_of(job);
    using reduces = reduction<decltype(operation), T>;
    using partial = typename reduces::partial;
    if (made_on_one_level<reduce_scatter_call>(job, in, out, operation) || count == 0) {
      return;
    }
    const std::size_t each = count * number_of_nodes();
    partial* const folded = memory<partial>(each);
    kernel<schedule::collective::reduce_scatter, T>(
        each, by_place_from<T>{{job.in}, by_places(count)}, partials_to<partial>{{folded}},
        to_partials<decltype(operation), T>{operation});
    device_span<const partial> all{folded, each};
    if constexpr (std::is_same_v<partial, T> && !must_lower<reduces>()) {
      across<reduce_scatter_call>(job, all, out, operation);
    } else {
      device_span<partial> own{folded + static_cast<std::size_t>(across_.rank()) * count, count};
      across<reduce_scatter_call>(job, all, own, fold_of_partials<T>(operation));
      const folds_with<T, decltype(operation)> last{{operation, size()}};
      last.lower(turn, own.data(), job.out, count);
    }
  }

  template <class Turn, class Job>
  void run(Turn&, schedule::make<schedule::collective::all_gather>, const Job& job) {
    using T = element_of_job<Job>;
    const std::size_t count = job.sent.block;
    device_span<const T> in{job.in, count};
    device_span<T> out{job.out, count * ranks()};
    if (made_on_one_level<all_gather_call>(job, in, out) || count == 0) {
      return;
    }
    const std::size_t each = count * number_of_nodes();
    device_span<T> of_place{memory<T>(each), each};
    across<all_gather_call>(job, in, of_place);
    kernel<schedule::collective::all_gather, T>(each, protocol::values_at<T>{of_place.data()},
                                                by_place_to<T>{{job.out}, by_places(count)});
  }

  template <class Turn, class Job>
  void run(Turn&, schedule::make<schedule::collective::all_to_all>, const Job& job) {
    using T = element_of_job<Job>;
    const std::size_t count = job.sent.block;
    device_span<const T> in{job.in, count * ranks()};
    device_span<T> out{job.out, count * ranks()};
    if (made_on_one_level<all_to_all_call>(job, in, out) || count == 0) {
      return;
    }
    const by_place where = by_places(count);
    T* const for_place = memory<T>(count * ranks());
    kernel<schedule::collective::all_to_all, T>(count * number_of_nodes(),
                                                by_place_from<T>{{job.in}, where},
                                                by_place_to<T>{{for_place}, where});
    device_span<const T> sent{for_place, count * ranks()};
    across<all_to_all_call>(job, sent, out);
  }

  template <class Turn, class Job>
  void run(Turn&, schedule::make<schedule::collective::broadcast>, const Job& job) {
    using T = element_of_job<Job>;
    device_span<T> values{job.out, job.count};
    const root node{job.root / node_size()};
    const root place{job.root % node_size()};
    if (node_size() == 1) {
      across<broadcast_call>(job, values, node);
      return;
    }
    const bool gives = across_.rank() == node.rank;
    if (gives) {
      ask<broadcast_call>(*inside_, values, place);
    }
    if (nodes() == 1 || job.count == 0) {
      return;
    }
    const place_in_node mine = own_part<T>(job.count);
    T* const part = gives ? job.out + mine.first : memory<T>(mine.length);
    device_span<T> own{part, mine.count};
    if (mine.count != 0) {
      across<broadcast_call>(job, own, node);
    }
    if (!gives) {
      kernel<schedule::collective::all_gather, T>(mine.length, padded_from<T>{{part}, mine.count},
                                                  cut_to<T>{{job.out}, job.count});
    }
  }

  /// Behind the first half all of the node have come, behind the second one all of all nodes.
  template <class Turn, class Job>
  void run(Turn&, schedule::make<schedule::collective::barrier>, const Job& job) {
    if (node_size() != 1) {
      ask<barrier_call>(*inside_);
    }
    if (nodes() != 1) {
      across<barrier_call>(job);
    }
  }

 private:
  template <class Job>
  using element_of_job = std::remove_pointer_t<decltype(Job::out)>;

  /// This rank's part of values that are cut for the ranks of a node: `length` elements, of which
  /// the last ones may be behind the end.
  struct place_in_node {
    std::size_t length;
    std::size_t first;
    std::size_t count;
  };
  template <class T>
  [[nodiscard]] place_in_node own_part(std::size_t count) const {
    constexpr std::size_t line = larger(std::size_t{1}, 128 / sizeof(T));
    const auto places = static_cast<std::size_t>(node_size());
    const std::size_t length = ((count + places - 1) / places + line - 1) / line * line;
    const std::size_t first = smaller(count, length * static_cast<std::size_t>(inside_->rank()));
    return {length, first, smaller(length, count - first)};
  }

  [[nodiscard]] int nodes() const { return across_.size(); }
  [[nodiscard]] int node_size() const { return inside_ == nullptr ? 1 : inside_->size(); }
  [[nodiscard]] int size() const { return nodes() * node_size(); }
  [[nodiscard]] std::size_t ranks() const { return static_cast<std::size_t>(size()); }
  [[nodiscard]] std::size_t number_of_nodes() const { return static_cast<std::size_t>(nodes()); }
  [[nodiscard]] by_place by_places(std::size_t count) const {
    return {count, static_cast<std::size_t>(node_size()), number_of_nodes()};
  }
  template <class T>
  [[nodiscard]] T* memory(std::size_t count) {
    return across_.on(stream_).between().template get<T>(count);
  }

  /// Another collective of the host's, for the caller's call site.
  template <class Call, class Comm, class... Given>
  void ask(Comm& comm, Given... given) {
    on stream{stream_};
    route<Call>(made_.where, comm, given..., stream);
  }
  /// The same between nodes, with the algorithm and the codec of the call.
  template <class Call, class Job, class... Given>
  void across(const Job& job, Given... given) {
    if constexpr (requires { job.codec.wire_bytes(std::size_t{1}); }) {
      ask<Call>(across_, given..., cuda::detail::algorithm_of(job), job.codec);
    } else {
      ask<Call>(across_, given..., cuda::detail::algorithm_of(job));
    }
  }
  /// The call as it is, where one level has all ranks; tells whether that is so.
  template <class Call, class Job, class... Given>
  [[nodiscard]] bool made_on_one_level(const Job& job, Given... given) {
    if (node_size() == 1) {
      across<Call>(job, given...);
    } else if (nodes() == 1) {
      ask<Call>(*inside_, given...);
    }
    return node_size() == 1 || nodes() == 1;
  }
  /// A collective inside the node with callables, `count` elements of T for each rank.
  template <schedule::collective What, class T, class From, class To,
            class Operation = nothing_given>
  void kernel(std::size_t count, const From& from, const To& to, const Operation& operation = {}) {
    inside_->on(stream_).template kernel<T>(
        made_, count, call_in_node<What, From, To, Operation>{count, from, to, operation});
  }
  /// Partial results of each rank, lowered, to all ranks of the node.
  template <class T, class Reduction>
  void gather(std::size_t count, const typename Reduction::partial* folded, const cut_to<T>& to,
              const Reduction& with) {
    using partial = typename Reduction::partial;
    if constexpr (std::is_same_v<partial, T> && !must_lower<Reduction>()) {
      kernel<schedule::collective::all_gather, T>(count, protocol::values_at<T>{folded}, to);
    } else {
      kernel<schedule::collective::all_gather, T>(count, lowered_from<Reduction, T>{{folded}, with},
                                                  to);
    }
  }

  const call& made_;
  Inside* inside_;
  Across& across_;
  CUstream_st* stream_;
};

}  // namespace rondo::inline v0_1::detail
