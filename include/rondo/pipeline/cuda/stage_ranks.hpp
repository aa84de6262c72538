// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/send_receive.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/transport/cuda/detail/mark.hpp>
#include <rondo/transport/cuda/detail/two_streams.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <string>
#include <vector>

namespace rondo::inline v0_1::pipeline {

/// Ranks of a pipeline whose stages are on GPUs: `pipeline::run` takes it as its communicator, and
/// stages take and return buffers of the device (`cuda::buffer<T>`).
///
///     rondo::pipeline::stage_ranks ranks{host, nccl, rondo::on{stream}};
///     rondo::pipeline::run(ranks, rondo::pipeline::prove(plan, channel::rendezvous), stage);
///
/// `control` has the same ranks on the host (threads, or MPI): it tells lengths and failures.
/// Values go over `values`, an `nccl::communicator`. Stages enqueue on `stream`; messages are on a
/// stream of their own, so that a send is under way while the next stage computes. The host waits
/// for peers' hosts, never for the device, so a run returns when all is enqueued.
///
/// On a GPU, both halves of a message wait for each other. The plan is proved for `rendezvous`,
/// which holds for every order that the streams may take; other proofs are refused.
/// Both communicators outlive it. One thread at a time.
template <class Control, class Values>
class stage_ranks {
 public:
  static constexpr channel carries = channel::rendezvous;

  /// Errors: the two communicators do not have the same ranks.
  stage_ranks(Control& control, Values& values, on stream)
      : control_{control}, values_{values}, streams_{stream.stream} {
    if (control.rank() != values.rank() || control.size() != values.size()) {
      refuse("pipeline: stage_ranks: rank " + std::to_string(control.rank()) + " of " +
                 std::to_string(control.size()) + " on the host is rank " +
                 std::to_string(values.rank()) + " of " + std::to_string(values.size()) +
                 " on GPUs; make one from the other with nccl::connect",
             control.rank());
    }
  }

  [[nodiscard]] int rank() const noexcept { return control_.rank(); }
  [[nodiscard]] int size() const noexcept { return control_.size(); }
  [[nodiscard]] auto deadline() const noexcept { return control_.deadline(); }
  [[nodiscard]] keepsakes& kept() noexcept { return kept_; }

  /// Headers, failures and verdicts, which are memory of the host.
  template <class Body>
  void message(const call& made, const Body& body) {
    control_.message(made, body);
  }

  /// Enqueues the send of what the stages have enqueued so far makes.
  template <class Buffer>
  void send_values(const Buffer& payload, int peer) {
    after_use();
    rondo::send(values_, device_span{payload.data(), payload.size()}, to{peer},
                on{streams_.behind()});
    mark_of(payload.data()).set(streams_.behind());
  }
  /// Enqueues the receive; the buffer is one that was sent, or given up by `after_use`, or new.
  template <class Buffer>
  void receive_values(Buffer& payload, int peer) {
    rondo::receive(values_, device_span{payload.data(), payload.size()}, from{peer},
                   on{streams_.behind()});
    mark_of(payload.data()).set(streams_.behind());
  }
  /// Before a stage gets a buffer: its work waits for what messages have still to do with that.
  template <class Buffer>
  void before_use(const Buffer& payload) {
    if (payload.data() != nullptr) {
      for (const auto& one : marks_) {
        if (one.of == payload.data()) {
          one.at->hold_back(streams_.compute());
        }
      }
    }
  }
  /// When stages have done with a buffer: later messages wait for what they have enqueued.
  void after_use() { streams_.fork(); }

 private:
  /// Where messages have done with the buffer that begins here.
  struct buffer_mark {
    const void* of;
    rondo::detail::shared<cuda::detail::mark> at;
  };
  [[nodiscard]] const cuda::detail::mark& mark_of(const void* data) {
    for (const auto& one : marks_) {
      if (one.of == data) {
        return *one.at;
      }
    }
    marks_.push_back({data, rondo::detail::shared{new cuda::detail::mark}});
    return *marks_.back().at;
  }

  Control& control_;
  Values& values_;
  cuda::detail::two_streams streams_;  ///< messages are behind
  std::vector<buffer_mark> marks_{};   ///< no more than there are buffers
  keepsakes kept_{};
};

}  // namespace rondo::inline v0_1::pipeline
