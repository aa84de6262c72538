// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "nccl_on_threads.hpp"

#include <rondo/nccl.hpp>
#include <rondo/rondo.hpp>

#include <cstddef>
#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

/// Ranks of NCCL as it is emulated, each on a thread of its own.
namespace ranks {

/// The work between messages, done at once by the thread itself.
struct host_work {
  template <class Body>
  static void each(std::size_t count, const Body& body, cudaStream_t) {
    for (std::size_t i = 0; i < count; ++i) {
      body(i);
    }
  }

  static constexpr int fused_wires = 4;  // so that tests see the other form, too

  template <class Codec>
  static std::span<const std::byte> wire(const Codec& with, const std::byte* at,
                                         std::size_t count) {
    return {at, with.wire_bytes(count)};
  }
  template <class Codec, class T>
  static void encode(const Codec& with, const T* values, std::size_t count, std::byte* to,
                     const rondo::codec::context& where, cudaStream_t) {
    with.encode(std::span<const T>{values, count}, std::span<std::byte>{to, with.wire_bytes(count)},
                where);
  }
  template <class Codec, class T>
  static void decode(const Codec& with, const std::byte* from, T* values, std::size_t count,
                     cudaStream_t) {
    with.decode(wire(with, from, count), std::span<T>{values, count});
  }
  template <class Codec>
  static void decode_add(const Codec& with, const std::byte* from, float* sums, std::size_t count,
                         cudaStream_t) {
    with.decode_add(wire(with, from, count), std::span<float>{sums, count});
  }
  template <class Codec, class WireOf>
  static void encode_sum(const Codec& with, const WireOf& wire_of, int ranks, std::size_t count,
                         std::byte* to, const rondo::codec::context& where, float divisor,
                         cudaStream_t stream) {
    std::vector<float> sums(count, 0.f);
    for (int rank = 0; rank < ranks; ++rank) {
      decode_add(with, wire_of(rank), sums.data(), count, stream);
    }
    for (float& sum : sums) {
      sum /= divisor;
    }
    encode(with, sums.data(), count, to, where, stream);
  }
};

using communicator = rondo::nccl::basic_communicator<host_work>;

/// What `body()` throws, in words; empty if it does not.
template <class Body>
std::string thrown_by(const Body& body) {
  try {
    body();
  } catch (const std::exception& thrown) {
    return thrown.what();
  }
  return {};
}

/// body(rank) on `size` threads; the first failure, in words. Catch2's macros are for one thread.
template <class Body>
std::string on_threads(int size, const Body& body) {
  std::vector<std::string> failures(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank) {
    threads.emplace_back(
        [&, rank] { failures[static_cast<std::size_t>(rank)] = thrown_by([&] { body(rank); }); });
  }
  for (auto& one : threads) {
    one.join();
  }
  for (const auto& one : failures) {
    if (!one.empty()) {
      return one;
    }
  }
  return {};
}

inline ncclComm_t raw_communicator(const ncclUniqueId& id, int rank, int size) {
  ncclComm_t made = nullptr;
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  rondo::nccl::detail::check(ncclCommInitRankConfig(&made, size, id, rank, &config), "init");
  return made;
}

/// Of one rank.
inline ncclComm_t lone_communicator() {
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  return raw_communicator(id, 0, 1);
}

/// body(comm) on `size` ranks.
template <class Body>
std::string run(int size, const Body& body) {
  ncclUniqueId id{};
  ncclGetUniqueId(&id);
  return on_threads(size, [&](int rank) {
    auto comm = communicator::adopt(raw_communicator(id, rank, size));
    body(comm);
  });
}

/// Fails the rank with what was expected.
inline void require(bool holds, const std::string& what) {
  if (!holds) {
    throw std::runtime_error{"not so: " + what};  // `what` may be what nobody said
  }
}

template <class T>
rondo::device_span<T> span_of(std::vector<T>& values) {
  return {values.data(), values.size()};
}
template <class T>
rondo::device_span<const T> span_of(const std::vector<T>& values) {
  return {values.data(), values.size()};
}

}  // namespace ranks
