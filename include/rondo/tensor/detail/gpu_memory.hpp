// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/transport/cuda/buffer.hpp>
#include <rondo/transport/cuda/detail/capture.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

namespace rondo::inline v0_1::detail {

/// The elements of a matrix counted in one go, for kernels.
template <class Body>
struct flat {
  Body body;
  std::size_t columns;
  RONDO_HOST_DEVICE void operator()(std::size_t element) const {
    body(element / columns, element % columns);
  }
};

/// What layers do themselves with memory of a GPU: they enqueue it on one stream. Its kernels are
/// those of `Values`, the communicator.
template <class Values>
class gpu_memory {
 public:
  static constexpr bool on_device = true;
  static constexpr std::size_t rows_at_once = static_cast<std::size_t>(-1);
  /// A warp, whose loads of neighbouring columns are one.
  static constexpr std::size_t lanes = 32;
  /// A block that grows to the largest request.
  class block {
   public:
    explicit block(cudaStream_t in) : in_{in} {}

    /// Errors: error_code::invalid_argument where it must grow while the stream is captured.
    [[nodiscard]] std::byte* get(std::size_t bytes) {
      if (bytes > held_.capacity()) {
        cuda::detail::require_no_capture(in_, bytes, "layers");
      }
      held_.resize(bytes);
      return held_.data();
    }

   private:
    cudaStream_t in_;
    cuda::buffer<std::byte> held_{};
  };

  template <class T>
  using array = cuda::buffer<T>;
  /// Errors: error_code::invalid_argument where it must grow while the stream is captured.
  template <class T>
  void resize(array<T>& what, std::size_t count) const {
    if (count > what.capacity()) {
      cuda::detail::require_no_capture(in_, count * sizeof(T), "layers");
    }
    what.resize(count);
  }
  /// Pinned memory of the host that grows to the largest request. Nothing may be under way to or
  /// from it when it grows.
  class host_block {
   public:
    host_block() = default;
    host_block(host_block&& other) noexcept
        : held_{std::move(other.held_)}, bytes_{std::exchange(other.bytes_, 0)} {}
    host_block& operator=(host_block&& other) noexcept {
      std::swap(held_, other.held_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }

    template <class T>
    [[nodiscard]] T* get(std::size_t count) {
      if (count * sizeof(T) > bytes_) {
        const std::size_t room = larger(count * sizeof(T), 2 * bytes_);
        void* made = nullptr;
        cuda::require(cudaHostAlloc(&made, room, cudaHostAllocDefault), "cudaHostAlloc");
        held_.reset(made);
        bytes_ = room;
      }
      return static_cast<T*>(held_.get());
    }

   private:
    struct free {
      void operator()(void* data) const { static_cast<void>(cudaFreeHost(data)); }
    };
    std::unique_ptr<void, free> held_{};
    std::size_t bytes_ = 0;
  };

  gpu_memory(Values& values, cudaStream_t in) : values_{&values}, in_{in} {}

  /// For passes that can be made as they come alone, asked before they enqueue anything. Errors: a
  /// group of calls that is open, and, with `why_not`, a stream that is captured.
  void require_no_graph(const char* why_not) const {
    if (values_->grouping()) {
      refuse(
          "layers: a group's calls would begin at its end, and this pass needs their results; make "
          "it outside",
          values_->rank());
    }
    if (cuda::detail::is_captured(in_)) {
      refuse(std::string{"layers: "} + why_not + "; leave this pass out of the graph",
             values_->rank());
    }
  }
  /// Waits for all that is on the stream by then. Errors: as the communicator's `wait`.
  template <class T>
  void to_host(const T* from, T* to, std::size_t count) const {
    if (count != 0) {
      cuda::require(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyDeviceToHost, in_),
                    "cudaMemcpyAsync");
    }
    values_->wait(in_);
  }
  /// `from` is there until the copy has been made.
  template <class T>
  void from_host(const T* from, T* to, std::size_t count) const {
    if (count != 0) {
      cuda::require(cudaMemcpyAsync(to, from, count * sizeof(T), cudaMemcpyHostToDevice, in_),
                    "cudaMemcpyAsync");
    }
  }

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

  /// body(row, column) for each of rows * columns, in a kernel.
  template <class Body>
  void each(std::size_t rows, std::size_t columns, const Body& body) const {
    if (rows != 0 && columns != 0) {
      Values::work::each(rows * columns, flat<Body>{body, columns}, in_);
    }
  }

 private:
  Values* values_;
  cudaStream_t in_;
};

}  // namespace rondo::inline v0_1::detail
