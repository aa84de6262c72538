// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Marks a function that one source compiles for the host and, under nvcc, for the device too.
#if defined(__CUDACC__)
#define RONDO_HOST_DEVICE __host__ __device__
#else
#define RONDO_HOST_DEVICE
#endif

/// Around templates so marked that the host alone instantiates with its own types: nvcc would warn
/// of every function of those that is for the host only (nv_exec_check_disable spares no lambda).
#if defined(__CUDACC__)
#define RONDO_HOST_DEVICE_BEGIN \
  _Pragma("nv_diagnostic push") _Pragma("nv_diag_suppress 20011,20013,20014,20015")
#define RONDO_HOST_DEVICE_END _Pragma("nv_diagnostic pop")
#else
#define RONDO_HOST_DEVICE_BEGIN
#define RONDO_HOST_DEVICE_END
#endif

/// Before a loop whose iterations a GPU should do side by side; the host's compiler knows best.
#if defined(__CUDA_ARCH__)
#define RONDO_UNROLL _Pragma("unroll")
#else
#define RONDO_UNROLL
#endif

/// For bodies that must be compiled into their caller: the caller picks the instruction set.
#define RONDO_ALWAYS_INLINE [[gnu::always_inline]] inline
