// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/threads/detail/channel.hpp>
#include <rondo/transport/threads/detail/group.hpp>
#include <rondo/transport/threads/detail/running_call.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::threads::detail {

/// One call of one rank, while it runs: peer memory for the load/store protocols and messages for
/// the schedules.
class turn : public running_call {
 public:
  static constexpr bool shares_memory = true;

  using running_call::running_call;

  // --- peer memory ---------------------------------------------------------------------------

  [[nodiscard]] protocol::pad& pad(int rank) const noexcept { return in_.of(rank).pad; }
  [[nodiscard]] std::byte* stage(int rank, unsigned bank) const noexcept {
    return in_.of(rank).bank(bank);
  }
  [[nodiscard]] static constexpr std::size_t stage_bytes() noexcept {
    return group::stage_capacity;
  }
  [[nodiscard]] std::uint64_t word() const noexcept { return signal_; }
  void advance() noexcept { signal_ = protocol::next_step(signal_); }
  [[nodiscard]] std::size_t streams_from() const noexcept { return in_.around->streams_from; }
  [[nodiscard]] protocol::counters& used() const noexcept { return mine_.used; }

  bool wait(int peer, const std::uint64_t& word) {
    seen_ = true;
    wait_for_signal(peer, word, signal_);
    return true;
  }

  /// Runs `body`, which uses memory of peers' callers. A rank that gives up first waits for all who
  /// touch, so nobody's buffers go away under a reader.
  template <class Body>
  void touch(const Body& body) {
    seen_ = true;
    auto& touching = in_.of(rank_).touching;
    touching.store(true, std::memory_order_seq_cst);
    struct guard {
      std::atomic<bool>& flag;
      ~guard() { flag.store(false, std::memory_order_release); }
    } const release{touching};
    if (in_.failed.load(std::memory_order_seq_cst) != nullptr) {
      touching.store(false, std::memory_order_release);
      give_up();
    }
    body();
  }

  // --- messages ------------------------------------------------------------------------------

  /// Lends all of `out` (each with `peer`, `data`, `bytes`) to its peers, until `settle`. Messages
  /// between two ranks are taken in the order they were lent, separately for streams 0 and 1.
  template <class Out>
  void lend(const Out& out, unsigned stream = 0) {
    if (out.size() > channel::depth) {
      lend_many(out, stream);
      return;
    }
    for (const auto& one : out) {
      lend_one(one.peer, {.key = word_ ^ stream, .data = one.data, .bytes = one.bytes});
    }
  }

  /// Takes all of `in` (`peer`, `into` or null, `bytes`) in the order given. `arrived(k, bytes)`
  /// sees message k where it lies: in the sender's memory.
  template <class In, class Arrived>
  void take(const In& in, const Arrived& arrived, unsigned stream = 0) {
    std::size_t index = 0;
    for (const auto& one : in) {
      consume(one.peer, traffic::collective, {.key = word_ ^ stream, .bytes = one.bytes},
              [&](const std::byte* data) {
                if (one.into != nullptr) {
                  protocol::copy_elements(one.into, data, one.bytes);
                }
                arrived(index, data);
              });
      ++index;
    }
  }

  /// One round of messages: lends, takes, and returns when peers have taken what was lent.
  template <class Out, class In, class Arrived>
  void exchange(const Out& out, const In& in, const Arrived& arrived) {
    lend(out);
    take(in, arrived);
    settle();
  }

  /// Sends one tagged message; returns when the bytes are the caller's again.
  void send(int peer, std::uint64_t tag, std::uint64_t kind, const std::byte* data,
            std::size_t bytes) {
    if (offer(peer, tag, kind, data, bytes) != 0) {
      owe(peer, traffic::user);
    }
    settle();
  }

  /// Sends one tagged message and does not wait for its receiver. 0 if the bytes are the caller's
  /// again already; else the number to ask `is_taken` for. Waits only while there is no room.
  std::uint64_t offer(int peer, std::uint64_t tag, std::uint64_t kind, const std::byte* data,
                      std::size_t bytes) {
    const bool lent = bytes > channel::eager_bytes;
    const auto number =
        post(peer, traffic::user,
             {.key = tag, .kind = kind, .data = data, .bytes = bytes, .borrowed = lent});
    return lent ? number : 0;
  }

  /// Whether peers have taken an offer, so that its bytes are the caller's again.
  [[nodiscard]] bool is_taken(int peer, std::uint64_t number) const {
    const auto& slot =
        in_.between(rank_, peer, traffic::user).envelopes[(number - 1) % channel::depth];
    return number + channel::depth <= mine_.sent[slot_of(peer, traffic::user)] ||
           protocol::observe(slot.taken) == number;
  }

  /// Whether an offer to this peer would not wait.
  [[nodiscard]] bool has_room(int peer) const {
    const auto number = mine_.sent[slot_of(peer, traffic::user)];
    const auto& slot = in_.between(rank_, peer, traffic::user).envelopes[number % channel::depth];
    return number < channel::depth || protocol::observe(slot.taken) == number - channel::depth + 1;
  }

  /// Whether a message with this tag can be received at once.
  [[nodiscard]] bool has_arrived(int peer, std::uint64_t tag) const {
    for (const auto& one : mine_.aside_of(peer)) {
      if (one.what.key == tag) {
        return true;
      }
    }
    const auto& from = in_.between(peer, rank_, traffic::user);
    const auto posted = protocol::observe(from.posted);
    for (auto next = mine_.low[slot_of(peer, traffic::user)]; next < posted; ++next) {
      const auto& slot = from.envelopes[next % channel::depth];
      if (slot.taken != next + 1 && slot.key == tag) {
        return true;
      }
    }
    return false;
  }

  void receive(int peer, std::uint64_t tag, std::uint64_t kind, std::byte* data,
               std::size_t bytes) {
    const message wanted{.key = tag, .kind = kind, .bytes = bytes};
    const auto use = [&](const std::byte* source) { protocol::copy_elements(data, source, bytes); };
    if (mine_.aside.empty() || !take_from_aside(peer, wanted, use)) {
      consume(peer, traffic::user, wanted, use);
    }
  }

  /// Waits until peers have taken all that was lent.
  void settle() {
    for (const auto& one : mine_.unsettled) {
      const bool slot_used_again =
          one.number + channel::depth <= mine_.sent[slot_of(one.peer, one.which)];
      if (!slot_used_again) {
        wait_for(one.peer, one.slot->taken, one.number);
      }
    }
    mine_.take_back();
  }

 private:
  void lend_one(int peer, const message& posted) {
    post(peer, traffic::collective, posted);
    owe(peer, traffic::collective);
  }

  /// The same where a channel may be too short, although all must be under way before the first is
  /// waited for: to whom more go than it holds, they go as a list.
  template <class Out>
  [[gnu::noinline]] void lend_many(const Out& out, unsigned stream) {
    auto& due = mine_.due;
    due.assign(static_cast<std::size_t>(size()), 0);
    for (const auto& one : out) {
      ++due[static_cast<std::size_t>(one.peer)];
    }
    for (const auto& one : out) {
      auto& number = due[static_cast<std::size_t>(one.peer)];
      if (number > channel::depth) {
        auto& list = mine_.next_list();
        for (const auto& other : out) {
          if (other.peer == one.peer) {
            list.push_back({other.data, other.bytes});
          }
        }
        lend_one(one.peer, {.key = word_ ^ stream,
                            .kind = list_kind,
                            .data = reinterpret_cast<const std::byte*>(list.data()),
                            .bytes = list.size()});
        number = 0;
      } else if (number != 0) {
        lend_one(one.peer, {.key = word_ ^ stream, .data = one.data, .bytes = one.bytes});
      }
    }
  }

  /// Counts the message posted last as one that `settle` waits for.
  void owe(int peer, traffic which) {
    const auto number = mine_.sent[slot_of(peer, which)];
    const auto& slot = in_.between(rank_, peer, which).envelopes[(number - 1) % channel::depth];
    mine_.unsettled.push_back({&slot, number, peer, which});
  }

  /// Returns 1 + the number of the message: how many there have been so far.
  std::uint64_t post(int peer, traffic which, const message& posted) {
    seen_ = true;
    auto& to = in_.between(rank_, peer, which);
    auto& number = mine_.sent[slot_of(peer, which)];
    const auto place = number % channel::depth;
    auto& slot = to.envelopes[place];
    if (number >= channel::depth) {
      wait_for(peer, slot.taken, number - channel::depth + 1);
    }
    static_cast<message&>(slot) = posted;
    if (!posted.borrowed) {
      protocol::copy_elements(to.eager[place], posted.data, posted.bytes);
      slot.data = to.eager[place];
    }
    protocol::publish(to.posted, ++number);
    return number;
  }

  /// The number of the first message with this key that has not been taken.
  [[nodiscard]] std::uint64_t find(const channel& from, int peer, std::uint64_t low,
                                   std::uint64_t key) {
    for (std::uint64_t next = low;;) {
      const auto posted = protocol::observe(from.posted);
      for (; next < posted; ++next) {
        const auto& slot = from.envelopes[next % channel::depth];
        if (slot.taken != next + 1 && slot.key == key) {
          return next;
        }
      }
      wait_for_change(peer, from.posted, posted);
    }
  }

  /// Takes the first message with the key, kind and bytes of `wanted`: `use(where its bytes lie)`.
  template <class Use>
  void consume(int peer, traffic which, const message& wanted, const Use& use) {
    auto& from = in_.between(peer, rank_, which);
    auto& low = mine_.low[slot_of(peer, which)];
    const auto number = find(from, peer, low, wanted.key);
    auto& slot = from.envelopes[number % channel::depth];
    if (slot.kind != wanted.kind && which == traffic::collective) {
      if (!take_from_list(peer, slot, wanted, use)) {
        return;  // there is more in it
      }
    } else if (slot.bytes != wanted.bytes || slot.kind != wanted.kind) {
      fail_message(peer, which, wanted, slot.bytes);
    } else if (slot.borrowed) {
      touch([&] { use(slot.data); });
    } else {
      use(slot.data);
    }
    protocol::publish(slot.taken, number + 1);
    if (low < number && which == traffic::user) {
      set_aside(peer, from, low, number);
    }
    const auto posted = protocol::observe(from.posted);
    while (low < posted && from.envelopes[low % channel::depth].taken == low + 1) {
      ++low;
    }
  }

  /// Takes short messages that were sent before number `end` out of the channel, whose places come
  /// round: one that stays would keep later ones out, however few wait.
  [[gnu::noinline]] void set_aside(int peer, channel& from, std::uint64_t low, std::uint64_t end) {
    auto& kept = mine_.aside_of(peer);
    for (auto next = low; next < end; ++next) {
      auto& slot = from.envelopes[next % channel::depth];
      if (slot.taken == next + 1) {
        continue;
      }
      if (slot.borrowed || kept.size() + 1 >= channel::depth) {
        return;  // in the order in which they were sent, or not at all
      }
      auto& one = kept.emplace_back();
      one.what = slot;
      protocol::copy_elements(one.bytes, slot.data, slot.bytes);
      protocol::publish(slot.taken, next + 1);
    }
  }

  /// Takes the first message with the key of `wanted` of those that were set aside, if there is
  /// one.
  template <class Use>
  [[nodiscard, gnu::noinline]] bool take_from_aside(int peer, const message& wanted,
                                                    const Use& use) {
    auto& kept = mine_.aside_of(peer);
    for (auto one = kept.begin(); one != kept.end(); ++one) {
      if (one->what.key == wanted.key) {
        if (one->what.bytes != wanted.bytes || one->what.kind != wanted.kind) {
          fail_message(peer, traffic::user, wanted, one->what.bytes);
        }
        use(one->bytes);
        kept.erase(one);
        return true;
      }
    }
    return false;
  }

  /// The same of a list; true when that was its last.
  template <class Use>
  [[gnu::noinline]] bool take_from_list(int peer, envelope& slot, const message& wanted,
                                        const Use& use) {
    std::size_t bytes = 0;
    touch([&] {
      const auto& one = reinterpret_cast<const listed*>(slot.data)[slot.taken_of_list];
      bytes = one.bytes;
      if (bytes == wanted.bytes) {
        use(one.data);
      }
    });
    if (bytes != wanted.bytes) {
      fail_message(peer, traffic::collective, wanted, bytes);
    }
    slot.taken_of_list = slot.taken_of_list + 1 == slot.bytes ? 0 : slot.taken_of_list + 1;
    return slot.taken_of_list == 0;
  }

  [[noreturn, gnu::cold, gnu::noinline]] void fail_message(int peer, traffic which,
                                                           const message& wanted, std::size_t got) {
    call theirs;
    const bool known = which == traffic::user && in_.of(peer).message.read(theirs) != 0;
    fail(error_code::mismatch, peer,
         rondo::detail::text_of_message(rank_, call_, peer, wanted.bytes, got) +
             (known ? ", sent by " + theirs.describe() : std::string{}));
  }

  std::uint64_t signal_ = word_;  ///< the word of the step that this call is in
};

static_assert(lending<turn> && messaging<turn> && abandonable<turn> && shares_memory<turn> &&
              protocol::reaches_buffers<turn> && protocol::shares_processors<turn>);

}  // namespace rondo::inline v0_1::threads::detail
