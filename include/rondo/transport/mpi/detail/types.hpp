// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/operation.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/partials.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/version.hpp>

#include <climits>
#include <cstddef>
#include <type_traits>
#include <utility>

/// Element types and operations in MPI's terms.
namespace rondo::inline v0_1::mpi::detail {

/// True of types that MPI itself can add, multiply and compare. What compilers have beyond the
/// standard's (__int128, __float128) it does not know.
template <class T>
inline constexpr bool is_builtin = std::is_same_v<T, float> || std::is_same_v<T, double> ||
                                   std::is_same_v<T, long double> ||
                                   (std::is_integral_v<T> && sizeof(T) <= 8 &&
                                    !std::is_same_v<T, bool>);

template <class T>
[[nodiscard]] MPI_Datatype builtin_type() {
  static_assert(is_builtin<T>);
  if constexpr (std::is_same_v<T, float>) {
    return MPI_FLOAT;
  } else if constexpr (std::is_same_v<T, double>) {
    return MPI_DOUBLE;
  } else if constexpr (std::is_floating_point_v<T>) {
    return MPI_LONG_DOUBLE;
  } else if constexpr (sizeof(T) == 1) {
    return std::is_signed_v<T> ? MPI_INT8_T : MPI_UINT8_T;
  } else if constexpr (sizeof(T) == 2) {
    return std::is_signed_v<T> ? MPI_INT16_T : MPI_UINT16_T;
  } else if constexpr (sizeof(T) == 4) {
    return std::is_signed_v<T> ? MPI_INT32_T : MPI_UINT32_T;
  } else {
    return std::is_signed_v<T> ? MPI_INT64_T : MPI_UINT64_T;
  }
}

/// True where MPI has this operation on this type with the meaning that rondo gives it: MPI leaves
/// open what its minimum and maximum make of a NaN.
template <class Operation, class T>
inline constexpr bool has_builtin_operation =
    is_builtin<T> &&
    (std::is_same_v<Operation, op::sum> || std::is_same_v<Operation, op::average> ||
     std::is_same_v<Operation, op::product> ||
     (std::is_integral_v<T> &&
      (std::is_same_v<Operation, op::min> || std::is_same_v<Operation, op::max>)));

template <class Operation>
[[nodiscard]] MPI_Op builtin_operation() {
  if constexpr (std::is_same_v<Operation, op::product>) {
    return MPI_PROD;
  } else if constexpr (std::is_same_v<Operation, op::min>) {
    return MPI_MIN;
  } else if constexpr (std::is_same_v<Operation, op::max>) {
    return MPI_MAX;
  } else {
    return MPI_SUM;
  }
}

/// `count` elements of `type` on the wire.
struct amount {
  MPI_Datatype type;
  int count;
};

/// `bytes` bytes as one element.
[[nodiscard]] inline MPI_Datatype bytes_type(keepsakes& kept, std::size_t bytes) {
  struct of_bytes {
    std::size_t bytes;
    bool operator==(const of_bytes&) const = default;
  };
  return kept
      .get<owned_datatype>(
          of_bytes{bytes},
          [&] {
            MPI_Datatype made = MPI_DATATYPE_NULL;
            if (bytes <= most_counted) {
              check(MPI_Type_contiguous(static_cast<int>(bytes), MPI_BYTE, &made),
                    "MPI_Type_contiguous");
            } else {
              MPI_Datatype block = MPI_DATATYPE_NULL;
              check(MPI_Type_contiguous(static_cast<int>(most_counted), MPI_BYTE, &block),
                    "MPI_Type_contiguous");
              const owned_datatype release{block};
              const int lengths[2] = {static_cast<int>(bytes / most_counted),
                                      static_cast<int>(bytes % most_counted)};
              const MPI_Aint places[2] = {
                  0, static_cast<MPI_Aint>(bytes / most_counted * most_counted)};
              const MPI_Datatype types[2] = {block, MPI_BYTE};
              check(MPI_Type_create_struct(2, lengths, places, types, &made),
                    "MPI_Type_create_struct");
            }
            check(MPI_Type_commit(&made), "MPI_Type_commit");
            return owned_datatype{made};
          })
      .get();
}

/// Any number of bytes, as MPI, which counts in int, can take them.
[[nodiscard]] inline amount amount_of(keepsakes& kept, std::size_t bytes) {
  return bytes <= INT_MAX ? amount{MPI_BYTE, static_cast<int>(bytes)}
                          : amount{bytes_type(kept, bytes), 1};
}

/// An operation as a function that MPI calls: it is told nothing but the elements, so the operation
/// must be all type and no state.
template <class Folds>
void fold_for_mpi(void* in, void* both, int* count, MPI_Datatype*) {
  using partial = typename Folds::partial;
  auto* const right = static_cast<partial*>(both);
  protocol::fold_both(static_cast<const partial*>(in), static_cast<const partial*>(right), right,
                      static_cast<std::size_t>(*count), protocol::fold_partials<Folds>{});
}

/// How `Folds` folds, in MPI's terms. MPI folds in rank order what does not commute.
template <class Operation, class T, class Folds>
[[nodiscard]] std::pair<MPI_Datatype, MPI_Op> folding(keepsakes& kept) {
  using partial = typename Folds::partial;
  if constexpr (std::is_same_v<Folds, reduction<Operation, T>> &&
                has_builtin_operation<Operation, partial>) {
    return {builtin_type<partial>(), builtin_operation<Operation>()};
  } else {
    static_assert(std::is_empty_v<Operation> && std::is_default_constructible_v<Operation>,
                  "rondo: native{} over MPI takes operations without state only (no captures); "
                  "use another algorithm");
    const MPI_Op made =
        kept.get<owned_operation>(static_cast<Folds*>(nullptr),
                                  [] {
                                    MPI_Op raw = MPI_OP_NULL;
                                    check(MPI_Op_create(&fold_for_mpi<Folds>,
                                                        commutes<Operation, partial> ? 1 : 0, &raw),
                                          "MPI_Op_create");
                                    return owned_operation{raw};
                                  })
            .get();
    return {bytes_type(kept, sizeof(partial)), made};
  }
}

}  // namespace rondo::inline v0_1::mpi::detail
