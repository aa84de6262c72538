// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <array>
#include <cstddef>
#include <type_traits>

/// Users compile with plain -O2 for the oldest x86-64, where GCC 12 only turns loops of constant
/// length over local arrays into vector code, and then for 16-byte registers. So rondo writes its
/// hot loops as one always-inlined body and compiles that body here: at full optimisation, with the
/// user's operation inlined (`flatten`: without it bfloat16 ran fifty times slower), once more for
/// AVX2, and for AVX-512 where the body asks for it. Under GCC fused multiply-adds stay off even
/// where the build allows them, for the same bits from every build (Clang has no attribute for
/// that: with operations that multiply and add, and -march=native, pass it -ffp-contract=off); and
/// copying a tile stays a loop, for it would become a slow `rep movs`.
///
/// `RONDO_PLAIN_LOOPS`, defined before the first rondo header in every source of a program,
/// compiles the body once, like any other code except that GCC fuses nothing there: for builds that
/// are to be quick, not fast, such as tests under sanitizers. `RONDO_NO_TWINS` compiles it once, at
/// full optimisation, for what the build assumes and no more: to see what an older processor does.
/// The bits are the same.
#if defined(__GNUC__) && !defined(__clang__) && !defined(RONDO_PLAIN_LOOPS)
#define RONDO_FULL_OPTIMISATION \
  gnu::optimize("O3", "fp-contract=off", "no-tree-loop-distribute-patterns")
#elif defined(__GNUC__) && !defined(__clang__) && defined(__FP_FAST_FMAF)
#define RONDO_FULL_OPTIMISATION gnu::optimize("fp-contract=off")
#else
#define RONDO_FULL_OPTIMISATION
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__AVX2__) && !defined(__CUDA_ARCH__) && \
    !defined(RONDO_PLAIN_LOOPS) && !defined(RONDO_NO_TWINS)
#define RONDO_HAS_AVX2_TWIN 1
#else
#define RONDO_HAS_AVX2_TWIN 0
#endif

/// Processors with AVX2 convert halves, too; Clang 14 cannot ask for that.
#if defined(__clang__)
#define RONDO_AVX2_TARGET "avx2"
#else
#define RONDO_AVX2_TARGET "avx2,f16c"
#endif

/// Not under Clang: it would fuse multiplies with adds there, which no attribute forbids.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) &&            \
    !(defined(__AVX512BW__) && defined(__AVX512DQ__) && defined(__AVX512VL__)) && \
    !defined(__CUDA_ARCH__) && !defined(RONDO_PLAIN_LOOPS) && !defined(RONDO_NO_TWINS)
#define RONDO_HAS_AVX512_TWIN 1
#else
#define RONDO_HAS_AVX512_TWIN 0
#endif

/// Goes behind the parameter list of a lambda: `[&]() RONDO_INLINE_BODY { ... }`.
#define RONDO_INLINE_BODY __attribute__((always_inline))

/// Before a short loop that GCC would unroll whole and then fail to turn into vector code.
#if defined(__GNUC__) && !defined(__clang__) && !defined(__CUDACC__)
#define RONDO_KEEP_LOOP _Pragma("GCC unroll 1")
#else
#define RONDO_KEEP_LOOP
#endif

/// Goes before a loop whose iterations do not read what others write.
#if defined(__clang__) && !defined(__CUDACC__)
#define RONDO_INDEPENDENT_ITERATIONS _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__) && !defined(__CUDACC__)
#define RONDO_INDEPENDENT_ITERATIONS _Pragma("GCC ivdep")
#else
#define RONDO_INDEPENDENT_ITERATIONS
#endif

/// Around functions with such loops: Clang warns of each that it does not turn into vector code (at
/// -O1, or for an operation of the user's), of which users of a header can do nothing.
#if defined(__clang__)
#define RONDO_INDEPENDENT_LOOPS_BEGIN \
  _Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wpass-failed\"")
#define RONDO_INDEPENDENT_LOOPS_END _Pragma("clang diagnostic pop")
#else
#define RONDO_INDEPENDENT_LOOPS_BEGIN
#define RONDO_INDEPENDENT_LOOPS_END
#endif

namespace rondo::inline v0_1 {

/// How long the registers are that a body is compiled for; it may take that as its parameter, to
/// cut its loops to whole registers.
template <std::size_t Bytes>
using register_bytes = std::integral_constant<std::size_t, Bytes>;

namespace detail {
template <std::size_t Bytes, class Body>
RONDO_ALWAYS_INLINE void run_body(const Body& body) {
  if constexpr (std::is_invocable_v<const Body&, register_bytes<Bytes>>) {
    body(register_bytes<Bytes>{});
  } else {
    body();
  }
}

#if defined(__AVX512BW__)
inline constexpr std::size_t assumed_register_bytes = 64;
#elif defined(__AVX2__)
inline constexpr std::size_t assumed_register_bytes = 32;
#else
inline constexpr std::size_t assumed_register_bytes = 16;
#endif

RONDO_INDEPENDENT_LOOPS_BEGIN
template <class Body>
[[RONDO_FULL_OPTIMISATION, gnu::noinline, gnu::flatten]] void compiled_apart(const Body body) {
  run_body<assumed_register_bytes>(body);
}
#if RONDO_HAS_AVX2_TWIN
template <class Body>
[[RONDO_FULL_OPTIMISATION, gnu::target(RONDO_AVX2_TARGET), gnu::noinline, gnu::flatten]] void
compiled_for_avx2(const Body body) {
  run_body<32>(body);
}
#endif
#if RONDO_HAS_AVX512_TWIN
template <class Body>
[[RONDO_FULL_OPTIMISATION, gnu::target("avx512f,avx512bw,avx512dq,avx512vl,f16c"), gnu::noinline,
  gnu::flatten]] void
compiled_for_avx512(const Body body) {
  run_body<64>(body);
}
#endif
RONDO_INDEPENDENT_LOOPS_END

[[nodiscard]] inline bool has_avx2() noexcept {
#if RONDO_HAS_AVX2_TWIN && defined(__clang__)
  return __builtin_cpu_supports("avx2");
#elif RONDO_HAS_AVX2_TWIN
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
#else
  return false;
#endif
}

[[nodiscard]] inline bool has_avx512() noexcept {
#if RONDO_HAS_AVX512_TWIN
  return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("f16c");
#else
  return false;
#endif
}

/// Whether a body for registers of 64 bytes gets them: then one store fills a line of the cache.
[[nodiscard]] inline bool stores_whole_lines() noexcept {
#if RONDO_HAS_AVX512_TWIN
  return has_avx512();
#else
  return assumed_register_bytes == 64;
#endif
}

/// False where the processor has not got what the forms for longer registers take.
[[nodiscard]] inline bool runs_twins() noexcept {
#if RONDO_HAS_AVX2_TWIN
  return has_avx2();
#elif defined(RONDO_NO_TWINS)
  return assumed_register_bytes > 16;
#else
  return true;
#endif
}
}  // namespace detail

/// The longest registers that a body is compiled for. Those of 64 bytes are for bodies that spend
/// their time on instructions, such as the conversions of 16-bit floats: twice as fast from cache
/// (Zen 5, GCC 12, 2026-11-27). What waits for memory gains nothing, and some processors slow their
/// clock for them.
enum class registers { of_32_bytes, of_64_bytes };

namespace detail {

/// `vectorized`, only where `runs_twins()`. For loops of which there are many: they are not
/// compiled for processors without AVX2 as well, unless the build assumes no more.
template <registers Longest, class Body>
inline void vectorized_by_twins(const Body& body) {
#if RONDO_HAS_AVX512_TWIN
  if constexpr (Longest == registers::of_64_bytes) {
    if (has_avx512()) {
      compiled_for_avx512(body);
      return;
    }
  }
#endif
#if RONDO_HAS_AVX2_TWIN
  compiled_for_avx2(body);
#else
  compiled_apart(body);
#endif
}

/// `vectorized`, only where `stores_whole_lines()`: not compiled for anything else.
template <class Body>
inline void vectorized_by_whole_lines([[maybe_unused]] const Body& body) {
#if RONDO_HAS_AVX512_TWIN
  compiled_for_avx512(body);
#else
  if constexpr (assumed_register_bytes == 64) {
    compiled_apart(body);
  }
#endif
}

}  // namespace detail

/// Runs `body`, compiled for the longest registers that it asks for and the processor has, if the
/// build does not already assume them. All forms give the same bits: none fuses a multiply with an
/// add. For loops of the user's as well: those of a codec of one's own, say.
///
/// The body is copied. One that stores bytes should capture pointers by value, for bytes may alias
/// what it holds by reference: that is then read anew, late, after each store.
template <registers Longest = registers::of_32_bytes, class Body>
inline void vectorized(const Body& body) {
  if (detail::runs_twins()) {
    detail::vectorized_by_twins<Longest>(body);
  } else {
    detail::compiled_apart(body);
  }
}

namespace detail {

/// An operation, as a local of the function that a loop is compiled in: a copy, which nothing that
/// is stored can change, where copies are only bytes, and few. An average of bfloat16s whose loop
/// read the number of ranks anew after each store ran a twentieth as fast; copies of a table of
/// 64 KiB, one for each block, made folds of 1000 bytes 2.5 times as slow (Zen 5, 2026-11-27).
template <class Operation>
using own_operation =
    std::conditional_t<std::is_trivially_copyable_v<Operation> && sizeof(Operation) <= 64,
                       Operation, const Operation&>;

/// The first so many pointers, as locals of the function that a loop is compiled in: nothing that
/// is stored can change those, so they stay in registers.
template <std::size_t Number, class Pointer>
RONDO_ALWAYS_INLINE std::array<Pointer, Number> own_pointers(const Pointer* pointers) {
  std::array<Pointer, Number> copied;
  for (std::size_t i = 0; i < Number; ++i) {
    copied[i] = pointers[i];
  }
  return copied;
}

}  // namespace detail

}  // namespace rondo::inline v0_1
