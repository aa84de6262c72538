// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/rondo.hpp>

#include <cstddef>
#include <span>

namespace bench {

/// rondo's collectives on any communicator, by one algorithm.
template <class Comm, class Algorithm>
struct rondo_library {
  Comm& comm;
  Algorithm algorithm;

  using input = std::span<const float>;
  using output = std::span<float>;

  [[nodiscard]] int rank() const { return comm.rank(); }

  void all_reduce(const float* in, float* out, std::size_t count) const {
    output to{out, count};
    rondo::all_reduce(comm, input{in, count}, to, algorithm);
  }
  void reduce(const float* in, float* out, std::size_t count) const {
    output to{out, count};
    rondo::reduce(comm, input{in, count}, to, for_others());
  }
  void broadcast(float* out, std::size_t count) const {
    output whole{out, count};
    rondo::broadcast(comm, whole, for_others());
  }
  void all_gather(const float* in, float* out, std::size_t block) const {
    output to{out, block * static_cast<std::size_t>(comm.size())};
    rondo::all_gather(comm, input{in, block}, to, for_others());
  }
  void reduce_scatter(const float* in, float* out, std::size_t block) const {
    output to{out, block};
    rondo::reduce_scatter(comm, input{in, block * static_cast<std::size_t>(comm.size())}, to,
                          for_others());
  }
  void all_to_all(const float* in, float* out, std::size_t block) const {
    const std::size_t whole = block * static_cast<std::size_t>(comm.size());
    output to{out, whole};
    rondo::all_to_all(comm, input{in, whole}, to, for_others());
  }
  void barrier() const { rondo::barrier(comm); }

 private:
  /// Algorithms are compared on all_reduce; not every one makes every collective.
  static auto for_others() {
    if constexpr (std::is_same_v<Algorithm, rondo::native>) {
      return rondo::native{};
    } else {
      return rondo::automatic{};
    }
  }
};

template <class Comm, class Algorithm>
rondo_library(Comm&, Algorithm) -> rondo_library<Comm, Algorithm>;

}  // namespace bench
