// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/operation.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/protocol/one_shot.hpp>
#include <rondo/protocol/staged.hpp>
#include <rondo/protocol/two_shot.hpp>

#include <cstddef>
#include <cstdint>

/// Ranks that are blocks of one grid: the plainest place where the protocols run on a GPU. All
/// blocks must be resident at once.
namespace virtual_ranks {

namespace protocol = rondo::protocol;

constexpr int most = 8;
constexpr std::size_t stage_size = 8192;

/// The memory that all ranks share; zero before the first launch.
struct window {
  protocol::pad pads[most];
  alignas(128) std::byte stages[most][2][stage_size];
  protocol::counters used[most];
};

struct block {
  __device__ static unsigned thread_rank() { return threadIdx.x; }
  __device__ static unsigned size() { return blockDim.x; }
  __device__ static void sync() { __syncthreads(); }
};

/// Each thread has its own.
struct peers {
  window& all;
  int ranks;
  std::uint64_t call_word;

  __device__ int rank() const { return static_cast<int>(blockIdx.x); }
  __device__ int size() const { return ranks; }
  __device__ protocol::pad& pad(int rank) const { return all.pads[rank]; }
  __device__ std::byte* stage(int rank, unsigned bank) const { return all.stages[rank][bank]; }
  __device__ std::size_t stage_bytes() const { return stage_size; }
  __device__ std::uint64_t word() const { return call_word; }
  __device__ protocol::counters& used() const { return all.used[rank()]; }
  __device__ void advance() { call_word = protocol::next_step(call_word); }
  __device__ bool wait(int, const std::uint64_t& word_of_peer) const {
    for (long long look = 0; look < 100'000'000; ++look) {
      if (protocol::observe(word_of_peer) == call_word) {
        return true;
      }
    }
    return false;
  }
  template <class Body>
  __device__ void touch(const Body& body) const {
    body();
  }
};

static_assert(protocol::cooperative<block>);
static_assert(protocol::peer_memory<peers>);
static_assert(protocol::reaches_buffers<peers>);

enum class form { one_shot, two_shot };

/// Call number `number`: sums `values[rank]` in place on all ranks, then a barrier.
template <class T>
__global__ void all_reduce(window* all, T* const* values, std::size_t count, form how,
                           std::uint32_t number, int* failures) {
  block group;
  peers mine{*all, static_cast<int>(gridDim.x), protocol::call_word(number, 1)};
  T* own = values[blockIdx.x];
  const rondo::reduction<rondo::op::sum, T> sum{{}, mine.size()};
  const bool came = how == form::one_shot
                        ? protocol::one_shot_all_reduce(group, mine, own, own, count, sum)
                        : protocol::two_shot_all_reduce(group, mine, own, own, count, sum);
  mine.advance();
  if (!came || !protocol::barrier(group, mine)) {
    atomicAdd(failures, 1);
  }
}

}  // namespace virtual_ranks
