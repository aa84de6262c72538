// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/float16.hpp>
#include <rondo/core/reproducible.hpp>
#include <rondo/nccl.hpp>
#include <rondo/rondo.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

/// What holds of collectives over NCCL, whatever NCCL is linked: the library on a GPU (gpu.cu),
/// and the emulation that stands in for it where there is none (alike.cpp). So a GPU also shows
/// whether the emulation is right. A check throws what it found; `comm` is a communicator of any
/// number of ranks, each of which makes the same checks.
namespace alike {

using rondo::device_span;
using rondo::on;

inline void require(bool holds, const std::string& what) {
  if (!holds) {
    throw std::runtime_error{"not so: " + what};  // `what` may be what nobody said
  }
}
inline void require(cudaError_t result) { rondo::cuda::require(result, "CUDA"); }

/// To the device. A copy from pageable memory may return before it has arrived there, and streams
/// that do not wait for the default one are not ordered behind it.
template <class T>
void copy(T* to, const std::vector<T>& values) {
  require(cudaMemcpy(to, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
  require(cudaDeviceSynchronize());
}

/// Values in memory of the device.
template <class T>
class array {
 public:
  explicit array(const std::vector<T>& values) : size_{values.size()} {
    require(cudaMalloc(&data_, (size_ + 1) * sizeof(T)));
    *this = values;
  }
  array(const array&) = delete;
  array& operator=(const array&) = delete;
  ~array() { cudaFree(data_); }

  void operator=(const std::vector<T>& values) { copy(data_, values); }
  [[nodiscard]] device_span<T> span() const { return {data_, size_}; }
  [[nodiscard]] std::vector<T> on_host() const {
    require(cudaDeviceSynchronize());
    std::vector<T> values(size_);
    require(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

struct stream {
  cudaStream_t raw = nullptr;
  stream() { require(cudaStreamCreateWithFlags(&raw, cudaStreamNonBlocking)); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
  ~stream() { cudaStreamDestroy(raw); }
};

struct box {
  float low;
  float high;
};
struct unite {
  __host__ __device__ box operator()(box a, box b) const {
    return {a.low < b.low ? a.low : b.low, a.high > b.high ? a.high : b.high};
  }
};

/// Whole numbers, whose sums are exact in any order; other ones for every call.
template <class T>
std::vector<T> values(int rank, std::size_t count, int call) {
  std::vector<T> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = static_cast<T>(static_cast<float>(
        (i * 3 + static_cast<std::size_t>(rank) * 7 + static_cast<std::size_t>(call) * 5) % 11));
  }
  return made;
}

template <class T, class Comm, class... How>
void check_all_reduce(Comm& comm, cudaStream_t where, const How&... how) {
  int call = 0;
  for (const std::size_t count : {0u, 1u, 3u, 1000u, 1'000'003u}) {
    array<T> buffer{values<T>(comm.rank(), count, ++call)};
    rondo::all_reduce(comm, buffer.span(), how..., on{where});
    const auto got = buffer.on_host();
    bool right = true;
    for (std::size_t i = 0; i < count; ++i) {
      float sum = 0;
      for (int rank = 0; rank < comm.size(); ++rank) {
        sum += static_cast<float>(
            (i * 3 + static_cast<std::size_t>(rank) * 7 + static_cast<std::size_t>(call) * 5) % 11);
      }
      right = right && static_cast<float>(got[i]) == sum;
    }
    require(right, "all_reduce of " + std::to_string(count) + " elements");
  }
}

/// What ranks of several nodes make, too.
template <class Comm>
void check_calls(Comm& comm, cudaStream_t where) {
  check_all_reduce<float>(comm, where);
  check_all_reduce<double>(comm, where);
  check_all_reduce<int>(comm, where);
  check_all_reduce<rondo::half>(comm, where);
  check_all_reduce<rondo::bfloat16>(comm, where);
  check_all_reduce<short>(comm, where);
  check_all_reduce<float>(comm, where, rondo::ring{});
  check_all_reduce<float>(comm, where, rondo::two_shot{});
  check_all_reduce<rondo::bfloat16>(comm, where, rondo::one_shot{});
  check_all_reduce<float>(comm, where, rondo::op::reproducible_sum{});

  const auto n = static_cast<std::size_t>(comm.size());
  const float self = static_cast<float>(comm.rank());
  array<box> boxes{std::vector<box>(777, box{-self, self})};
  rondo::all_reduce(comm, boxes.span(), unite{}, on{where});
  require(boxes.on_host()[776].low == -static_cast<float>(n - 1), "own operation");

  array<float> mean{std::vector<float>(64, self)};
  rondo::all_reduce(comm, mean.span(), rondo::op::average{}, on{where});
  require(mean.on_host()[0] == static_cast<float>(n - 1) / 2, "average");

  array<int> one{std::vector<int>(5, comm.rank())};
  array<int> all{std::vector<int>(5 * n, -1)};
  rondo::all_gather(comm, one.span(), all.span(), on{where});
  require(all.on_host().back() == comm.size() - 1, "all_gather");
  array<int> part{std::vector<int>(5, -1)};
  rondo::reduce_scatter(comm, all.span(), part.span(), on{where});
  require(part.on_host()[4] == comm.rank() * comm.size(), "reduce_scatter");
  array<int> swapped{std::vector<int>(5 * n, -1)};
  rondo::all_to_all(comm, all.span(), swapped.span(), on{where});
  require(swapped.on_host().back() == comm.rank(), "all_to_all");
  rondo::broadcast(comm, one.span(), rondo::root{comm.size() - 1}, on{where});
  require(one.on_host()[0] == comm.size() - 1, "broadcast");
  rondo::barrier(comm, on{where});
}

/// All that is the same for any number of ranks.
template <class Comm>
void check_everything(Comm& comm) {
  const stream own;
  cudaStream_t const where = own.raw;
  check_calls(comm, where);

  const auto n = static_cast<std::size_t>(comm.size());
  array<float> scaled{std::vector<float>(64, static_cast<float>(comm.rank() + 1))};
  rondo::all_reduce(comm, scaled.span(), rondo::nccl::scaled_sum<float>{0.5f}, on{where});
  require(scaled.on_host()[63] == 0.25f * static_cast<float>(n * (n + 1)), "scaled_sum");

  array<int> one{std::vector<int>(5, comm.size() - 1)};
  array<int> part{std::vector<int>(5, comm.rank() * comm.size())};
  array<int> all{std::vector<int>(5 * n, -1)};
  rondo::gather(comm, part.span(), all.span(), on{where});
  rondo::scatter(comm, all.span(), part.span(), on{where});
  require(part.on_host()[4] == comm.rank() * comm.size(), "gather and scatter");
  rondo::reduce(comm, one.span(), part.span(), rondo::op::max{}, on{where});
  comm.group([&] {
    rondo::send(comm, one.span(), rondo::to{(comm.rank() + 1) % comm.size()}, on{where});
    rondo::receive(comm, part.span(), rondo::from{(comm.rank() + comm.size() - 1) % comm.size()},
                   on{where});
  });
  require(part.on_host()[4] == comm.size() - 1, "send and receive");
}

/// Codecs on the device give the bits of the host, where `all` are the ranks' inputs.
template <class Comm, class Codec>
void check_codec(Comm& comm, const Codec& codec) {
  const stream own;
  for (const std::size_t count : {1u, 700u, 100'001u}) {
    std::vector<std::vector<float>> all;
    for (int rank = 0; rank < comm.size(); ++rank) {
      all.push_back(values<float>(rank, count, 3));
      for (auto& value : all.back()) {
        value = std::sin(value + static_cast<float>(rank));
      }
    }
    std::vector<std::vector<float>> expected(all.size());
    rondo::threads::run(comm.size(), [&](auto& peers) {
      auto mine = all[static_cast<std::size_t>(peers.rank())];
      rondo::all_reduce(peers, mine, rondo::two_shot{}, codec);
      expected[static_cast<std::size_t>(peers.rank())] = mine;
    });
    array<float> buffer{all[static_cast<std::size_t>(comm.rank())]};
    rondo::all_reduce(comm, buffer.span(), rondo::two_shot{}, codec, on{own.raw});
    require(buffer.on_host() == expected[static_cast<std::size_t>(comm.rank())],
            "codec, " + std::to_string(count) + " values");
  }
}

/// Not commutative: shows the order of folds.
struct keep_left {
  RONDO_HOST_DEVICE std::int32_t operator()(std::int32_t a, std::int32_t b) const {
    return a * 10 + b;
  }
};

/// What rondo promises of numbers, where NCCL alone would not keep it.
template <class Comm>
void check_numbers(Comm& comm) {
  const stream own;
  const int size = comm.size();
  array<std::int32_t> order{std::vector<std::int32_t>(300, comm.rank() + 1)};
  rondo::all_reduce(comm, order.span(), keep_left{}, on{own.raw});
  std::int32_t expected = 0;
  for (int rank = 0; rank < size; ++rank) {
    expected = expected * 10 + rank + 1;
  }
  require(order.on_host() == std::vector<std::int32_t>(300, expected), "order of ranks");

  // 256 + 1 + 1 ..: in bfloat16 each one is lost.
  array<rondo::bfloat16> sum{
      std::vector<rondo::bfloat16>(10, rondo::bfloat16{comm.rank() == 0 ? 256.f : 1.f})};
  rondo::all_reduce(comm, sum.span(), rondo::two_shot{}, on{own.raw});
  const rondo::bfloat16 in_float{256.f + static_cast<float>(size - 1)};
  require(sum.on_host()[9].bits == in_float.bits, "16-bit sums in float");

  const float nan = std::numeric_limits<float>::quiet_NaN();
  array<float> largest{std::vector<float>{comm.rank() == 0 ? nan : 1.f}};
  rondo::all_reduce(comm, largest.span(), rondo::op::max{}, on{own.raw});
  require(std::isnan(largest.on_host()[0]), "a NaN wins");
}

/// Rank r has r + 1 elements.
template <class Comm>
void check_counts(Comm& comm) {
  const stream own;
  const auto n = static_cast<std::size_t>(comm.size());
  const auto self = static_cast<std::size_t>(comm.rank());
  std::vector<std::size_t> each(n);
  std::iota(each.begin(), each.end(), std::size_t{1});
  const std::size_t total = n * (n + 1) / 2;
  const std::size_t first = self * (self + 1) / 2;
  const rondo::counts cut{each};

  const array<int> mine{std::vector<int>(self + 1, comm.rank())};
  const array<int> all{std::vector<int>(total, -1)};
  rondo::all_gather(comm, mine.span(), all.span(), cut, on{own.raw});
  const auto gathered = all.on_host();
  for (std::size_t rank = 0, at = 0; rank < n; ++rank) {
    for (std::size_t i = 0; i <= rank; ++i) {
      require(gathered[at++] == static_cast<int>(rank), "all_gather of counts");
    }
  }
  const array<float> whole{values<float>(comm.rank(), total, 4)};
  const array<float> part{std::vector<float>(self + 1)};
  rondo::reduce_scatter(comm, whole.span(), part.span(), cut, on{own.raw});
  const auto folded = part.on_host();
  for (std::size_t i = 0; i <= self; ++i) {
    float sum = 0;
    for (int rank = 0; rank < comm.size(); ++rank) {
      sum += values<float>(rank, total, 4)[first + i];
    }
    require(folded[i] == sum, "reduce_scatter of counts");
  }
}

/// NCCL's communicators by color and key.
template <class Comm>
void check_split(Comm& comm) {
  const stream own;
  auto part = comm.split(comm.rank() % 2, -comm.rank());
  const int members = (comm.size() + 1 - comm.rank() % 2) / 2;
  require(part.size() == members, "size of a part");
  require(part.rank() == members - 1 - comm.rank() / 2, "order by key");
  const array<int> sum{std::vector<int>{comm.rank()}};
  rondo::all_reduce(part, sum.span(), on{own.raw});
  int expected = 0;
  for (int rank = comm.rank() % 2; rank < comm.size(); rank += 2) {
    expected += rank;
  }
  require(sum.on_host()[0] == expected, "sum of a part");
}

}  // namespace alike
