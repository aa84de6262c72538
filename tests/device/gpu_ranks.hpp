// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "kernels.cuh"

#include "cuda/check.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace rondo::inline v0_1::cuda::detail {

/// For tests of what happens after 2^32 calls.
struct epochs {
  /// Every slot goes on from step `epoch`.
  static void set(const virtual_ranks& ranks, std::uint64_t epoch) {
    const auto& shape = ranks.parts().shape;
    for (int rank = 0; rank < ranks.size(); ++rank) {
      for (unsigned slot = 0; slot < shape.slot_count; ++slot) {
        require(cudaMemcpy(ranks.memory_of(rank) + device::window_shape::line +
                               slot * shape.slot_bytes() + offsetof(device::slot_state, epoch),
                           &epoch, sizeof epoch, cudaMemcpyHostToDevice),
                "cudaMemcpy of an epoch");
      }
    }
    // A copy from pageable memory returns when it is staged, and is not ordered with streams that
    // do not wait for the default one.
    require(cudaDeviceSynchronize(), "epochs");
  }
};

}  // namespace rondo::inline v0_1::cuda::detail

/// What tests of ranks that share one GPU have in common. Inputs are small integers, so that sums
/// are exact in any order, and different in every call, or a race would show nothing.
namespace gpu_ranks {

using namespace rondo;
using kernels::buffers;

/// How many times slower than usual kernels may be: under compute-sanitizer, say, whose user sets
/// RONDO_TEST_SLOWDOWN.
inline int slowdown() {
  const char* told = std::getenv("RONDO_TEST_SLOWDOWN");
  return told == nullptr ? 1 : std::atoi(told);
}

/// Options with a patience for kernels that are as slow as that.
inline rondo::cuda::window_options patient(rondo::cuda::window_options with) {
  with.patience *= slowdown();
  return with;
}

/// Whether the host may touch managed memory at any time. Errors: it may not, in words.
inline void require_managed_memory() {
  static const int concurrent = [] {
    const int has = rondo::cuda::detail::attribute(cudaDevAttrConcurrentManagedAccess,
                                                   rondo::cuda::detail::current_device());
    std::printf("cudaDevAttrConcurrentManagedAccess is %d\n", has);
    return has;
  }();
  if (concurrent == 0) {
    throw std::runtime_error{
        "this test needs cudaDevAttrConcurrentManagedAccess: on this machine the host faults where "
        "it touches managed memory while a kernel runs"};
  }
}

/// Memory that host and device see.
template <class T>
class shared_array {
 public:
  explicit shared_array(std::size_t count) : size_{count} {
    require_managed_memory();
    rondo::cuda::require(cudaMallocManaged(&data_, (count + 1) * sizeof(T)), "cudaMallocManaged");
  }
  shared_array(const shared_array&) = delete;
  shared_array& operator=(const shared_array&) = delete;
  ~shared_array() { static_cast<void>(cudaFree(data_)); }
  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] T& operator[](std::size_t i) const { return data_[i]; }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

inline void finish() { rondo::cuda::require(cudaDeviceSynchronize(), "a kernel"); }

/// One input and one output per rank.
template <class T>
class rank_buffers {
 public:
  rank_buffers(int ranks, std::size_t in, std::size_t out)
      : ins_(static_cast<std::size_t>(ranks)), outs_(static_cast<std::size_t>(ranks)) {
    for (std::size_t rank = 0; rank < ins_.size(); ++rank) {
      inputs_.push_back(std::make_unique<shared_array<T>>(in));
      outputs_.push_back(std::make_unique<shared_array<T>>(out));
      ins_[rank] = inputs_[rank]->data();
      outs_[rank] = outputs_[rank]->data();
    }
  }
  /// Element i of rank r in a call.
  [[nodiscard]] static float value(std::size_t rank, std::size_t i, unsigned call) {
    return static_cast<float>((i * 7 + rank * 3 + call * 5) % 13);
  }
  void fill(unsigned call) {
    for (std::size_t rank = 0; rank < inputs_.size(); ++rank) {
      for (std::size_t i = 0; i < inputs_[rank]->size(); ++i) {
        (*inputs_[rank])[i] = static_cast<T>(value(rank, i, call));
      }
      for (std::size_t i = 0; i < outputs_[rank]->size(); ++i) {
        (*outputs_[rank])[i] = static_cast<T>(-1.0f);
      }
    }
  }
  [[nodiscard]] buffers<T> get() const { return {ins_.data(), outs_.data()}; }
  /// The buffers of one rank, asked for while kernels may run.
  [[nodiscard]] device_span<const T> in(std::size_t rank) const {
    return {inputs_[rank]->data(), inputs_[rank]->size()};
  }
  [[nodiscard]] device_span<T> out(std::size_t rank) const {
    return {outputs_[rank]->data(), outputs_[rank]->size()};
  }
  [[nodiscard]] float out(std::size_t rank, std::size_t i) const {
    return static_cast<float>((*outputs_[rank])[i]);
  }
  [[nodiscard]] std::size_t ranks() const { return inputs_.size(); }

  /// Places where `expected(rank, i)` is not what came out.
  template <class Expected>
  [[nodiscard]] std::size_t wrong(const Expected& expected) const {
    std::size_t found = 0;
    for (std::size_t rank = 0; rank < ranks(); ++rank) {
      for (std::size_t i = 0; i < outputs_[rank]->size(); ++i) {
        found += out(rank, i) == expected(rank, i) ? 0 : 1;
      }
    }
    return found;
  }

 private:
  std::vector<std::unique_ptr<shared_array<T>>> inputs_;
  std::vector<std::unique_ptr<shared_array<T>>> outputs_;
  shared_array<const T*> ins_;
  shared_array<T*> outs_;
};

inline float sum_of(std::size_t ranks, std::size_t i, unsigned call) {
  float sum = 0;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    sum += rank_buffers<float>::value(rank, i, call);
  }
  return sum;
}

/// Streams that do not wait for the default stream.
class streams {
 public:
  explicit streams(std::size_t count) : all_(count) {
    for (auto& one : all_) {
      rondo::cuda::require(cudaStreamCreateWithFlags(&one, cudaStreamNonBlocking),
                           "cudaStreamCreate");
    }
  }
  streams(const streams&) = delete;
  streams& operator=(const streams&) = delete;
  ~streams() {
    for (const auto& one : all_) {
      static_cast<void>(cudaStreamDestroy(one));
    }
  }
  [[nodiscard]] cudaStream_t operator[](std::size_t i) const { return all_[i]; }

 private:
  std::vector<cudaStream_t> all_;
};

/// Waits until `flag` is raised, or for about a second.
static __global__ void await_flag(unsigned* flag, unsigned* seen) {
  const long long begin = clock64();
  while (*seen == 0 && clock64() - begin < 1'500'000'000) {
    *seen = atomicAdd(flag, 0u);
  }
}
static __global__ void raise_flag(unsigned* flag) { atomicExch(flag, 1u); }

/// Why ranks that are launches of their own cannot wait for each other here; empty if they can. A
/// tool that runs one kernel at a time is a reason, a GPU that does is a failure of the test.
inline std::string one_kernel_at_a_time() {
  if (slowdown() == 1) {
    return {};
  }
  const shared_array<unsigned> words{2};
  words[0] = words[1] = 0;
  const streams own{2};
  await_flag<<<1, 1, 0, own[0]>>>(&words[0], &words[1]);
  raise_flag<<<1, 1, 0, own[1]>>>(&words[0]);
  finish();
  return words[1] == 1 ? "" : "kernels of two streams run one after the other under this tool";
}

inline constexpr std::size_t window_bytes = 16 << 20;
inline constexpr int rank_counts[] = {1, 2, 3, 4, 8};
inline constexpr std::size_t sizes[] = {0, 1, 2, 33, 1000, 4097, 100'003};

}  // namespace gpu_ranks
