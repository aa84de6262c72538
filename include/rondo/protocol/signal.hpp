// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <cstdint>

RONDO_HOST_DEVICE_BEGIN

/// One word of memory that one rank writes and its peers watch, on the host or on a GPU, where the
/// scope is the whole system.
namespace rondo::inline v0_1::protocol {

/// Makes all that the caller wrote before visible to who observes `value`.
RONDO_HOST_DEVICE inline void publish(std::uint64_t& word, std::uint64_t value) {
#if defined(__CUDA_ARCH__)
  asm volatile("st.release.sys.u64 [%0], %1;" ::"l"(&word), "l"(value) : "memory");
#else
  __atomic_store_n(&word, value, __ATOMIC_RELEASE);
#endif
}

[[nodiscard]] RONDO_HOST_DEVICE inline std::uint64_t observe(const std::uint64_t& word) {
#if defined(__CUDA_ARCH__)
  std::uint64_t value;
  asm volatile("ld.acquire.sys.u64 %0, [%1];" : "=l"(value) : "l"(&word) : "memory");
  return value;
#else
  return __atomic_load_n(&word, __ATOMIC_ACQUIRE);
#endif
}

/// A store that orders nothing but is done in one piece: for words that carry data and flag.
RONDO_HOST_DEVICE inline void put_word(std::uint64_t* word, std::uint64_t value) {
#if defined(__CUDA_ARCH__)
  asm volatile("st.relaxed.sys.u64 [%0], %1;" ::"l"(word), "l"(value) : "memory");
#else
  __atomic_store_n(word, value, __ATOMIC_RELAXED);
#endif
}
[[nodiscard]] RONDO_HOST_DEVICE inline std::uint64_t peek_word(const std::uint64_t* word) {
#if defined(__CUDA_ARCH__)
  std::uint64_t value;
  asm volatile("ld.relaxed.sys.u64 %0, [%1];" : "=l"(value) : "l"(word) : "memory");
  return value;
#else
  return __atomic_load_n(word, __ATOMIC_RELAXED);
#endif
}

/// Writes `mine` in place of `seen`; false if somebody else has written there. On the host.
[[nodiscard]] inline bool replace_word(std::uint64_t& word, std::uint64_t seen,
                                       std::uint64_t mine) {
  return __atomic_compare_exchange_n(&word, &seen, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/// The word of one call: its number on this communicator and what was called. Equal words mean that
/// two ranks are in the same call and agree about it.
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::uint64_t call_word(std::uint32_t number,
                                                                  std::uint32_t fingerprint) {
  return (std::uint64_t{number} << 32) | fingerprint;
}

/// The word of the next step of a call that uses the same words of its pad more than once.
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::uint64_t next_step(std::uint64_t word) {
  return call_word(static_cast<std::uint32_t>(word >> 32), static_cast<std::uint32_t>(word) + 1u);
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
