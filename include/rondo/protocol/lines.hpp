// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/bit_cast.hpp>
#include <rondo/core/extremes.hpp>
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
/// never chosen unless asked for by name. The lines of a warp go together, four to an instruction.
/// On a CPU the flag is a release store of its own.
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

/// The lanes of the calling thread's warp whose lines are exchanged together with its own: those of
/// its group that have one of `lines`. `thread` is the caller's rank in the group, which has
/// `teams` times eight threads, eight neighbours at neighbouring lines.
[[nodiscard]] RONDO_HOST_DEVICE inline unsigned lanes_beside([[maybe_unused]] unsigned thread,
                                                             [[maybe_unused]] unsigned teams,
                                                             [[maybe_unused]] std::size_t line,
                                                             [[maybe_unused]] std::size_t lines) {
#if defined(__CUDA_ARCH__)
  constexpr unsigned most = 32 / lanes_of_line;
  const unsigned place = thread % 32;
  const unsigned of_warp = smaller(most, teams - thread / 32 * most);
  const std::size_t left = lines - (line - place / lanes_of_line);
  const unsigned here = left < of_warp ? static_cast<unsigned>(left) : of_warp;
  unsigned lane;
  asm("mov.u32 %0, %%laneid;" : "=r"(lane));
  return 0xffffffffu >> (32 - lanes_of_line * here) << (lane - place);
#else
  return 0;
#endif
}

/// The lanes of `beside` go on together: what they then load or store, a line of eight lanes at a
/// time, is one access.
RONDO_HOST_DEVICE inline void line_up([[maybe_unused]] unsigned beside) {
#if defined(__CUDA_ARCH__)
  __syncwarp(beside);
#endif
}
[[nodiscard]] RONDO_HOST_DEVICE inline bool all_lanes_say(bool mine,
                                                          [[maybe_unused]] unsigned beside) {
#if defined(__CUDA_ARCH__)
  return __all_sync(beside, mine) != 0;
#else
  return mine;
#endif
}

/// By lanes that are lined up, each its part of its line; the last one's `high` is the flag.
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

/// By lanes that are lined up: what is in the flag's place, seen by the last one. If that is the
/// flag, `part` is on all lanes what came with it.
[[nodiscard]] RONDO_HOST_DEVICE inline std::uint64_t get_part(const std::uint64_t* line,
                                                              unsigned lane,
                                                              [[maybe_unused]] std::uint64_t flag,
                                                              line_part& part) {
  const std::uint64_t* const at = line + 2 * lane;
#if defined(__CUDA_ARCH__)
  asm volatile("ld.relaxed.sys.v2.u64 {%0, %1}, [%2];"
               : "=l"(part.low), "=l"(part.high)
               : "l"(at)
               : "memory");
  return part.high;
#else
  const std::uint64_t seen = observe(line[words_of_line - 1]);
  if (seen == flag) {
    part = {peek_word(at), peek_word(at + 1)};
  }
  return seen;
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
    const unsigned beside = detail::lanes_beside(group.thread_rank(), teams, line, lines);
    for (unsigned lane = first_lane; lane < first_lane + lanes_here; ++lane) {
      const std::size_t first = first_of(line, lane);
      const std::size_t some = count_of(line, lane);
      detail::line_part part{};
      for (int step = 0; step < size; ++step) {
        const int peer = rank_after(self, 1 + step, size);
        if (!SameForAll || step == 0) {
          chunk values{};
          RONDO_UNROLL
          for (std::size_t e = 0; e < chunk::elements; ++e) {
            if (e < some) {
              values.value[e] = give(SameForAll ? self : peer, first + e);
            }
          }
          part = rondo::bit_cast<detail::line_part>(values);
          part.high = lane + 1 < lanes_of_line ? part.high : flag;
          detail::line_up(beside);  // or a line leaves in pieces
        }
        detail::put_part(peers.line_box(peer, self, bank) + line * words_of_line, lane, part);
      }
    }
  }
  const auto watches = [](unsigned lane) { return lanes_here > 1 || lane + 1 == lanes_of_line; };
  constexpr int batch = 4;
  bool complete = true;
  for (std::size_t line = begin_line; complete && line < lines; line += teams) {
    const unsigned beside = detail::lanes_beside(group.thread_rank(), teams, line, lines);
    for (unsigned lane = first_lane; complete && lane < first_lane + lanes_here; ++lane) {
      auto take = taker();
      take.begin(first_of(line, lane));
      for (int begin = 0; complete && begin < size; begin += batch) {
        detail::line_part parts[batch] = {};
        typename Peers::patience so_far{};
        for (bool all_came = false; complete && !all_came;) {
          std::uint64_t seen[batch];
          detail::line_up(beside);  // or a part is older than the flag
          RONDO_UNROLL
          for (int b = 0; b < batch; ++b) {
            seen[b] = flag;
            if (begin + b < size) {
              seen[b] =
                  detail::get_part(peers.line_box(self, begin + b, bank) + line * words_of_line,
                                   lane, flag, parts[b]);
            }
          }
          int missing = -1;
          RONDO_UNROLL
          for (int b = 0; b < batch; ++b) {
            missing = watches(lane) && seen[b] != flag ? begin + b : missing;
          }
          all_came = detail::all_lanes_say(missing < 0, beside);
          complete = all_came ||
                     detail::all_lanes_say(missing < 0 || !peers.give_up(so_far, missing), beside);
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
