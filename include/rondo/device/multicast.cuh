// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/detail/elements.hpp>
#include <rondo/device/detail/in_call.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/protocol/fold.hpp>

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

/// Sums that the switch makes: a load from a multicast address returns the sum of all ranks'
/// memory, a store reaches all of it. Needs GPUs of compute capability 9.0 or newer that an
/// NVSwitch joins.
///
/// Compiled in every build, but never run by rondo's own tests: one GPU has no multicast.
namespace rondo::inline v0_1::device {

/// A window whose heap also has a multicast address: `multicast(offset)` is byte `offset` of all
/// ranks' heaps at once. NCCL's symmetric windows have one.
template <class W>
concept multicast_window = peer_window<W> && requires(const W& window, std::size_t offset) {
  { window.multicast(offset) } -> std::same_as<std::byte*>;
};

namespace detail {

template <class T>
struct switch_sum {
  static constexpr bool exists = false;
};

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
/// Four 32-bit registers: the sum of 16 bytes at a multicast address, and the store of them.
#define RONDO_SWITCH_SUM(element, type)                                                        \
  template <>                                                                                  \
  struct switch_sum<element> {                                                                 \
    static constexpr bool exists = true;                                                       \
    __device__ static void move(const std::byte* from, std::byte* to) {                        \
      std::uint32_t a;                                                                         \
      std::uint32_t b;                                                                         \
      std::uint32_t c;                                                                         \
      std::uint32_t d;                                                                         \
      asm volatile("multimem.ld_reduce.relaxed.sys.global.add" type " {%0, %1, %2, %3}, [%4];" \
                   : "=r"(a), "=r"(b), "=r"(c), "=r"(d)                                        \
                   : "l"(from)                                                                 \
                   : "memory");                                                                \
      asm volatile("multimem.st.relaxed.sys.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to),  \
                   "r"(a), "r"(b), "r"(c), "r"(d)                                              \
                   : "memory");                                                                \
    }                                                                                          \
  }
RONDO_SWITCH_SUM(float, ".v4.f32");
RONDO_SWITCH_SUM(__nv_bfloat16, ".acc::f32.v4.bf16x2");
RONDO_SWITCH_SUM(__half, ".acc::f32.v4.f16x2");
RONDO_SWITCH_SUM(bfloat16, ".acc::f32.v4.bf16x2");
RONDO_SWITCH_SUM(half, ".acc::f32.v4.f16x2");
#undef RONDO_SWITCH_SUM
#endif

}  // namespace detail

/// Sums `count` elements at `in` of all ranks' heaps into `out` of all ranks' heaps (bytes from the
/// heaps' begin, multiples of 16): each rank asks the switch for its part. float, half, bfloat16,
/// __half, __nv_bfloat16. Called as all_reduce. The order of the sum is the switch's own; all ranks
/// get the same bits. Cost: 1/n of the elements read and written by each rank; two latencies.
template <class T, class Group, multicast_window Window>
__device__ bool multicast_all_reduce(Group group, const Window& window, std::size_t in,
                                     std::size_t out, std::size_t count) {
  static_assert(std::is_same_v<T, float> ||
                    (sizeof(T) == 2 && std::is_same_v<typename accumulator<T>::type, float>),
                "rondo: device: the switch sums float, half, bfloat16, __half and __nv_bfloat16");
  constexpr auto name = detail::hash_of_types<T>("multicast_all_reduce");
  constexpr std::size_t width = 16 / sizeof(T);
  const part share = share_of<T>(window, count);
  return detail::in_call(
      group, window, detail::fingerprint(name, count, window.slot_count()), [&](auto& mine) {
        if (!protocol::barrier(group, mine)) {
          return false;
        }
        mine.advance();
        part own = even_part(share.count, static_cast<std::size_t>(mine.size()),
                             static_cast<std::size_t>(mine.rank()), width);
        own.first += share.first;
        // Older GPUs, for which the same file may be compiled, fold all of it themselves.
        const std::size_t packs = detail::switch_sum<T>::exists ? own.count / width : 0;
        if constexpr (detail::switch_sum<T>::exists) {
          for (std::size_t i = group.thread_rank(); i < packs; i += group.size()) {
            const std::size_t at = (own.first + i * width) * sizeof(T);
            detail::switch_sum<T>::move(window.multicast(in + at), window.multicast(out + at));
          }
        }
        // What is left of the last part is less than a pack: by way of all windows.
        const reduction<op::sum, T> with{{}, mine.size()};
        const std::size_t rest = own.first + packs * width;
        protocol::fold_each(
            group, [&](int rank) { return window.template heap<T>(in, rank) + rest; }, mine.size(),
            [&](int rank) { return window.template heap<T>(out, rank) + rest; }, mine.size(), 0,
            own.count - packs * width, with);
        return protocol::barrier(group, mine);
      });
}

}  // namespace rondo::inline v0_1::device
