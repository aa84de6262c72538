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
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/transport/cuda/detail/call_in_kernel.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>
#include <type_traits>

namespace rondo::inline v0_1 {
namespace detail {

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
    if (node_size() == 1) {
      across<all_reduce_call>(job, in, out, operation);
      return;
    }
    if (nodes() == 1) {
      ask<all_reduce_call>(*inside_, in, out, operation);
      return;
    }
    if (job.count == 0) {
      return;
    }
    const place_in_node<T> mine = own_part<T>(job.count);
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
    if (node_size() == 1) {
      across<reduce_scatter_call>(job, in, out, operation);
      return;
    }
    if (nodes() == 1) {
      ask<reduce_scatter_call>(*inside_, in, out, operation);
      return;
    }
    if (count == 0) {
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
    if (node_size() == 1) {
      across<all_gather_call>(job, in, out);
      return;
    }
    if (nodes() == 1) {
      ask<all_gather_call>(*inside_, in, out);
      return;
    }
    if (count == 0) {
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
    if (node_size() == 1) {
      across<all_to_all_call>(job, in, out);
      return;
    }
    if (nodes() == 1) {
      ask<all_to_all_call>(*inside_, in, out);
      return;
    }
    if (count == 0) {
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
    const place_in_node<T> mine = own_part<T>(job.count);
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
  template <class T>
  struct place_in_node {
    std::size_t length;
    std::size_t first;
    std::size_t count;
  };
  template <class T>
  [[nodiscard]] place_in_node<T> own_part(std::size_t count) const {
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

}  // namespace detail

/// The ranks of several nodes, as one communicator of GPUs: inside each node a window, in which
/// they load and store each other's memory, and messages between nodes.
///
///     rondo::node_ranks ranks{window, across};
///     rondo::all_reduce(ranks, gradient, rondo::op::average{}, rondo::codec::int8<128>{},
///                       rondo::on{stream});
///
/// `Inside` is a `cuda::window_rank` of the ranks of this node (a `cuda::shared_window`, an
/// `nccl::window`), `Across` an `nccl::communicator` of the ranks with the same place in all
/// nodes, in the order of nodes; both outlive it. All nodes have as many ranks. Rank r is at place
/// r % node_size() of node r / node_size(). `nccl::nodes` makes both.
///
///     all_reduce       reduce_scatter in the node, all_reduce across, all_gather in the node
///     reduce_scatter   reduce_scatter in the node, reduce_scatter across
///     all_gather       all_gather across, all_gather in the node
///     all_to_all       all_to_all in the node, all_to_all across
///     broadcast        broadcast in the root's node, a part across by each place, all_gather in
///                      the other nodes
///     barrier          barrier in the node, barrier across
///
/// One node alone is the window, and one rank on each is the communicator. Counts are equal on all
/// ranks, and need not divide. Algorithm and codec are those of the calls across: inside, values go
/// as they are, by way of staging, and the window picks. Folds: the ranks of a node in their order,
/// then nodes, in their order where the algorithm across folds so (`two_shot{}`, and whatever does
/// not commute). Between the two are partial results: 16-bit floats as float, `op::average` divided
/// once, at the end. All ranks get the same bits.
///
/// A call enqueues and returns. It allocates nothing after the first of a shape on a stream, so
/// that it may be captured in a CUDA graph. Not in a group of NCCL's, where it takes several steps.
///
/// Cost: B bytes per rank, k ranks in each of g nodes: all_reduce 2 (k-1)/k B inside and 2 (g-1)/g
/// B/k across, one after the other; two kernels and a call across. Half of that reduce_scatter
/// and all_gather. Partial results that are larger than elements count as they are: 16-bit floats
/// twice; `codec::cast<bfloat16>` sends 2 bytes again.
///
/// Errors: those of the window and of the communicator, whichever failed first, before anything is
/// enqueued. Ranks that have seen one abort the communicator: the others may wait in NCCL for them.
template <class Inside, class Across>
class node_ranks {
 public:
  static constexpr bool device_memory = true;
  static constexpr bool composes_calls = true;

  node_ranks(Inside& inside, Across& across) : node_ranks{&inside, across} {}

  [[nodiscard]] int rank() const noexcept {
    return across_->rank() * node_size() + (inside_ == nullptr ? 0 : inside_->rank());
  }
  [[nodiscard]] int size() const noexcept { return across_->size() * node_size(); }
  [[nodiscard]] int node_size() const noexcept { return inside_ == nullptr ? 1 : inside_->size(); }

  /// Errors: what kernels inside the node that have ended reported.
  void check() const {
    if (inside_ != nullptr) {
      inside_->check();
    }
  }
  /// The host waits for all that is on `stream` by now. Errors: as the communicator's `wait`, and
  /// as `check`.
  void wait(CUstream_st* stream) {
    across_->wait(stream);
    check();
  }

  /// These ranks on one stream: what `on{stream}` makes of them.
  class enqueued {
   public:
    static constexpr bool device_memory = true;

    enqueued(node_ranks& in, CUstream_st* stream) : in_{in}, stream_{stream} {}

    [[nodiscard]] int rank() const noexcept { return in_.rank(); }
    [[nodiscard]] int size() const noexcept { return in_.size(); }
    [[nodiscard]] int node_size() const noexcept { return in_.node_size(); }

    /// Enqueues one collective call. `Job` is one of rondo/collective.
    template <class Job>
    void collective(const call& made, const Job& job) {
      using kind = schedule::collective;
      static_assert(
          requires { Job::what; },
          "rondo: ranks of several nodes make collectives of values and block codecs; shared_scale "
          "and low_rank need a communicator");
      constexpr kind what = Job::what;
      static_assert(what == kind::all_reduce || what == kind::reduce_scatter ||
                        what == kind::all_gather || what == kind::all_to_all ||
                        what == kind::broadcast || what == kind::barrier,
                    "rondo: ranks of several nodes make all_reduce, reduce_scatter, all_gather, "
                    "all_to_all, broadcast and barrier; use an nccl::communicator of all ranks");
      static_assert(
          !requires { job.algorithm.inner_size; },
          "rondo: ranks of several nodes are hierarchical already; the algorithm is that "
          "between nodes, such as two_shot");
      in_.check();
      require_equal(job);
      require_no_group(made);
      in_.across_->on(stream_).collective(made, [&](auto& turn) {
        detail::call_over_nodes<Inside, Across> composed{made, in_.inside_, *in_.across_, stream_};
        composed.run(turn, schedule::make<what>{}, job);
      });
    }

   private:
    template <class Job>
    void require_equal(const Job& job) const {
      if constexpr (requires { job.sent; }) {
        if (!cuda::detail::parts_of(job).equal) {
          refuse(
              "node_ranks: a call over several nodes takes as many elements for each rank; leave "
              "out counts{}, or use an nccl::communicator",
              rank());
        }
      }
    }

    void require_no_group(const call& made) const {
      if (node_size() != 1 && in_.across_->grouping()) {
        refuse(made.describe() + " on rank " + std::to_string(rank()) +
                   " takes several steps, and cannot be one of a group; make it outside",
               rank());
      }
    }

    node_ranks& in_;
    CUstream_st* stream_;
  };

  [[nodiscard]] enqueued on(CUstream_st* stream) { return {*this, stream}; }

 protected:
  /// `inside` is null where every rank is a node of its own.
  node_ranks(Inside* inside, Across& across) : inside_{inside}, across_{&across} {}

 private:
  Inside* inside_;
  Across* across_;
};

}  // namespace rondo::inline v0_1
