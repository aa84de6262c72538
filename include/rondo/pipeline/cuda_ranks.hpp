// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/send_receive.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/transport/cuda/memory.hpp>
#include <rondo/transport/cuda/on.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <string>

namespace rondo::inline v0_1::pipeline {

namespace detail {

/// A point in a stream that another stream waits for.
class mark {
 public:
  mark() {
    cuda::require(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "cudaEventCreate");
  }
  mark(const mark&) = delete;
  mark& operator=(const mark&) = delete;
  ~mark() { static_cast<void>(cudaEventDestroy(event_)); }

  /// `later` goes on when `before` has come to where it is now.
  void order(cudaStream_t before, cudaStream_t later) const {
    cuda::require(cudaEventRecord(event_, before), "cudaEventRecord");
    cuda::require(cudaStreamWaitEvent(later, event_, 0), "cudaStreamWaitEvent");
  }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace detail

/// Ranks of a pipeline whose stages are on GPUs: `pipeline::run` takes it as its communicator, and
/// stages take and return buffers of the device (`cuda::buffer<T>`).
///
///     rondo::pipeline::cuda_ranks ranks{host, nccl, rondo::on{stream}};
///     rondo::pipeline::run(ranks, rondo::pipeline::prove(plan, channel::rendezvous), stage);
///
/// `control` has the same ranks on the host (threads, or MPI): it tells lengths and failures. Values
/// go over `values`, an `nccl::communicator`. Stages enqueue on `stream`; messages are on a stream
/// of their own, so that a send is under way while the next stage computes. The host waits for
/// peers' hosts, never for the device, so a run returns when all is enqueued.
///
/// On a GPU, both halves of a message wait for each other. The plan is proved for `rendezvous`,
/// which holds for every order that the streams may take; other proofs are refused.
/// Both communicators outlive it. One thread at a time.
template <class Control, class Values>
class cuda_ranks {
 public:
  static constexpr channel carries = channel::rendezvous;

  /// Errors: the two communicators do not have the same ranks.
  cuda_ranks(Control& control, Values& values, on stream)
      : control_{control}, values_{values}, compute_{stream.stream} {
    if (control.rank() != values.rank() || control.size() != values.size()) {
      refuse("pipeline: cuda_ranks: rank " + std::to_string(control.rank()) + " of " +
                 std::to_string(control.size()) + " on the host is rank " +
                 std::to_string(values.rank()) + " of " + std::to_string(values.size()) +
                 " on GPUs; make one from the other with nccl::connect",
             control.rank());
    }
    cuda::require(cudaStreamCreateWithFlags(&messages_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  cuda_ranks(const cuda_ranks&) = delete;
  cuda_ranks& operator=(const cuda_ranks&) = delete;
  ~cuda_ranks() { static_cast<void>(cudaStreamDestroy(messages_)); }

  [[nodiscard]] int rank() const noexcept { return control_.rank(); }
  [[nodiscard]] int size() const noexcept { return control_.size(); }
  [[nodiscard]] rondo::detail::keepsakes& kept() noexcept { return kept_; }

  /// Headers, failures and verdicts, which are memory of the host.
  template <class Body>
  void message(const call& made, const Body& body) {
    control_.message(made, body);
  }

  /// Enqueues the send of what the stages have enqueued so far makes.
  template <class Buffer>
  void send_values(const Buffer& payload, int peer) {
    made_.order(compute_, messages_);
    rondo::send(values_, device_span{payload.data(), payload.size()}, to{peer}, on{messages_});
  }
  /// Enqueues the receive of what stages enqueue work on behind it.
  template <class Buffer>
  void receive_values(Buffer& payload, int peer) {
    made_.order(compute_, messages_);  // what used the buffer before
    rondo::receive(values_, device_span{payload.data(), payload.size()}, from{peer},
                   on{messages_});
    came_.order(messages_, compute_);
  }
  /// Before a stage writes to a buffer that may have been sent.
  void before_reuse() { came_.order(messages_, compute_); }

 private:
  Control& control_;
  Values& values_;
  cudaStream_t compute_;
  cudaStream_t messages_ = nullptr;
  detail::mark made_{};
  detail::mark came_{};
  rondo::detail::keepsakes kept_{};
};

}  // namespace rondo::inline v0_1::pipeline
