// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/detail/landing.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/transport/mpi/detail/group.hpp>
#include <rondo/transport/mpi/detail/native.hpp>
#include <rondo/transport/mpi/detail/offers.hpp>
#include <rondo/transport/mpi/detail/running_call.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::mpi::detail {

/// One call of one rank, while it runs: messages for the schedules.
class turn : public running_call {
 public:
  turn(group& in, const call& made, std::uint64_t word)
      : running_call{in, made, word}, requests_{in} {}

  [[nodiscard]] std::uint64_t word() const noexcept { return word_; }

  /// Lends all of `out` (each with `peer`, `data`, `bytes`) to its peers, until `settle`. Messages
  /// between two ranks are taken in the order they were lent, separately for streams 0 and 1.
  template <class Out>
  void lend(const Out& out, unsigned stream = 0) {
    for (const auto& one : out) {
      begin_send(one.peer, in_.tag_of(word_ ^ stream), one.data, one.bytes, in_.around());
      in_.lent.push_back({one.peer, one.bytes});
    }
  }

  /// Takes all of `in` (`peer`, `into` or null, `bytes`) in the order given; `arrived(k, bytes)`
  /// sees message k where it was received.
  template <class In, class Arrived>
  void take(const In& in, const Arrived& arrived, unsigned stream = 0) {
    begin_receives(in, stream);
    finish_receives(in, arrived);
  }

  /// Waits until peers have what was lent.
  void settle() {
    std::size_t piece = 0;
    for (const auto& one : in_.lent) {
      await_sends(one.peer, waits::for_call, piece, one.bytes);
    }
    in_.sends.clear();
    in_.lent.clear();
  }

  /// One round of messages. Receives are begun before sends, so that no message has to wait in
  /// MPI's own memory.
  template <class Out, class In, class Arrived>
  void exchange(const Out& out, const In& in, const Arrived& arrived) {
    begin_receives(in);
    lend(out);
    finish_receives(in, arrived);
    settle();
  }

  /// Sends one tagged message; returns when the bytes are the caller's again.
  void send(int peer, std::uint64_t tag, std::uint64_t kind, const std::byte* data,
            std::size_t bytes) {
    const header first = head_of(peer, tag, kind, bytes);
    if (peer == rank() && keep_own(first, data)) {
      return;
    }
    const in_flight tidy{in_};
    begin_message(peer, first, in_.outbox.get(sizeof first + eager_bytes), data);
    std::size_t piece = 0;
    await_sends(peer, waits::for_bytes, piece, packet_bytes(bytes));
    if (!is_eager(bytes)) {
      await_sends(peer, waits::for_call, piece, bytes);
    }
  }

  /// Sends one tagged message and does not wait for its receiver. 0 if the bytes are the caller's
  /// again already; else the number to ask `is_taken` for.
  std::uint64_t offer(int peer, std::uint64_t tag, std::uint64_t kind, const std::byte* data,
                      std::size_t bytes) {
    const header first = head_of(peer, tag, kind, bytes);
    if (peer == rank() && keep_own(first, data)) {
      return 0;
    }
    in_transit& made = in_.offers.next();
    made.packet.resize(packet_bytes(bytes));
    std::swap(in_.sends, made.requests);
    begin_message(peer, first, made.packet.data(), data);
    std::swap(in_.sends, made.requests);
    return is_eager(bytes) ? 0 : made.number;
  }

  [[nodiscard]] bool is_taken(int, std::uint64_t number) { return in_.offers.is_sent(number); }

  void receive(int peer, std::uint64_t tag, std::uint64_t kind, std::byte* data,
               std::size_t bytes) {
    auto found = std::find_if(in_.taken.begin(), in_.taken.end(), [&](const unclaimed& one) {
      return one.peer == peer && one.tag == tag;
    });
    if (found == in_.taken.end()) {
      do {
        in_.taken.push_back(next_from(peer));
      } while (in_.taken.back().tag != tag);
      found = in_.taken.end() - 1;
    }
    const unclaimed message = std::move(*found);
    in_.taken.erase(found);
    if (message.bytes != bytes || message.kind != kind) {
      fail(error_code::mismatch, peer,
           rondo::detail::text_of_message(rank(), call_, peer, bytes, message.bytes));
    }
    if (!is_eager(bytes)) {
      const in_flight tidy{in_};
      begin_receive(peer, body_tag(message.number), data, bytes, in_.users());
      std::size_t piece = 0;
      await_receives(peer, waits::for_bytes, piece, bytes);
    } else if (bytes != 0) {
      std::memcpy(data, message.eager.data(), bytes);
    }
  }

  /// Returns when every rank is here: ceil(log2 n) rounds of empty messages.
  void meet() {
    struct to_or_from {
      int peer;
      const std::byte* data = nullptr;
      std::byte* into = nullptr;
      std::size_t bytes = 0;
    };
    for (int distance = 1; distance < size(); distance *= 2) {
      const to_or_from out[] = {{(rank() + distance) % size()}};
      const to_or_from in[] = {{(rank() - distance + size()) % size()}};
      exchange(out, in, [](std::size_t, const std::byte*) {});
    }
  }

  /// The same collective as MPI makes it.
  template <class What, class Job>
  void native(What what, const Job& job) {
    run_native(in_.around(), what, job);
  }

 private:
  static constexpr std::size_t alignment = 64;  ///< of messages that land side by side
  static constexpr std::size_t eager_bytes = 4000;
  static constexpr int header_tag = 0;
  // bench/results/mpi.md
  static constexpr int looks_in_a_row = 4;  ///< at a request
  static constexpr std::chrono::microseconds in_vain{100};

  /// What goes before a message of the user. Longer ones follow in a message of their own.
  struct header {
    std::uint64_t communicator;
    std::uint64_t tag;
    std::uint64_t kind;
    std::uint64_t bytes;
    std::uint64_t number;
  };

  /// Short messages go with their header, in one packet.
  [[nodiscard]] static bool is_eager(std::size_t bytes) { return bytes <= eager_bytes; }
  [[nodiscard]] static std::size_t packet_bytes(std::size_t bytes) {
    return sizeof(header) + (is_eager(bytes) ? bytes : 0);
  }
  [[nodiscard]] header head_of(int peer, std::uint64_t tag, std::uint64_t kind, std::size_t bytes) {
    auto& number = in_.sent[static_cast<std::size_t>(peer)];  // of the long ones
    number += is_eager(bytes) ? 0u : 1u;
    return {in_.name, tag, kind, bytes, number};
  }
  void begin_message(int peer, const header& first, std::byte* packet, const std::byte* data) {
    std::memcpy(packet, &first, sizeof first);
    if (is_eager(first.bytes) && first.bytes != 0) {
      std::memcpy(packet + sizeof first, data, first.bytes);
    }
    begin_send(peer, header_tag, packet, packet_bytes(first.bytes), in_.users());
    if (!is_eager(first.bytes)) {
      begin_send(peer, body_tag(first.number), data, first.bytes, in_.users());
    }
  }

  /// A short message to this rank itself, for which MPI may want the receive first (Open MPI above
  /// 1 KiB), is one that was taken off the wire; false of a long one. They keep their order.
  [[nodiscard]] bool keep_own(const header& first, const std::byte* data) {
    if (!is_eager(first.bytes)) {
      ++in_.own_announced;
      return false;
    }
    while (in_.own_announced != 0) {
      in_.taken.push_back(next_from(rank()));
    }
    unclaimed kept{rank(), first.tag, first.kind, first.bytes, first.number, {}};
    if (first.bytes != 0) {
      kept.eager.assign(data, data + first.bytes);
    }
    in_.taken.push_back(std::move(kept));
    return true;
  }

  /// After a failure receives are cancelled, and sends, which MPI cannot call back, are left to it.
  struct in_flight {
    group& in;
    explicit in_flight(group& of) : in{of} {
      in.receives.clear();
      in.sends.clear();
      in.lent.clear();
    }
    in_flight(const in_flight&) = delete;
    in_flight& operator=(const in_flight&) = delete;
    ~in_flight() {
      in.let_go();
      for (auto& one : in.sends) {
        if (one != MPI_REQUEST_NULL) {
          MPI_Request_free(&one);
        }
      }
    }
  };

  [[nodiscard]] int body_tag(std::uint64_t number) const noexcept {
    return 2 + static_cast<int>(number % static_cast<std::uint64_t>(in_.tag_limit - 2));
  }

  template <class Each>
  static void each_piece(std::size_t bytes, const Each& each) {
    std::size_t done = 0;
    do {
      const std::size_t some = (std::min)(bytes - done, most_counted);
      each(done, static_cast<int>(some));
      done += some;
    } while (done < bytes);
  }

  void begin_receive(int peer, int tag, std::byte* into, std::size_t bytes, MPI_Comm over) {
    show_receiving();
    each_piece(bytes, [&](std::size_t at, int count) {
      auto& request = in_.receives.emplace_back(MPI_REQUEST_NULL);
      check(MPI_Irecv(into + at, count, MPI_BYTE, peer, tag, over, &request), "MPI_Irecv");
    });
  }
  void begin_send(int peer, int tag, const std::byte* from, std::size_t bytes, MPI_Comm over) {
    seen_ = true;
    each_piece(bytes, [&](std::size_t at, int count) {
      auto& request = in_.sends.emplace_back(MPI_REQUEST_NULL);
      check(MPI_Isend(from + at, count, MPI_BYTE, peer, tag, over, &request), "MPI_Isend");
    });
  }

  template <class In>
  void begin_receives(const In& in, unsigned stream = 0) {
    std::byte* const inbox = in_.inbox.get(rondo::detail::landing_bytes(in, alignment));
    rondo::detail::each_landing(
        in, inbox, alignment, [&](std::size_t, const auto& one, std::byte* into) {
          begin_receive(one.peer, in_.tag_of(word_ ^ stream), into, one.bytes, in_.around());
        });
  }

  template <class In, class Arrived>
  void finish_receives(const In& in, const Arrived& arrived) {
    std::size_t piece = 0;
    rondo::detail::each_landing(in, in_.inbox.get(0), alignment,
                                [&](std::size_t index, const auto& one, std::byte* into) {
                                  await_receives(one.peer, waits::for_call, piece, one.bytes);
                                  arrived(index, static_cast<const std::byte*>(into));
                                });
    in_.receives.clear();
  }

  void await_receives(int peer, waits what, std::size_t& piece, std::size_t bytes) {
    each_piece(bytes, [&](std::size_t, int expected) {
      MPI_Status status{};
      const int result = await_request(peer, what, in_.receives[piece++], status);
      int got = 0;
      MPI_Get_count(&status, MPI_BYTE, &got);
      if (result != MPI_SUCCESS || got != expected) {
        wrong_size(peer, expected, got, result);
      }
    });
  }
  void await_sends(int peer, waits what, std::size_t& piece, std::size_t bytes) {
    each_piece(bytes, [&](std::size_t, int) {
      MPI_Status status{};
      check(await_request(peer, what, in_.sends[piece++], status), "MPI_Isend");
    });
  }
  int await_request(int peer, waits what, MPI_Request& request, MPI_Status& status) {
    int result = MPI_SUCCESS;
    const auto done = [&] {
      int flag = 0;
      for (int look = 0; look < looks_in_a_row && flag == 0 && result == MPI_SUCCESS; ++look) {
        result = MPI_Test(&request, &flag, &status);
      }
      return flag != 0 || result != MPI_SUCCESS;
    };
    await(peer, what, (in_.looks + looks_in_a_row - 1) / looks_in_a_row, done, in_vain,
          [](std::chrono::microseconds time) { rondo::detail::sleep_for(time); });
    return result;
  }

  [[noreturn]] void wrong_size(int peer, int expected, int got, int result) {
    int kind = MPI_SUCCESS;
    MPI_Error_class(result, &kind);
    if (kind != MPI_ERR_TRUNCATE) {
      check(result, "MPI_Irecv");
    }
    const std::string size = kind == MPI_ERR_TRUNCATE ? "more" : std::to_string(got) + " bytes";
    fail(error_code::mismatch, peer,
         rondo::detail::text_of_message(rank(), call_, peer, static_cast<std::size_t>(expected),
                                        size) +
             "; every rank must make the same calls in the same order");
  }

  /// The next message of the user from this rank, whatever its tag. One that nobody took of a
  /// communicator that is gone may come first.
  [[nodiscard]] unclaimed next_from(int peer) {
    std::byte* packet = in_.inbox.get(sizeof(header) + eager_bytes);
    header first{};
    do {
      const in_flight tidy{in_};
      begin_receive(peer, header_tag, packet, sizeof(header) + eager_bytes, in_.users());
      MPI_Status status{};
      check(await_request(peer, waits::for_call, in_.receives[0], status), "MPI_Irecv");
      std::memcpy(&first, packet, sizeof first);
      if (first.communicator != in_.name && !is_eager(first.bytes)) {
        std::vector<std::byte> rest(first.bytes);
        const in_flight tidy_rest{in_};
        begin_receive(peer, body_tag(first.number), rest.data(), rest.size(), in_.users());
        std::size_t piece = 0;
        await_receives(peer, waits::for_bytes, piece, rest.size());
      }
    } while (first.communicator != in_.name);
    if (peer == rank()) {
      --in_.own_announced;
    }
    const std::size_t eager = is_eager(first.bytes) ? first.bytes : 0;
    return {peer,        first.tag,    first.kind,
            first.bytes, first.number, {packet + sizeof first, packet + sizeof first + eager}};
  }

  in_flight requests_;
};

static_assert(lending<turn> && messaging<turn> && abandonable<turn> && !shares_memory<turn>);

}  // namespace rondo::inline v0_1::mpi::detail
