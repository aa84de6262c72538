// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/detail/capture.hpp>
#include <rondo/transport/cuda/detail/memory.hpp>
#include <rondo/transport/cuda/detail/profile.hpp>
#include <rondo/transport/detail/check_deadline.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/nccl/detail/check.hpp>
#include <rondo/transport/nccl/detail/open_groups.hpp>
#include <rondo/transport/nccl/options.hpp>
#include <rondo/version.hpp>

#include <cuda_runtime_api.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::nccl::detail {

/// Memory of the device that grows to the largest request and stays. What has grown too small stays
/// too, for kernels that still use it; growth at least doubles, so that is no more than once again
/// the size.
class device_arena {
 public:
  explicit device_arena(cudaStream_t stream) : stream_{stream} {}
  device_arena(const device_arena&) = delete;
  device_arena& operator=(const device_arena&) = delete;
  ~device_arena() {
    for (void* block : blocks_) {
      ncclMemFree(block);
    }
  }

  /// At least `bytes` bytes; the bytes of the last call are gone.
  /// Errors: error_code::invalid_argument where it must grow while the stream is captured.
  [[nodiscard]] std::byte* get(std::size_t bytes) {
    if (bytes > capacity_) {
      grow((std::max)(bytes, 2 * capacity_));
    }
    return blocks_.empty() ? nullptr : static_cast<std::byte*>(blocks_.back());
  }
  template <class T>
  [[nodiscard]] T* get(std::size_t count) {
    return reinterpret_cast<T*>(get(count * sizeof(T)));
  }

 private:
  void grow(std::size_t bytes) {
    cuda::detail::require_no_capture(stream_, bytes, "nccl");
    void* block = nullptr;
    check(ncclMemAlloc(&block, bytes), "ncclMemAlloc");
    blocks_.push_back(block);
    capacity_ = bytes;
  }

  cudaStream_t stream_;
  std::vector<void*> blocks_;
  std::size_t capacity_ = 0;
};

/// Scratch of the calls on one stream, which follow one another.
struct stream_memory {
  explicit stream_memory(cudaStream_t of)
      : stream{of}, scratch{of}, widened{of}, landing{of}, between{of} {}

  cudaStream_t stream;
  device_arena scratch;
  device_arena widened;
  device_arena landing;  ///< messages that are folded as they arrive
  device_arena between;  ///< of calls that are composed of others
};

/// One rank of an NCCL communicator.
class state {
 public:
  /// `groups`: of the communicator that it was split from. What throws in here ends a handle that
  /// it owns, as the destructor does.
  state(ncclComm_t raw_, bool owns, const options& with_,
        std::shared_ptr<open_groups> groups_ = std::make_shared<open_groups>())
      : state{with_, raw_, owns, std::move(groups_)} {
    if (raw == nullptr) {
      refuse("nccl::communicator: the ncclComm_t is null; pass one that ncclCommInitRank made");
    }
    rondo::detail::check_deadline("nccl::communicator", with.deadline);
    require_version(library_version());
    settle();
    check(ncclCommUserRank(raw, &rank), "ncclCommUserRank");
    check(ncclCommCount(raw, &size), "ncclCommCount");
    check(ncclCommCuDevice(raw, &device), "ncclCommCuDevice");
    death_.clear();
  }
  state(const state&) = delete;
  state& operator=(const state&) = delete;

  /// Ends a dead communicator that it owns: kernels of its calls may wait for peers for ever. Then
  /// waits for the device where calls have scratch, so that none still uses it. The scratch of a
  /// communicator that is dead but has not ended, as its handle is the user's, stays until the
  /// process ends.
  ~state() {
    if (is_stuck() && owns_) {
      static_cast<void>(ncclCommAbort(std::exchange(raw, nullptr)));
    }
    if (is_stuck()) {
      for (auto& one : memories_) {
        static_cast<void>(one.release());
      }
    } else if (!memories_.empty()) {
      const cuda::detail::device_guard here{device, std::nothrow};
      static_cast<void>(cudaDeviceSynchronize());
      memories_.clear();
    }
    if (owns_ && raw != nullptr) {
      static_cast<void>(ncclCommDestroy(raw));
    }
  }

  /// For destructors: whether kernels of its calls may wait for peers for ever, so that nothing may
  /// wait for the device. Asks NCCL, and ends a communicator that is its to end.
  [[nodiscard]] bool is_stuck() {
    if (raw != nullptr && death_.empty()) {
      ncclResult_t result = ncclSuccess;
      const ncclResult_t asked = ncclCommGetAsyncError(raw, &result);
      if (asked != ncclSuccess || (result != ncclSuccess && result != ncclInProgress)) {
        die("nccl: an earlier call failed on rank " + std::to_string(rank));
      }
    }
    return raw != nullptr && !death_.empty();
  }

  /// Refuses calls on a communicator that is dead, and finds out whether it is.
  void require_alive() {
    if (!death_.empty()) {
      end_dead();
      raise(revoked{death_, rank});
    }
    ncclResult_t result = ncclSuccess;
    if (!groups->here()) {
      result = settled();
    }
    if (result != ncclSuccess) {
      die(std::string{"nccl: an earlier call failed on rank "} + std::to_string(rank) + ": " +
          ncclGetErrorString(result) + "; NCCL says: " + ncclGetLastError(raw));
      raise(error{error_code::transport, death_, rank});
    }
  }

  /// Says why there are no more calls; ends a communicator that it owns, as `options` say, or when
  /// the group ends that is open.
  void die(std::string why) {
    if (death_.empty()) {
      death_ = std::move(why);
    }
    end_dead();
  }
  /// After the end of a group.
  void end_dead() {
    if (!death_.empty() && raw != nullptr && owns_ && with.abort_on_error && !groups->here() &&
        !grouping) {
      static_cast<void>(ncclCommAbort(std::exchange(raw, nullptr)));
    }
  }
  /// Raises what NCCL made of `what`.
  [[noreturn]] void fail(ncclResult_t result, const std::string& what) {
    const std::string text = failure_text(result, what, raw);
    if (is_fatal(result)) {
      die(text);
    }
    raise(error{error_code::transport, text, rank});
  }

  /// The communicator's own result: waits while NCCL is still at work on the host.
  [[nodiscard]] ncclResult_t settled() const {
    const ncclResult_t result = settled_or_late();
    if (result == ncclInProgress) {
      raise(timeout{"nccl: NCCL is still at work on the host after " + deadline_text() +
                        "; abort() ends the communicator",
                    rank});
    }
    return result;
  }
  /// What a call comes to that gave `result`.
  [[nodiscard]] ncclResult_t settled(ncclResult_t result) const {
    return result == ncclInProgress ? settled() : result;
  }
  /// The same for destructors: ncclInProgress after the deadline.
  [[nodiscard]] ncclResult_t settled_or_late() const noexcept {
    const auto since = std::chrono::steady_clock::now();
    for (;;) {
      ncclResult_t result = ncclSuccess;
      const ncclResult_t asked = ncclCommGetAsyncError(raw, &result);
      if (asked != ncclSuccess || result != ncclInProgress) {
        return asked != ncclSuccess ? asked : result;
      }
      if (std::chrono::steady_clock::now() - since >= with.deadline) {
        return ncclInProgress;
      }
      rondo::detail::give_way();
    }
  }
  /// The host waits for all that is on `stream` by now.
  void wait(cudaStream_t stream) {
    const auto since = std::chrono::steady_clock::now();
    for (;;) {
      const cudaError_t done = cudaStreamQuery(stream);
      if (done == cudaSuccess) {
        return;
      }
      if (done != cudaErrorNotReady) {
        cuda::require(done, "cudaStreamQuery", rank);
      }
      static_cast<void>(cudaGetLastError());  // CUDA keeps even this one
      require_alive();
      if (std::chrono::steady_clock::now() - since >= with.deadline) {
        const std::string text = "nccl: what rank " + std::to_string(rank) +
                                 " has enqueued has not ended after " + deadline_text() +
                                 "; does a rank not make the same calls?";
        die(text);
        raise(timeout{text, rank});
      }
      rondo::detail::give_way();
    }
  }
  void settle() const {
    const ncclResult_t result = settled();
    if (result != ncclSuccess) {
      raise_failure(result, "nccl::communicator", rank, raw);
    }
  }

  /// Ends the communicator: what it has under way ends too, and its handle is no more.
  void abort() {
    if (raw != nullptr) {
      if (death_.empty()) {
        death_ = "nccl: rank " + std::to_string(rank) + " has aborted this communicator";
      }
      check(ncclCommAbort(std::exchange(raw, nullptr)), "ncclCommAbort", rank);
    }
  }

  [[nodiscard]] stream_memory& memory_of(cudaStream_t stream) {
    for (const auto& one : memories_) {
      if (one->stream == stream) {
        return *one;
      }
    }
    memories_.push_back(std::make_unique<stream_memory>(stream));
    return *memories_.back();
  }

  options with;
  ncclComm_t raw;
  int rank = -1;
  int size = 0;
  int device = -1;
  std::shared_ptr<open_groups> groups;  ///< of the user
  bool grouping = false;                ///< within a call
  std::uint32_t calls_made = 0;
  keepsakes kept{};
  cuda::detail::profile ranges{};

 private:
  [[nodiscard]] std::string deadline_text() const {
    const auto limit = std::chrono::duration_cast<std::chrono::milliseconds>(with.deadline);
    return "the deadline of " + std::to_string(limit.count()) + " ms";
  }
  state(const options& with_, ncclComm_t raw_, bool owns, std::shared_ptr<open_groups> groups_)
      : with{with_}, raw{raw_}, groups{std::move(groups_)}, owns_{owns} {}

  bool owns_;
  std::string death_{"nccl: the communicator was not made"};
  std::vector<std::unique_ptr<stream_memory>> memories_{};
};

}  // namespace rondo::inline v0_1::nccl::detail
