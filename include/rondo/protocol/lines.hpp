// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/protocol/words.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>

/// Packets of 120 bytes and a flag in one line of 128: eight neighbouring threads store a line at
/// once, 16 bytes each, the flag in the last one's (the LL128 protocol of NCCL,
/// src/device/prims_ll128.h). 6 % of the bytes moved are flags.
///
/// This counts on a line that a warp stores in one instruction to arrive as a whole, which holds
/// within a GPU and over NVLink, but not over PCIe, and which no memory model promises. So it is
/// never chosen unless asked for by name. On a CPU the flag is a release store of its own.
namespace rondo::inline v0_1::protocol {

inline constexpr std::size_t words_of_line = 16;
inline constexpr unsigned lanes_of_line = 8;

/// Peer memory with boxes for lines: `line_box(reader, writer, bank)`, `lines()` of them, aligned.
/// Their flags are `word()`, so nothing comes around, and no other protocol writes there.
template <class Peers>
concept has_line_boxes = has_inboxes<Peers> && requires(Peers& peers, int rank) {
  { peers.line_box(rank, rank, 0u) } -> std::same_as<std::uint64_t*>;
  { peers.lines() } -> std::convertible_to<std::size_t>;
};

/// What one lane has of a line.
template <class T>
struct line_chunk {
  static constexpr std::size_t elements = 16 / sizeof(T);
  T value[elements];
};
template <class T>
inline constexpr bool fits_lines = sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 ||
                                   sizeof(T) == 8;
template <class T>
inline constexpr std::size_t elements_of_line = 120 / sizeof(T);

template <class T>
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t lines_for(std::size_t count) {
  return (count + elements_of_line<T> - 1) / elements_of_line<T>;
}

namespace detail {

struct line_part {
  std::uint64_t low;
  std::uint64_t high;
};

#if defined(__CUDA_ARCH__)
/// The eight lanes of the calling thread's line.
[[nodiscard]] __device__ inline unsigned mask_of_line() {
  unsigned lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return 0xffu << (lane & 24u);
}
#endif

/// All lanes of a line together; the last one's `high` is the flag.
RONDO_HOST_DEVICE inline void put_part(std::uint64_t* line, unsigned lane, const line_part& part) {
  std::uint64_t* const at = line + 2 * lane;
#if defined(__CUDA_ARCH__)
  asm volatile("st.relaxed.sys.v2.u64 [%0], {%1, %2};" ::"l"(at), "l"(part.low), "l"(part.high)
               : "memory");
#else
  put_word(at, part.low);
  if (lane + 1 < lanes_of_line) {
    put_word(at + 1, part.high);
  } else {
    publish(at[1], part.high);
  }
#endif
}

/// True, for all lanes of the line, if the flag is there; then `part` is what came with it.
[[nodiscard]] RONDO_HOST_DEVICE inline bool get_part(const std::uint64_t* line, unsigned lane,
                                                     std::uint64_t flag, line_part& part) {
  const std::uint64_t* const at = line + 2 * lane;
#if defined(__CUDA_ARCH__)
  asm volatile("ld.relaxed.sys.v2.u64 {%0, %1}, [%2];"
               : "=l"(part.low), "=l"(part.high)
               : "l"(at)
               : "memory");
  const unsigned mask = mask_of_line();
  return __all_sync(mask, lane + 1 < lanes_of_line || part.high == flag) != 0;
#else
  if (observe(line[words_of_line - 1]) != flag) {
    return false;
  }
  part = {peek_word(at), peek_word(at + 1)};
  return true;
#endif
}

/// The same answer on all lanes of a line: that of its first.
[[nodiscard]] RONDO_HOST_DEVICE inline bool first_lane_says(bool mine) {
#if defined(__CUDA_ARCH__)
  return __shfl_sync(mask_of_line(), mine ? 1 : 0, 0, static_cast<int>(lanes_of_line)) != 0;
#else
  return mine;
#endif
}

}  // namespace detail

/// As `exchange_words`, by lines: a taker sees `line_chunk`s. On a GPU by at least eight threads,
/// in whole warps. Cost: one latency; 128 bytes moved for 120.
template <class T, bool SameForAll, cooperative Group, has_line_boxes Peers, class Give,
          class Taker>
requires stages<Peers> RONDO_HOST_DEVICE bool exchange_lines(Group& group, Peers& peers,
                                                             std::size_t count, const Give& give,
                                                             const Taker& taker) {
  static_assert(fits_lines<T>, "rondo: line packets carry elements of 1, 2, 4 or 8 bytes");
#if defined(__CUDA_ARCH__)
  constexpr unsigned lanes_here = 1;
#else
  constexpr unsigned lanes_here = lanes_of_line;  // a thread has a line to itself
#endif
  constexpr unsigned threads = lanes_of_line / lanes_here;
  using chunk = line_chunk<T>;
  const std::size_t lines = lines_for<T>(count);
  const unsigned teams = group.size() / threads;
  if (count == 0) {  // would tell nobody that this rank has left the call before
    return true;
  }
  const int size = peers.size();
  const int self = peers.rank();
  const unsigned bank = peers.used().packets++ & 1u;
  const std::uint64_t flag = peers.word();
  const unsigned team = group.thread_rank() / threads;
  const unsigned first_lane = group.thread_rank() % threads;
  const std::size_t begin_line = team < teams ? team : lines;
  const auto first_of = [](std::size_t line, unsigned lane) {
    return line * elements_of_line<T> + lane * chunk::elements;
  };
  const auto count_of = [&](std::size_t line, unsigned lane) {
    const std::size_t first = first_of(line, lane);
    const std::size_t most = lane + 1 < lanes_of_line ? chunk::elements : chunk::elements / 2;
    return first >= count ? 0 : count - first < most ? count - first : most;
  };
  group.sync();
  for (std::size_t line = begin_line; line < lines; line += teams) {
    for (int step = 0; step < size; ++step) {
      const int peer = rank_after(self, 1 + step, size);
      for (unsigned lane = first_lane; lane < first_lane + lanes_here; ++lane) {
        const std::size_t first = first_of(line, lane);
        const std::size_t some = count_of(line, lane);
        chunk values{};
        RONDO_UNROLL
        for (std::size_t e = 0; e < chunk::elements; ++e) {
          if (e < some) {
            values.value[e] = give(SameForAll ? self : peer, first + e);
          }
        }
        auto part = rondo::bit_cast<detail::line_part>(values);
        part.high = lane + 1 < lanes_of_line ? part.high : flag;
#if defined(__CUDA_ARCH__)
        __syncwarp(detail::mask_of_line());
#endif
        detail::put_part(peers.line_box(peer, self, bank) + line * words_of_line, lane, part);
      }
    }
  }
  constexpr int batch = 4;
  bool complete = true;
  for (std::size_t line = begin_line; complete && line < lines; line += teams) {
    for (unsigned lane = first_lane; complete && lane < first_lane + lanes_here; ++lane) {
      auto take = taker();
      take.begin(first_of(line, lane));
      for (int begin = 0; complete && begin < size; begin += batch) {
        detail::line_part parts[batch] = {};
        typename Peers::patience so_far{};
        for (int missing = begin; missing >= 0 && complete;) {
          missing = -1;
          RONDO_UNROLL
          for (int b = 0; b < batch; ++b) {
            if (begin + b < size &&
                !detail::get_part(peers.line_box(self, begin + b, bank) + line * words_of_line,
                                  lane, flag, parts[b])) {
              missing = begin + b;
            }
          }
          complete = missing < 0 || !detail::first_lane_says(peers.give_up(so_far, missing));
        }
        RONDO_UNROLL
        for (int b = 0; b < batch; ++b) {
          if (complete && begin + b < size) {
            take.see(begin + b, rondo::bit_cast<chunk>(parts[b]));
          }
        }
      }
      if (complete) {
        take.end(first_of(line, lane), count_of(line, lane));
      }
    }
  }
  complete = agree(group, complete);
  peers.advance();
  return complete;
}

}  // namespace rondo::inline v0_1::protocol
