// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/float16.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/transport/nccl/scaled_sum.hpp>
#include <rondo/version.hpp>

#include <nccl.h>

#include <string_view>
#include <type_traits>

/// Element types and operations in NCCL's terms.
namespace rondo::inline v0_1::nccl::detail {

/// ncclNumTypes for what NCCL does not know.
template <class T>
[[nodiscard]] constexpr ncclDataType_t data_type_or_none() {
  if constexpr (std::is_same_v<T, half> || std::is_same_v<T, __half>) {
    return ncclFloat16;
  } else if constexpr (std::is_same_v<T, bfloat16> || std::is_same_v<T, __nv_bfloat16>) {
    return ncclBfloat16;
#if defined(__CUDA_FP8_TYPES_EXIST__) && NCCL_VERSION_CODE >= 22400
  } else if constexpr (std::is_same_v<T, __nv_fp8_e4m3>) {
    return ncclFloat8e4m3;
  } else if constexpr (std::is_same_v<T, __nv_fp8_e5m2>) {
    return ncclFloat8e5m2;
#endif
  } else if constexpr (std::is_same_v<T, float>) {
    return ncclFloat32;
  } else if constexpr (std::is_same_v<T, double>) {
    return ncclFloat64;
  } else if constexpr (!std::is_integral_v<T> || std::is_same_v<T, bool>) {
    return ncclNumTypes;
  } else if constexpr (sizeof(T) == 1) {
    return std::is_signed_v<T> ? ncclInt8 : ncclUint8;
  } else if constexpr (sizeof(T) == 4) {
    return std::is_signed_v<T> ? ncclInt32 : ncclUint32;
  } else if constexpr (sizeof(T) == 8) {
    return std::is_signed_v<T> ? ncclInt64 : ncclUint64;
  } else {
    return ncclNumTypes;
  }
}

template <class Operation>
inline constexpr bool is_scaled = false;
template <class T>
inline constexpr bool is_scaled<scaled_sum<T>> = true;

/// ncclNumOps for what NCCL does not know.
template <class Operation>
[[nodiscard]] constexpr ncclRedOp_t operation_or_none() {
  if constexpr (std::is_same_v<Operation, op::sum>) {
    return ncclSum;
  } else if constexpr (std::is_same_v<Operation, op::product>) {
    return ncclProd;
  } else if constexpr (std::is_same_v<Operation, op::min>) {
    return ncclMin;
  } else if constexpr (std::is_same_v<Operation, op::max>) {
    return ncclMax;
  } else if constexpr (std::is_same_v<Operation, op::average>) {
    return ncclAvg;
  } else {
    return ncclNumOps;
  }
}

/// The type that values of T travel and fold as.
template <class T>
inline constexpr ncclDataType_t data_type = data_type_or_none<T>();

/// True where NCCL folds values of T with this operation.
template <class Operation, class T>
inline constexpr bool folds_natively = data_type<T> != ncclNumTypes &&
                                       (operation_or_none<Operation>() != ncclNumOps ||
                                        (std::is_same_v<Operation, scaled_sum<T>> &&
                                         !std::is_integral_v<T>));

/// True where it does so with the meaning that rondo gives the operation: NCCL's minimum and
/// maximum of floats pass over a NaN, which rondo's hand on.
template <class Operation, class T>
inline constexpr bool folds_natively_as_meant = folds_natively<Operation, T> &&
                                                (std::is_integral_v<T> ||
                                                 !(std::is_same_v<Operation, op::min> ||
                                                   std::is_same_v<Operation, op::max>));

}  // namespace rondo::inline v0_1::nccl::detail
