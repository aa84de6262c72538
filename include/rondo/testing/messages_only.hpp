// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/testing/forwarding.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string>
#include <utility>

namespace rondo::inline v0_1::testing {

/// A communicator that hides the memory that its ranks share, so that every collective runs as a
/// schedule over messages: on thread ranks, what a cluster would run. Borrows `inner`.
///
///     rondo::testing::messages_only apart{comm};
///     rondo::all_reduce(apart, values, rondo::two_shot{});
template <class Comm>
class messages_only : public forwarding<Comm> {
 public:
  using forwarding<Comm>::forwarding;

  [[nodiscard]] int node_size() const { return 1; }

  template <class Body>
  void collective(const call& made, const Body& body) {
    this->inner().collective(made, over_messages<Body>{body});
  }
  template <class Body>
  [[nodiscard]] auto begin_collective(const call& made, Body body) requires begins_calls<Comm> {
    return this->inner().begin_collective(made, over_messages<Body>{std::move(body)});
  }

 private:
  template <class Turn>
  struct plain_turn {
    Turn& inner;
    [[nodiscard]] int rank() const { return inner.rank(); }
    [[nodiscard]] int size() const { return inner.size(); }
    [[nodiscard]] std::uint64_t word() const { return inner.word(); }
    template <class Out>
    void lend(const Out& out, unsigned stream = 0) {
      inner.lend(out, stream);
    }
    template <class In, class Arrived>
    void take(const In& in, const Arrived& arrived, unsigned stream = 0) {
      inner.take(in, arrived, stream);
    }
    void settle() { inner.settle(); }
    template <class Out, class In, class Arrived>
    void exchange(const Out& out, const In& in, const Arrived& arrived) {
      inner.exchange(out, in, arrived);
    }
    [[noreturn]] void fail(error_code code, int culprit, std::string message) {
      inner.fail(code, culprit, std::move(message));
    }
  };

  template <class Body>
  struct over_messages {
    Body body;
    template <class Turn>
    void operator()(Turn& turn) const {
      plain_turn<Turn> plain{turn};
      static_assert(lending<plain_turn<Turn>> && !shares_memory<plain_turn<Turn>>);
      body(plain);
    }
  };
};

template <class Comm>
messages_only(Comm&) -> messages_only<Comm>;

}  // namespace rondo::inline v0_1::testing
