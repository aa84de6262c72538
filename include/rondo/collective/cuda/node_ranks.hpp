// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/cuda/detail/call_over_nodes.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/cuda/detail/call_in_kernel.hpp>
#include <rondo/version.hpp>

#include <string>

namespace rondo::inline v0_1 {

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
/// B/k across, one after the other; two kernels and a call across. Of reduce_scatter and all_gather
/// half of that. Partial results that are larger than elements count as they are: 16-bit floats
/// twice; `codec::cast<bfloat16>` sends 2 bytes again.
///
/// Errors, before anything is enqueued: those of the window and of the communicator, whichever
/// failed first; error_code::invalid_argument for counts{} and for a call in a group. Ranks that
/// have seen the window or the communicator fail abort the communicator: the others may wait in
/// NCCL for them.
template <class Inside, class Across>
class node_ranks {
 public:
  static constexpr bool device_memory = true;
  static constexpr bool composes_calls = true;  ///< so `explain` asks for those instead

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
