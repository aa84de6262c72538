// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/testing/forwarding.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

/// A network that is as slow as you say, over thread ranks: to see on one machine what an algorithm
/// or a codec saves on a link.
namespace rondo::inline v0_1::testing {

/// One full-duplex port per rank; what all ranks share. Messages leave and arrive one after another
/// at `bytes_per_second`, in the background, and are `latency` under way.
class link {
 public:
  using clock = std::chrono::steady_clock;

  link(int ranks, double bytes_per_second, std::chrono::nanoseconds latency = {})
      : ranks_{static_cast<std::size_t>(ranks)},
        bytes_per_second_{bytes_per_second},
        latency_{latency},
        left_{new std::atomic<clock::rep>[ranks_ * ranks_ * 2 * depth]()} {}

  [[nodiscard]] clock::duration time_for(std::size_t bytes) const {
    return std::chrono::duration_cast<clock::duration>(
        std::chrono::duration<double>(static_cast<double>(bytes) / bytes_per_second_));
  }
  [[nodiscard]] clock::duration latency() const { return latency_; }

  /// When message `number` of a stream from one rank to another has left its port.
  [[nodiscard]] std::atomic<clock::rep>& left(int from, int to, unsigned stream,
                                              std::uint64_t number) const {
    const auto pair = static_cast<std::size_t>(from) * ranks_ + static_cast<std::size_t>(to);
    return left_[(pair * 2 + stream) * depth + number % depth];
  }

 private:
  static constexpr std::size_t depth = 64;  ///< more than a transport keeps under way
  std::size_t ranks_;
  double bytes_per_second_;
  clock::duration latency_;
  std::unique_ptr<std::atomic<clock::rep>[]> left_;
};

/// A communicator whose calls go by messages over a `link`. Borrows both.
///
///     rondo::testing::link slow{4, 1e9};                 // outside run(), one for all ranks
///     rondo::testing::throttled apart{comm, slow};       // on each rank
///     rondo::all_reduce(apart, values);
template <class Comm>
class throttled : public forwarding<Comm> {
 public:
  throttled(Comm& comm, const link& over)
      : forwarding<Comm>{comm},
        over_{over},
        sent_(2 * static_cast<std::size_t>(comm.size())),
        taken_(2 * static_cast<std::size_t>(comm.size())) {}

  [[nodiscard]] int node_size() const noexcept { return 1; }

  template <class Body>
  void collective(const call& made, const Body& body) {
    this->inner().collective(made, over_link<Body>{*this, body});
  }
  template <class Body>
  [[nodiscard]] auto begin_collective(const call& made, Body body) requires begins_calls<Comm> {
    return this->inner().begin_collective(made, over_link<Body>{*this, std::move(body)});
  }
  template <class Body>
  void message(const call& made, const Body& body) {
    this->inner().message(made, over_link<Body>{*this, body});
  }
  template <class Body>
  [[nodiscard]] auto begin_message(const call& made, Body body) requires begins_messages<Comm> {
    return this->inner().begin_message(made, over_link<Body>{*this, std::move(body)});
  }

 private:
  using clock = link::clock;

  template <class Inner>
  class turn {
   public:
    turn(throttled& through, Inner& inner) : through_{through}, inner_{inner} {}

    [[nodiscard]] int rank() const noexcept { return inner_.rank(); }
    [[nodiscard]] int size() const noexcept { return inner_.size(); }
    [[nodiscard]] std::uint64_t word() const noexcept { return inner_.word(); }

    template <class Out>
    void lend(const Out& out, unsigned stream = 0) {
      for (const auto& one : out) {
        auto& free = through_.port_out_;
        free = (std::max)(clock::now(), free) + through_.over_.time_for(one.bytes);
        auto& number = through_.sent_[slot_of(one.peer, stream)];
        through_.over_.left(rank(), one.peer, stream, number++)
            .store(free.time_since_epoch().count(), std::memory_order_relaxed);
      }
      inner_.lend(out, stream);
    }

    template <class In, class Arrived>
    void take(const In& in, const Arrived& arrived, unsigned stream = 0) {
      inner_.take(
          in,
          [&](std::size_t which, const std::byte* data) {
            const auto& one = *(std::begin(in) + static_cast<std::ptrdiff_t>(which));
            auto& number = through_.taken_[slot_of(one.peer, stream)];
            const clock::time_point left{
                clock::duration{through_.over_.left(one.peer, rank(), stream, number++)
                                    .load(std::memory_order_relaxed)}};
            auto& free = through_.port_in_;
            free = (std::max)(left, free + through_.over_.time_for(one.bytes));
            wait_until(free + through_.over_.latency());
            arrived(which, data);
          },
          stream);
    }

    void settle() { inner_.settle(); }

    template <class Out, class In, class Arrived>
    void exchange(const Out& out, const In& in, const Arrived& arrived) {
      lend(out);
      take(in, arrived);
      settle();
    }

    /// Messages of the user's leave when their port is free, and arrive one latency after that.
    void send(int peer, std::uint64_t tag, std::uint64_t kind, const std::byte* data,
              std::size_t bytes) {
      auto& free = through_.port_out_;
      free = (std::max)(clock::now(), free) + through_.over_.time_for(bytes);
      wait_until(free + through_.over_.latency());
      inner_.send(peer, tag, kind, data, bytes);
    }
    void receive(int peer, std::uint64_t tag, std::uint64_t kind, std::byte* data,
                 std::size_t bytes) {
      inner_.receive(peer, tag, kind, data, bytes);
      auto& free = through_.port_in_;
      free = (std::max)(clock::now(), free + through_.over_.time_for(bytes));
      wait_until(free);
    }

    [[noreturn]] void fail(error_code code, int culprit, std::string message) {
      inner_.fail(code, culprit, std::move(message));
    }

   private:
    /// Threads that sleep wake late, by 0.1 ms on a virtual machine, which would be taken for the
    /// link: the last of a wait is spent awake.
    static void wait_until(clock::time_point when) {
      std::this_thread::sleep_until(when - std::chrono::microseconds{200});
      while (clock::now() < when) {
        std::this_thread::yield();
      }
    }

    [[nodiscard]] std::size_t slot_of(int peer, unsigned stream) const {
      return static_cast<std::size_t>(peer) * 2 + stream;
    }

    throttled& through_;
    Inner& inner_;
  };

  template <class Body>
  struct over_link {
    throttled& through;
    Body body;
    template <class Inner>
    void operator()(Inner& inner) const {
      turn<Inner> mine{through, inner};
      static_assert(lending<turn<Inner>> && messaging<turn<Inner>>);
      body(mine);
    }
  };

  const link& over_;
  std::vector<std::uint64_t> sent_;
  std::vector<std::uint64_t> taken_;
  clock::time_point port_out_{};
  clock::time_point port_in_{};
};

}  // namespace rondo::inline v0_1::testing
