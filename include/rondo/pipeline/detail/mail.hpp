// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/offer.hpp>
#include <rondo/collective/send_receive.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/pipeline/detail/spare_buffers.hpp>
#include <rondo/pipeline/detail/wire.hpp>
#include <rondo/transport/detail/backoff.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::pipeline::detail {

/// Ranks whose values travel apart from their headers, on streams: `send_values(payload, peer)` and
/// `receive_values(payload, peer)` enqueue, in the order of the rank's row; `before_use(payload)`
/// and `after_use()` tell when stages get a buffer and when they give one up.
template <class Comm>
concept carries_values = requires {
  Comm::carries;
};

/// Values on their way out, until their receiver has them.
template <class Values>
struct departure {
  enum class state : unsigned char { waits, announced, offered };
  int peer = 0;
  header first{};
  Values payload{};
  state now = state::waits;
  offered under_way{};
};

/// What one rank sends and receives in a run. Sends never wait: what the channel has no room for
/// stays here, and goes when there is. Messages from one rank are taken in the order they were
/// sent, needed or not, so that room comes. Hence the channel is a mailbox, whatever its room and
/// however long the messages.
template <class Comm, class Values>
class mail {
 public:
  using departures = std::vector<departure<Values>>;

  mail(Comm& comm, departures& outgoing, spare_buffers<Values>& spare, const std::string& excuse,
       source_location where)
      : comm_{comm}, outgoing_{outgoing}, spare_{spare}, excuse_{excuse}, where_{where} {}

  /// `first.failed` tells whether values follow, or the text of the failure.
  void send(int peer, const header& first, Values payload) {
    outgoing_.push_back({peer, first, std::move(payload)});
    sweep();
    if constexpr (carries_values<Comm>) {
      post_all();  // or streams would see another order than the one that was proved
    }
  }

  /// The next message from this rank.
  [[nodiscard]] header receive_header(int peer) {
    // As long as others may wait for something that is still here, this rank must not fall asleep.
    wait_until(
        [&] { return all_posted() || has_arrived(comm_, from{peer}, tag{mail_tag}, where_); });
    return detail::receive_header(comm_, peer, mail_tag, where_);
  }
  /// The failure that follows a header. Its text may wait for room in the channel until its sender
  /// has gone on, which in turn may wait for what this rank still keeps.
  [[nodiscard]] failure_note receive_failure(int peer, const header& first) {
    sweep();
    return detail::receive_failure(comm_, peer, mail_tag, first, where_);
  }
  /// The values that follow a header; likewise.
  [[nodiscard]] Values receive_values(int peer, std::size_t count) {
    sweep();
    Values into = spare_.get(count);
    if (count > 0) {
      if constexpr (carries_values<Comm>) {
        comm_.receive_values(into, peer);
      } else {
        rondo::receive(comm_, into, from{peer}, tag{mail_tag}, where_);
      }
    }
    return into;
  }

  /// An empty buffer for a stage, which may have room.
  [[nodiscard]] Values empty() { return for_stage(spare_.empty()); }
  /// What was received, for the stage that works on it.
  [[nodiscard]] Values for_stage(Values values) {
    if constexpr (carries_values<Comm>) {
      comm_.before_use(values);
    }
    return values;
  }
  /// Takes back what goes nowhere.
  void drop(Values&& values) {
    if constexpr (carries_values<Comm>) {
      comm_.after_use();
    }
    spare_.put(std::move(values));
  }

  /// Returns when all messages are where their receivers can take them.
  void post_all() {
    wait_until([&] { return all_posted(); });
  }

  /// Sends what there is room for, and gives the buffers back that receivers have taken.
  void sweep() {
    auto kept = outgoing_.begin();
    for (auto& each : outgoing_) {
      if (advance(each)) {
        spare_.put(std::move(each.payload));
      } else {
        if (&*kept != &each) {
          *kept = std::move(each);
        }
        ++kept;
      }
    }
    outgoing_.erase(kept, outgoing_.end());
  }

 private:
  using state = typename departure<Values>::state;

  [[nodiscard]] bool all_posted() const {
    return std::all_of(outgoing_.begin(), outgoing_.end(),
                       [](const auto& each) { return each.now == state::offered; });
  }

  /// Whether all earlier messages to the same rank are posted.
  [[nodiscard]] bool is_next(const departure<Values>& one) const {
    return std::none_of(std::as_const(outgoing_).data(), &one, [&](const auto& each) {
      return each.peer == one.peer && each.now != state::offered;
    });
  }

  /// Takes a message as far as it goes; true when its receiver has it.
  [[nodiscard]] bool advance(departure<Values>& one) {
    switch (one.now) {
      case state::waits:
        if (!is_next(one) || !has_room(comm_, to{one.peer}, where_)) {
          return false;
        }
        static_cast<void>(
            offer(comm_, std::span{&one.first, 1}, to{one.peer}, tag{mail_tag}, where_));
        one.now = state::announced;  // the header was copied
        [[fallthrough]];
      case state::announced:
        if (!offer_rest(one)) {
          return false;
        }
        one.now = state::offered;
        [[fallthrough]];
      case state::offered:
        break;
    }
    return is_taken(comm_, one.under_way, where_);
  }

  /// Offers what follows a header; false while there is no room for it.
  [[nodiscard]] bool offer_rest(departure<Values>& one) {
    if (one.first.count == 0) {
      return true;
    }
    const bool failed = one.first.failed >= 0;
    if constexpr (carries_values<Comm>) {
      if (!failed) {
        comm_.send_values(one.payload, one.peer);
        return true;  // the stream orders what becomes of the buffer
      }
    }
    const to peer{one.peer};
    if (!has_room(comm_, peer, where_)) {
      return false;
    }
    one.under_way = failed ? offer(comm_, excuse_, peer, tag{mail_tag}, where_)
                           : offer(comm_, one.payload, peer, tag{mail_tag}, where_);
    return true;
  }

  /// At most until the communicator's deadline: the call that then waits can say for whom.
  template <class Done>
  void wait_until(const Done& done) {
    using rondo::detail::clock;
    const auto begin = clock::now();
    for (rondo::detail::backoff patience;
         !done() && clock::now() - begin < clock::duration{comm_.deadline()}; sweep()) {
      static_cast<void>(patience.pause());
    }
  }

  Comm& comm_;
  departures& outgoing_;
  spare_buffers<Values>& spare_;
  const std::string& excuse_;
  source_location where_;  ///< of the run
};

}  // namespace rondo::inline v0_1::pipeline::detail
