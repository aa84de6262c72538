// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/device/report.hpp>
#include <rondo/device/window.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/protocol/signal.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>

#if !defined(__CUDA_ARCH__)
#include <sched.h>
#include <time.h>
#endif

namespace rondo::inline v0_1::device::detail {

/// Nanoseconds of a clock that only goes forward.
[[nodiscard]] RONDO_HOST_DEVICE inline std::uint64_t clock_ns() {
#if defined(__CUDA_ARCH__)
  std::uint64_t now;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(now));
  return now;
#else
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(now.tv_nsec);
#endif
}

/// Lets others run who share this processor; a GPU has no such need.
RONDO_HOST_DEVICE inline void let_others_run() {
#if !defined(__CUDA_ARCH__)
  sched_yield();
#endif
}

/// True for the one who finds the word 0 and makes it 1.
[[nodiscard]] RONDO_HOST_DEVICE inline bool claim(std::uint64_t& word) {
#if defined(__CUDA_ARCH__)
  return atomicCAS(reinterpret_cast<unsigned long long*>(&word), 0ull, 1ull) == 0;
#else
  std::uint64_t expected = 0;
  return __atomic_compare_exchange_n(&word, &expected, std::uint64_t{1}, false, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED);
#endif
}

/// One thread's part in one call of its group on one slot: peer memory for the protocols. Every
/// thread of the group makes its own, all alike; what lasts is written back by `close`.
///
/// The word of a step is 48 bits of epoch and 16 of what was called: a number that does not come
/// again in the life of a machine, so words of slots that rested for long are never mistaken.
template <peer_window Window>
class turn {
 public:
  turn() = delete;
  RONDO_HOST_DEVICE turn(const Window& in, std::uint16_t fingerprint)
      : in_{in}, fingerprint_{fingerprint}, slot_{in.first_slot() + in.slot()} {
    if (slot_ >= shape().slot_count) {
      tell(trouble::bad_slot, rank(), shape().slot_count);
      return;
    }
    const slot_state& state = this->state();
    epoch_ = state.epoch + 1;
    calls_ = state.calls + 1;
    used_ = state.used;
    flags_of_ = state.flags_of;
  }

  /// Number of this call on its slot, from 1.
  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t call() const { return calls_; }

  /// False once any wait of this rank was in vain.
  [[nodiscard]] RONDO_HOST_DEVICE bool usable() const {
    return protocol::peek_word(&failed()) == 0;
  }

  /// Ends the call for the whole group.
  template <class Group>
  RONDO_HOST_DEVICE void close(Group& group) {
    group.sync();
    if (group.thread_rank() == 0) {
      slot_state& kept = state();  // member by member: a whole one is stored byte by byte
      kept.epoch = epoch_;
      kept.calls = calls_;
      kept.used = used_;
      kept.flags_of = flags_of_;
    }
    group.sync();
  }

  // --- peer memory ---------------------------------------------------------------------------

  [[nodiscard]] RONDO_HOST_DEVICE int rank() const { return in_.rank(); }
  [[nodiscard]] RONDO_HOST_DEVICE int size() const { return in_.size(); }
  [[nodiscard]] RONDO_HOST_DEVICE protocol::pad& pad(int of) const { return pad_in(rank(), of); }
  [[nodiscard]] RONDO_HOST_DEVICE protocol::pad& copy_at(int reader) const {
    return pad_in(reader, rank());
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::byte* stage(int of, unsigned bank) const {
    return slot_of(of) + shape().stages() + bank * shape().up(stage_bytes());
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t stage_bytes() const { return shape().stage_bytes; }
  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t word() const {
    return (epoch_ << 16) | fingerprint_;
  }
  [[nodiscard]] RONDO_HOST_DEVICE protocol::counters& used() { return used_; }
  RONDO_HOST_DEVICE void advance() { ++epoch_; }

  RONDO_HOST_DEVICE bool wait(int peer, const std::uint64_t& word_of_peer) const {
    patience so_far{};
    for (;;) {
      const std::uint64_t seen = protocol::observe(word_of_peer);
      if (seen == word()) {
        return true;
      }
      if (seen >> 16 == epoch_) {
        tell(trouble::mismatch, peer, seen >> 16);
        return false;
      }
      if (give_up(so_far, peer, seen >> 16)) {
        return false;
      }
    }
  }

  /// Until the word is at least `least`: for words that count.
  RONDO_HOST_DEVICE bool wait_for_count(int peer, const std::uint64_t& word,
                                        std::uint64_t least) const {
    patience so_far{};
    for (;;) {
      const std::uint64_t seen = protocol::observe(word);
      if (seen >= least) {
        return true;
      }
      if (give_up(so_far, peer, seen)) {
        return false;
      }
    }
  }

  template <class Body>
  RONDO_HOST_DEVICE void touch(const Body& body) const {
    body();
  }

  /// What ranks show each other of a buffer: the pointer, or, where address spaces differ, its
  /// distance from the window's begin; null and a report if peers cannot reach it.
  template <class T>
  [[nodiscard]] RONDO_HOST_DEVICE bool show(T*& pointer, std::size_t bytes) const {
    if (in_.reaches_everything()) {
      return true;
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(in_.at(rank()));
    const auto at = reinterpret_cast<std::uintptr_t>(pointer);
    if (at < begin || at + bytes > begin + shape().bytes()) {
      tell(trouble::out_of_window, rank(), 0);
      return false;
    }
    pointer = reinterpret_cast<T*>(at - begin);
    return true;
  }
  template <class T>
  [[nodiscard]] RONDO_HOST_DEVICE T* seen_here(int of, T* shown) const {
    if (in_.reaches_everything()) {
      return shown;
    }
    const auto begin = reinterpret_cast<std::uintptr_t>(in_.at(of));
    return reinterpret_cast<T*>(begin + reinterpret_cast<std::uintptr_t>(shown));
  }

  RONDO_HOST_DEVICE void cannot_stage(std::size_t bytes, int parts) const {
    tell(trouble::too_small, rank(), bytes * static_cast<std::size_t>(parts));
  }

  // --- inboxes -------------------------------------------------------------------------------

  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t* inbox(int reader, int writer,
                                                       unsigned bank) const {
    const std::size_t which = bank * shape().each() + static_cast<std::size_t>(writer);
    return reinterpret_cast<std::uint64_t*>(slot_of(reader) + shape().inboxes() +
                                            which * shape().up(inbox_words() * 8));
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t inbox_words() const { return shape().inbox_words; }
  /// Odd, so never 0; comes around every 2^31 steps.
  [[nodiscard]] RONDO_HOST_DEVICE std::uint32_t flag() const {
    return (static_cast<std::uint32_t>(epoch_) << 1) | 1u;
  }
  [[nodiscard]] RONDO_HOST_DEVICE bool outdated() const {
    return static_cast<std::uint32_t>(epoch_ >> 31) != flags_of_;
  }
  template <class Group>
  RONDO_HOST_DEVICE void clear_inboxes(Group& group) {
    auto* const words = inbox(rank(), 0, 0);
    const std::size_t count = (shape().line_boxes() - shape().inboxes()) / sizeof(std::uint64_t);
    for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
      protocol::put_word(words + i, 0);
    }
    // Of the steps that follow: two barriers are still to come in this span or the next.
    flags_of_ = static_cast<std::uint32_t>((epoch_ + 2) >> 31);
  }

  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t* line_box(int reader, int writer,
                                                          unsigned bank) const {
    return inbox(reader, writer, bank) +
           (shape().line_boxes() - shape().inboxes()) / sizeof(std::uint64_t);
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t lines() const { return inbox_words() / 16; }

  // --- messages ------------------------------------------------------------------------------

  /// In `reader`'s window, what concerns it and `other`.
  [[nodiscard]] RONDO_HOST_DEVICE post& post_in(int reader, int other) const {
    return *reinterpret_cast<post*>(slot_of(reader) + shape().posts() +
                                    static_cast<std::size_t>(other) * sizeof(post));
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::byte* mailbox(int reader, int writer, unsigned bank) const {
    const std::size_t which = bank * shape().each() + static_cast<std::size_t>(writer);
    return slot_of(reader) + shape().mailboxes() + which * shape().up(mail_bytes());
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::size_t mail_bytes() const { return shape().mail_bytes; }
  /// Parcels sent to `peer` so far, and received from it; this rank's own memory.
  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t& sent_to(int peer) const {
    return reinterpret_cast<std::uint64_t*>(slot_of(rank()) + shape().mail_counts())[2 * peer];
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t& received_from(int peer) const {
    return (&sent_to(peer))[1];
  }

  /// For calls that only some ranks make: the epoch of this slot stays with that of the others.
  RONDO_HOST_DEVICE void keep_epoch() { --epoch_; }

  // --- patience ------------------------------------------------------------------------------

  struct patience {
    unsigned looks = 0;
    std::uint64_t since = 0;
  };
  /// After a look in vain: true, and a report, if the peer is too late. The clock is read now and
  /// then only.
  RONDO_HOST_DEVICE bool give_up(patience& so_far, int peer, std::uint64_t seen = 0) const {
    if (++so_far.looks % 64 != 0) {
      return false;
    }
    let_others_run();
    if (!usable()) {
      return true;
    }
    const std::uint64_t now = clock_ns();
    so_far.since = so_far.since == 0 ? now : so_far.since;
    if (now - so_far.since <= in_.patience_ns()) {
      return false;
    }
    tell(trouble::late, peer, seen);
    return true;
  }

  /// Tells the host; the first trouble of a rank stands.
  RONDO_HOST_DEVICE void tell(trouble what, int peer, std::uint64_t seen) const {
    if (claim(failed())) {
      report& to = in_.reports()[rank()];
      to.call = calls_;
      to.seen = seen;
      to.expected = epoch_;
      to.what = what;
      to.slot = slot_;
      to.rank = rank();
      to.peer = peer;
      protocol::publish(to.word, 1);
    }
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE const window_shape& shape() const { return in_.shape(); }
  [[nodiscard]] RONDO_HOST_DEVICE std::uint64_t& failed() const {
    return *reinterpret_cast<std::uint64_t*>(in_.at(rank()));
  }
  [[nodiscard]] RONDO_HOST_DEVICE std::byte* slot_of(int of) const {
    return in_.at(of) + window_shape::line + slot_ * shape().slot_bytes();
  }
  [[nodiscard]] RONDO_HOST_DEVICE slot_state& state() const {
    return *reinterpret_cast<slot_state*>(slot_of(rank()));
  }
  [[nodiscard]] RONDO_HOST_DEVICE protocol::pad& pad_in(int reader, int of) const {
    return *reinterpret_cast<protocol::pad*>(slot_of(reader) + shape().pads() +
                                             static_cast<std::size_t>(of) * sizeof(protocol::pad));
  }

  const Window& in_;
  std::uint64_t epoch_ = 0;
  std::uint64_t calls_ = 0;
  protocol::counters used_{};
  std::uint32_t flags_of_ = 0;
  std::uint32_t fingerprint_;
  unsigned slot_;
};

}  // namespace rondo::inline v0_1::device::detail
