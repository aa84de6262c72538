// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
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
class messages_only {
 public:
  explicit messages_only(Comm& inner) : inner_{inner} {}

  [[nodiscard]] int rank() const { return inner_.rank(); }
  [[nodiscard]] int size() const { return inner_.size(); }
  [[nodiscard]] int node_size() const { return 1; }
  [[nodiscard]] auto deadline() const { return inner_.deadline(); }

  template <class Body>
  void collective(const call& made, const Body& body) {
    inner_.collective(made, over_messages<Body>{body});
  }
  template <class Body>
  [[nodiscard]] auto begin_collective(const call& made, Body body) {
    return inner_.begin_collective(made, over_messages<Body>{std::move(body)});
  }
  template <class Body>
  void message(const call& made, const Body& body) {
    inner_.message(made, body);
  }
  template <class Body>
  [[nodiscard]] auto begin_message(const call& made, Body body) {
    return inner_.begin_message(made, std::move(body));
  }

  [[nodiscard]] auto& scratch() { return inner_.scratch(); }
  [[nodiscard]] auto& widened() { return inner_.widened(); }
  [[nodiscard]] auto& kept() { return inner_.kept(); }

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
      static_assert(detail::lending<plain_turn<Turn>> && !detail::shares_memory<plain_turn<Turn>>);
      body(plain);
    }
  };

  Comm& inner_;
};

}  // namespace rondo::inline v0_1::testing
