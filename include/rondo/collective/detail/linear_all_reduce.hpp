// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/by_algorithm.hpp>
#include <rondo/collective/detail/fold_values.hpp>
#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

/// All-reduce with a codec whose wire is plain numbers: low_rank, shared_scale.
namespace rondo::inline v0_1::detail {

template <class Comm, class T, class Algorithm, class Fold>
struct all_reduce_job;

/// What a linear codec asks of the ranks while a call runs.
template <class Comm, class Turn, class Algorithm>
class ranks_of_call {
 public:
  ranks_of_call(Comm& comm, Turn& turn, const Algorithm& algorithm)
      : comm_{comm}, turn_{turn}, algorithm_{algorithm} {}

  [[nodiscard]] int size() const { return turn_.size(); }

  /// Bytes that no other part of the call uses, aligned to a cache line.
  [[nodiscard]] std::byte* memory(std::size_t bytes) const {
    struct staging {
      arena memory;
    };
    return comm_.kept().template get<staging>().memory.get(bytes);
  }

  /// values = their sum over all ranks.
  template <class T>
  void sum(std::span<T> values) const {
    reduce(values, op::sum{});
  }
  /// values = the largest over all ranks; a NaN wins.
  template <class T>
  void largest(std::span<T> values) const {
    reduce(values, op::max{});
  }

 private:
  template <class T, class Operation>
  void reduce(std::span<T> values, const Operation& operation) const {
    using fold = folds_with<T, Operation>;
    const by_algorithm<all_reduce_job<Comm, T, Algorithm, fold>> sums{
        {.comm = comm_,
         .in = values.data(),
         .out = values.data(),
         .count = values.size(),
         .algorithm = algorithm_,
         .fold = {{operation, turn_.size()}}}};
    sums(turn_);
    if constexpr (shares_memory<Turn>) {
      turn_.advance();
    }
  }

  Comm& comm_;
  Turn& turn_;
  const Algorithm& algorithm_;
};

template <class Comm, class T, class Operation, class Algorithm, class Codec>
struct linear_all_reduce_job {
  static_assert(std::is_same_v<Operation, op::sum> || std::is_same_v<Operation, op::average>,
                "rondo: shared_scale and low_rank add; with one, pass op::sum or op::average");
  Comm& comm;
  const T* in;
  T* out;
  std::size_t count;
  Operation operation;
  Algorithm algorithm;
  Codec codec;

  template <class Turn>
  void operator()(Turn& turn) const {
    static_assert(!works_elsewhere<Turn>,
                  "rondo: shared_scale and low_rank have no kernels; use int8, int4, ...");
    check_memory(codec, count, turn.rank());
    codec.all_reduce(std::span<const T>{in, count}, std::span<T>{out, count},
                     ranks_of_call{comm, turn, algorithm}, divisor_of<Operation>(turn.size()));
  }
};

}  // namespace rondo::inline v0_1::detail
