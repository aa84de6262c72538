// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>

RONDO_HOST_DEVICE_BEGIN

/// How the protocols store what they have made.
namespace rondo::inline v0_1::protocol {

/// What a fold writes goes into the cache, or around it, or into the cache for the first target and
/// from there, block by block, to the others. Only a plain store reads the line that it is about to
/// overwrite: a streamed one does not, nor does the library's copy (`rep movsb`).
enum class store { cached, copied, streamed };

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__CUDA_ARCH__)
#define RONDO_HAS_STREAMED_STORES 1
#else
#define RONDO_HAS_STREAMED_STORES 0
#endif

/// From how many bytes on that a call touches its stores go around the cache; never, where that has
/// not been measured to pay. On Zen 5 (EPYC, 2 processors, 2026-11-27) a call whose bytes are half
/// as many again as the last-level cache holds takes 0.6 to 0.9 of the time, but one whose bytes
/// just fill it 1.1 to 2.3 times as long; on Skylake-SP a fold from memory took a quarter longer.
[[nodiscard]] inline std::size_t streams_from() noexcept {
#if RONDO_HAS_STREAMED_STORES
  if (__builtin_cpu_is("amd")) {
    return std::size_t{48} << 20;  // a core complex has 32 MiB; what the system says varies
  }
#endif
  return (std::numeric_limits<std::size_t>::max)();
}

/// From how many bytes on that a call touches its results are copied from the first output to the
/// others in blocks of the second-level cache. On two processors with 1 MiB of it each an
/// all-reduce of 2, 4 and 8 ranks then takes 0.71 to 0.95 of the time, as long as all stays in the
/// last-level cache; of 1 MiB touched, on 2 ranks, it would take 1.25 (Zen 5, 2026-11-27). Where a
/// store does not fill a line, so that folds go through the first-level cache anyway, it only pays
/// where the last-level cache is full: 0.70 to 1.15 from 32 MiB touched on, 1.1 below (Zen 3,
/// 2026-11-28).
[[nodiscard]] inline std::size_t copies_from() noexcept {
  return std::size_t{rondo::detail::stores_whole_lines() ? 8u : 32u} << 20;
}

/// How to store in a call in which all ranks touch so many bytes: around the cache only where they
/// cannot stay there and the peers' memory says that it pays.
template <class Peers>
[[nodiscard]] RONDO_HOST_DEVICE store store_for(const Peers& peers, std::size_t bytes) {
  if constexpr (requires { peers.streams_from(); }) {
    const store within = bytes >= copies_from() ? store::copied : store::cached;
    return bytes >= peers.streams_from() ? store::streamed : within;
  } else {
    return store::cached;
  }
}

/// Streamed stores go in units of this; addresses must be multiples of it.
inline constexpr std::size_t stream_unit = 16;

[[nodiscard]] inline bool can_stream_to(const void* to) {
  return RONDO_HAS_STREAMED_STORES != 0 && reinterpret_cast<std::uintptr_t>(to) % stream_unit == 0;
}

/// Streams a constant number of bytes, a multiple of `stream_unit`.
template <std::size_t Bytes>
[[gnu::always_inline]] inline void stream_bytes(void* to, const void* from) {
#if RONDO_HAS_STREAMED_STORES
  using unit [[gnu::vector_size(stream_unit), gnu::may_alias]] = long long;
  for (std::size_t i = 0; i < Bytes; i += stream_unit) {
    unit value;
    std::memcpy(&value, static_cast<const std::byte*>(from) + i, stream_unit);
    auto* place = reinterpret_cast<unit*>(static_cast<std::byte*>(to) + i);
#if defined(__clang__)
    __builtin_nontemporal_store(value, place);
#else
    __builtin_ia32_movntdq(place, value);
#endif
  }
#else
  std::memcpy(to, from, Bytes);
#endif
}

/// After the last streamed store of a rank and before it signals: streamed stores are not ordered
/// by a release.
inline void end_of_stream() {
#if RONDO_HAS_STREAMED_STORES
  __builtin_ia32_sfence();
#endif
}

/// The library's copy, but in short pieces where the target lies up to 31 bytes further into its
/// page than the source. From 4 KiB on, glibc copies by `rep movsb`, and on AMD's Zen 3 and 4 that
/// then falls from 50 to 90 GB/s to 3 (its bug 30994, mended in 2.40; Zen 3, glibc 2.36,
/// 2026-11-28). Blocks of malloc lie so, one behind the other, if they are multiples of 4 KiB long.
inline void copy_bytes(std::byte* to, const std::byte* from, std::size_t bytes) {
  constexpr std::size_t page = 4096;
  constexpr std::size_t slow_within = 32;
  std::size_t piece = 1024;
  asm("" : "+r"(piece));  // of a length that GCC knows it would make `rep movsq`: 15 GB/s
  const std::size_t further =
      (reinterpret_cast<std::uintptr_t>(to) - reinterpret_cast<std::uintptr_t>(from)) % page;
  if (further != 0 && further < slow_within) {
    for (; bytes > piece; to += piece, from += piece, bytes -= piece) {
      std::memcpy(to, from, piece);
    }
  }
  std::memcpy(to, from, bytes);
}

/// Copies `count` elements, which are the same memory or do not overlap.
template <class T>
void copy_elements(T* to, const T* from, std::size_t count, store how = store::cached) {
  if (count == 0 || to == from) {
    return;
  }
  auto* target = reinterpret_cast<std::byte*>(to);
  const auto* source = reinterpret_cast<const std::byte*>(from);
  std::size_t bytes = count * sizeof(T);
  if (how == store::streamed) {
    constexpr std::size_t line = 64;
    const std::size_t head = (0 - reinterpret_cast<std::uintptr_t>(target)) % line;
    if (RONDO_HAS_STREAMED_STORES != 0 && bytes > head + line) {
      std::memcpy(target, source, head);
      for (target += head, source += head, bytes -= head; bytes >= line;
           target += line, source += line, bytes -= line) {
        stream_bytes<line>(target, source);
      }
      end_of_stream();
    }
  }
  copy_bytes(target, source, bytes);
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
