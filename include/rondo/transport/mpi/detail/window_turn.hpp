// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/transport/mpi/detail/turn.hpp>
#include <rondo/transport/mpi/detail/window.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::mpi::detail {

/// A turn of ranks that are all on one node: pads and staging bytes of the peers, too.
class window_turn : public turn {
 public:
  static constexpr bool shares_memory = true;

  window_turn(group& in, const call& made, std::uint64_t word)
      : turn{in, made, word}, signal_{word} {}
  ~window_turn() { wake_peers(); }

  [[nodiscard]] protocol::pad& pad(int rank) const noexcept { return in_.of(rank).pad; }
  [[nodiscard]] std::byte* stage(int rank, unsigned bank) const noexcept {
    return in_.of(rank).stage[bank];
  }
  [[nodiscard]] static std::size_t streams_from() noexcept { return protocol::streams_from(); }
  [[nodiscard]] static constexpr std::size_t stage_bytes() noexcept {
    return segment::stage_capacity;
  }
  [[noreturn]] void cannot_stage(std::size_t element_bytes, int parts) const {
    refuse(call_.describe() + ": elements of " + std::to_string(element_bytes) +
               " bytes do not fit the window that ranks of a node share, " +
               std::to_string(stage_bytes()) + " bytes in " + std::to_string(parts) +
               (parts == 1 ? " part" : " parts") +
               "; use native{}, or an algorithm of messages such as ring{} where there is one",
           rank());
  }
  [[nodiscard]] std::uint64_t word() const noexcept { return signal_; }
  void advance() noexcept { signal_ = protocol::next_step(signal_); }
  [[nodiscard]] protocol::counters& used() const noexcept { return in_.used; }

  bool wait(int peer, const std::uint64_t& word) {
    seen_ = true;
    wake_peers();
    const auto done = [&] {
      const bool here = protocol::observe(word) == signal_;
      if (!here) {
        rondo::detail::relax();
      }
      return here;
    };
    await(peer, waits::for_call, in_.looks, done, in_vain, [&](std::chrono::microseconds time) {
      if (in_.rings() && !in_.offers.any_under_way()) {
        in_.of(peer).signalled.sleep(done, std::chrono::milliseconds{1});
      } else {
        rondo::detail::sleep_for(time);
      }
    });
    return true;
  }

 private:
  static constexpr std::chrono::microseconds in_vain{20};  ///< bench/results/mpi.md

  /// A rank writes its signals, and then waits or is done: the time to ring.
  void wake_peers() noexcept {
    if (in_.rings()) {
      in_.of(rank()).signalled.ring();
    }
  }

  std::uint64_t signal_;
};

static_assert(lending<window_turn> && messaging<window_turn> && abandonable<window_turn> &&
              shares_memory<window_turn>);

}  // namespace rondo::inline v0_1::mpi::detail
