// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/tensor/detail/gpu_memory.hpp>
#include <rondo/transport/cuda/detail/mark.hpp>
#include <rondo/transport/cuda/detail/two_streams.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/detail/shared.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <memory>
#include <utility>

namespace rondo::inline v0_1 {

/// Ranks of layers whose matrices are on GPUs: a mesh, or `along`, takes it as its communicator,
/// and `convert`, linear layers, vocabularies, attention and experts are then called as on any
/// other ranks.
///
///     rondo::layer_ranks ranks{nccl, rondo::on{stream}};
///     rondo::mesh grid{ranks, {{"data", 2}, {"tensor", 4}}};
///
/// Matrices, weights, biases and gradients are views of the device's memory, which the host does
/// not look at. The user's kernels enqueue on `stream`, and so do collectives. A collective that
/// goes on while a layer computes is on a stream of its own: it begins when all that is on `stream`
/// by then has ended, and what follows the layer's wait on `stream` waits for it. So does one of
/// the user's with `async{}`, the all_reduce of a bucket of gradients, say. The host waits
/// for neither, but once in each pass forward of `expert_parallel`, and there no longer than the
/// communicator's deadline. After the first pass of a shape nothing is allocated, so the passes of
/// all layers but `expert_parallel` may be captured in a CUDA graph.
///
/// Scratch of calls on the streams that it makes stays until the communicator's end: make it once,
/// not for every pass.
///
/// `Values` is an `nccl::communicator`, which outlives it. The device of the communicator must be
/// current where layers are called. One thread at a time.
/// Errors: as the communicator's; error_code::transport for what CUDA refuses.
template <class Values>
class layer_ranks {
 public:
  static constexpr bool device_memory = true;

  /// A call that goes on by itself. What the device computes after `wait()`, or after it has been
  /// dropped, waits for the call.
  class pending {
   public:
    explicit pending(detail::shared<cuda::detail::two_streams> on)
        : on_{std::move(on)}, done_{on_->mark_behind()} {}
    pending(pending&&) noexcept = default;
    pending& operator=(pending&&) = delete;
    ~pending() { static_cast<void>(join()); }

    void wait() { cuda::require(join(), "cudaStreamWaitEvent"); }

   private:
    [[nodiscard]] cudaError_t join() { return done_ ? on_->join(std::move(done_)) : cudaSuccess; }
    detail::shared<cuda::detail::two_streams> on_;
    detail::shared<cuda::detail::mark> done_;
  };

  layer_ranks(Values& values, on stream)
      : values_{&values},
        streams_{new cuda::detail::two_streams{stream.stream}},
        now_{stream.stream} {}

  [[nodiscard]] int rank() const noexcept { return values_->rank(); }
  [[nodiscard]] int size() const noexcept { return values_->size(); }
  [[nodiscard]] int node_size() const noexcept { return values_->node_size(); }
  [[nodiscard]] auto memory() const {
    return detail::gpu_memory<Values>{*values_, streams_->compute()};
  }

  /// Those ranks that give the same `color`, ordered by `key`, then by rank, on the same streams.
  [[nodiscard]] layer_ranks split(int color, int key = 0) {
    return layer_ranks{std::make_unique<Values>(values_->split(color, key)), streams_};
  }

  template <class Body>
  void collective(const call& made, const Body& body) {
    values_->on(now_).collective(made, body);
  }
  template <class Body>
  void message(const call& made, const Body& body) {
    values_->on(now_).message(made, body);
  }
  /// Enqueues the call behind what has been enqueued to be computed.
  template <class Body>
  [[nodiscard]] pending begin_collective(const call& made, const Body& body) {
    streams_->fork();
    struct elsewhere {
      cudaStream_t& now;
      cudaStream_t before;
      elsewhere(cudaStream_t& at, cudaStream_t to) : now{at}, before{std::exchange(at, to)} {}
      ~elsewhere() { now = before; }
    } const while_begun{now_, streams_->behind()};
    collective(made, body);
    return pending{streams_};
  }

  // Of the stream on which a call is being enqueued.
  [[nodiscard]] auto& scratch() { return values_->on(now_).scratch(); }
  [[nodiscard]] auto& widened() { return values_->on(now_).widened(); }
  [[nodiscard]] auto& kept() { return values_->on(now_).kept(); }

 private:
  layer_ranks(std::unique_ptr<Values> own, detail::shared<cuda::detail::two_streams> streams)
      : own_{std::move(own)},
        values_{own_.get()},
        streams_{std::move(streams)},
        now_{streams_->compute()} {}

  std::unique_ptr<Values> own_{};
  Values* values_;
  detail::shared<cuda::detail::two_streams> streams_;
  cudaStream_t now_;
};

}  // namespace rondo::inline v0_1
