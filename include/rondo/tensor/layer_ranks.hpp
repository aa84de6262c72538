// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/transport/cuda/buffer.hpp>
#include <rondo/transport/cuda/capture.hpp>
#include <rondo/transport/cuda/mark.hpp>
#include <rondo/transport/cuda/on.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/shared.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {
namespace detail {

/// What layers do themselves with memory of a GPU: they enqueue it on one stream.
class gpu_memory {
 public:
  static constexpr bool on_device = true;
  static constexpr std::size_t rows_at_once = static_cast<std::size_t>(-1);
  /// A block that grows to the largest request.
  class block {
   public:
    explicit block(cudaStream_t in) : in_{in} {}

    /// Errors: error_code::invalid_argument where it must grow while the stream is captured.
    [[nodiscard]] std::byte* get(std::size_t bytes) {
      if (bytes > held_.capacity()) {
        cuda::require_no_capture(in_, bytes, "layers");
      }
      held_.resize(bytes);
      return held_.data();
    }

   private:
    cudaStream_t in_;
    cuda::buffer<std::byte> held_{};
  };

  explicit gpu_memory(cudaStream_t in) : in_{in} {}

  [[nodiscard]] block make_block() const { return block{in_}; }

  template <class T>
  void copy(matrix<const T> from, matrix<T> to) const {
    if (from.elements() == 0 || (from.data == to.data && from.stride == to.stride)) {
      return;
    }
    if (from.contiguous() && to.contiguous()) {
      cuda::require(cudaMemcpyAsync(to.data, from.data, from.elements() * sizeof(T),
                                    cudaMemcpyDeviceToDevice, in_),
                    "cudaMemcpyAsync");
    } else {
      // A single row may have any stride; CUDA wants one that is not shorter than the row.
      const std::size_t row = from.columns * sizeof(T);
      const auto pitch = [&](std::size_t stride) {
        return from.rows == 1 ? row : stride * sizeof(T);
      };
      cuda::require(cudaMemcpy2DAsync(to.data, pitch(to.stride), from.data, pitch(from.stride), row,
                                      from.rows, cudaMemcpyDeviceToDevice, in_),
                    "cudaMemcpy2DAsync");
    }
  }

 private:
  cudaStream_t in_;
};

/// The stream on which layers compute, one for calls that go on meanwhile, and the points in each
/// for which the other waits.
class two_streams : public owned {
 public:
  explicit two_streams(cudaStream_t compute) : compute_{compute} {
    cuda::require(cudaStreamCreateWithFlags(&behind_, cudaStreamNonBlocking), "cudaStreamCreate");
  }
  two_streams(const two_streams&) = delete;
  two_streams& operator=(const two_streams&) = delete;
  ~two_streams() { static_cast<void>(cudaStreamDestroy(behind_)); }

  [[nodiscard]] cudaStream_t compute() const noexcept { return compute_; }
  [[nodiscard]] cudaStream_t behind() const noexcept { return behind_; }

  /// What is enqueued behind from now on waits for what has been enqueued to be computed.
  void fork() const {
    computed_.set(compute_);
    computed_.hold_back(behind_);
  }
  /// Marks what has been enqueued behind.
  [[nodiscard]] shared<cuda::mark> mark_behind() {
    shared<cuda::mark> made;
    if (spare_.empty()) {
      made = shared{new cuda::mark};
    } else {
      made = std::move(spare_.back());
      spare_.pop_back();
    }
    made->set(behind_);
    return made;
  }
  /// What is enqueued to be computed from now on waits for the mark.
  [[nodiscard]] cudaError_t join(shared<cuda::mark> done) {
    const cudaError_t result = done->try_to_hold_back(compute_);
    spare_.push_back(std::move(done));
    return result;
  }

 private:
  cudaStream_t compute_;
  cudaStream_t behind_ = nullptr;
  cuda::mark computed_{};
  std::vector<shared<cuda::mark>> spare_{};
};

}  // namespace detail

/// Ranks of layers whose matrices are on GPUs: a mesh, or `along`, takes it as its communicator,
/// and `convert`, `column_parallel`, `row_parallel` and `mlp` are then called as on any other
/// ranks.
///
///     rondo::layer_ranks ranks{nccl, rondo::on{stream}};
///     rondo::mesh grid{ranks, {{"data", 2}, {"tensor", 4}}};
///
/// Matrices, weights, biases and gradients are views of the device's memory, which the host does
/// not look at. The user's kernels enqueue on `stream`, and so do collectives. A collective that
/// goes on while a layer computes is on a stream of its own: it begins when all that is on `stream`
/// by then has ended, and what follows the layer's wait on `stream` waits for it. The host waits
/// for neither. After the first pass of a shape nothing is allocated, so passes may be captured in
/// a CUDA graph.
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
    explicit pending(detail::shared<detail::two_streams> on)
        : on_{std::move(on)}, done_{on_->mark_behind()} {}
    pending(pending&&) noexcept = default;
    pending& operator=(pending&&) = delete;
    ~pending() { static_cast<void>(join()); }

    void wait() { cuda::require(join(), "cudaStreamWaitEvent"); }

   private:
    [[nodiscard]] cudaError_t join() {
      return done_ ? on_->join(std::move(done_)) : cudaSuccess;
    }
    detail::shared<detail::two_streams> on_;
    detail::shared<cuda::mark> done_;
  };

  layer_ranks(Values& values, on stream)
      : values_{&values}, streams_{new detail::two_streams{stream.stream}}, now_{stream.stream} {}

  [[nodiscard]] int rank() const noexcept { return values_->rank(); }
  [[nodiscard]] int size() const noexcept { return values_->size(); }
  [[nodiscard]] int node_size() const noexcept { return values_->node_size(); }
  [[nodiscard]] detail::gpu_memory memory() const {
    return detail::gpu_memory{streams_->compute()};
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
  layer_ranks(std::unique_ptr<Values> own, detail::shared<detail::two_streams> streams)
      : own_{std::move(own)},
        values_{own_.get()},
        streams_{std::move(streams)},
        now_{streams_->compute()} {}

  std::unique_ptr<Values> own_{};
  Values* values_;
  detail::shared<detail::two_streams> streams_;
  cudaStream_t now_;
};

}  // namespace rondo::inline v0_1
