// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/testing/forwarding.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace collective_test {

/// Ranks that offer the least a transport can, rounds of messages, and count the bytes that they
/// send.
template <class Comm>
class exchange_only : public rondo::testing::forwarding<Comm> {
 public:
  using rondo::testing::forwarding<Comm>::forwarding;
  std::size_t sent = 0;

  template <class Body>
  void collective(const rondo::call& made, const Body& body) {
    this->inner().collective(made, [&](auto& turn) {
      counting<std::remove_reference_t<decltype(turn)>> counts{turn, sent};
      body(counts);
    });
  }

 private:
  template <class Turn>
  struct counting {
    Turn& inner;
    std::size_t& sent;
    [[nodiscard]] int rank() const { return inner.rank(); }
    [[nodiscard]] int size() const { return inner.size(); }
    [[nodiscard]] std::uint64_t word() const { return inner.word(); }
    template <class Out, class In, class Arrived>
    void exchange(const Out& out, const In& in, const Arrived& arrived) {
      for (const auto& one : out) {
        sent += one.bytes;
      }
      inner.exchange(out, in, arrived);
    }
  };
};

template <class Comm>
exchange_only(Comm&) -> exchange_only<Comm>;

}  // namespace collective_test
