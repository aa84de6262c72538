// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

/// Users compile with plain -O2 for the oldest x86-64, where GCC 12 only turns loops of constant
/// length over local arrays into vector code, and then for 16-byte registers. So rondo writes its
/// hot loops in that form, as one always-inlined body, and compiles the body twice.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__AVX2__) && !defined(__CUDA_ARCH__)
#define RONDO_HAS_AVX2_TWIN 1
#else
#define RONDO_HAS_AVX2_TWIN 0
#endif

/// Goes behind the parameter list of a lambda: `[&]() RONDO_INLINE_BODY { ... }`.
#if defined(__GNUC__)
#define RONDO_INLINE_BODY __attribute__((always_inline))
#else
#define RONDO_INLINE_BODY
#endif

namespace rondo::inline v0_1 {

#if RONDO_HAS_AVX2_TWIN
namespace detail {
template <class Body>
[[gnu::target("avx2"), gnu::noinline]] void with_avx2(const Body& body) {
  body();
}
}  // namespace detail
#endif

/// Runs `body`, compiled for AVX2 where the processor has it and the build does not already assume
/// it. Both forms give the same bits: neither fuses a multiply with an add.
template <class Body>
inline void vectorized(const Body& body) {
#if RONDO_HAS_AVX2_TWIN
  if (__builtin_cpu_supports("avx2")) {
    detail::with_avx2(body);
    return;
  }
#endif
  body();
}

}  // namespace rondo::inline v0_1
