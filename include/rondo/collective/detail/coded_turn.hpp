// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/wires.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace rondo::inline v0_1::detail {

/// A turn whose messages are runs of floats that travel encoded: any schedule, encoded at every
/// hop.
template <class Comm, class Turn, class Codec>
class coded_turn {
 public:
  coded_turn(Comm& comm, Turn& turn, const Codec& with) : comm_{comm}, turn_{turn}, with_{with} {}

  [[nodiscard]] int rank() const { return turn_.rank(); }
  [[nodiscard]] int size() const { return turn_.size(); }
  [[nodiscard]] std::uint64_t word() const { return turn_.word(); }

  template <class Out, class In, class Arrived>
  void exchange(const Out& out, const In& in, const Arrived& arrived) {
    auto& mine = comm_.kept().template get<staging>();
    std::size_t needed = 0;
    std::size_t longest = 0;
    for (const auto& one : out) {
      needed += with_.wire_bytes(one.bytes / sizeof(float));
    }
    for (const auto& one : in) {
      longest = larger(longest, one.bytes);
    }
    auto* memory = mine.memory.get(needed + longest);
    auto* values = reinterpret_cast<float*>(memory + needed);
    mine.out.clear();
    mine.in.clear();
    for (const auto& one : out) {
      const std::size_t count = one.bytes / sizeof(float);
      const wire sent{memory, with_.wire_bytes(count)};
      with_.encode(
          std::span<const float>{reinterpret_cast<const float*>(one.data), count}, sent,
          {.step = word() >> 32, .rank = static_cast<std::uint32_t>(rank()), .hop = ++hop_});
      mine.out.push_back({one.peer, sent.data(), sent.size()});
      memory += sent.size();
    }
    for (const auto& one : in) {
      mine.in.push_back({one.peer, nullptr, with_.wire_bytes(one.bytes / sizeof(float))});
    }
    turn_.exchange(mine.out, mine.in, [&](std::size_t which, const std::byte* data) {
      auto* into = in[which].into == nullptr ? values : reinterpret_cast<float*>(in[which].into);
      with_.decode(read_wire{data, mine.in[which].bytes},
                   std::span<float>{into, in[which].bytes / sizeof(float)});
      arrived(which, reinterpret_cast<const std::byte*>(into));
    });
  }

 private:
  struct staging {
    arena memory;
    std::vector<outgoing> out;
    std::vector<incoming> in;
  };
  Comm& comm_;
  Turn& turn_;
  const Codec& with_;
  std::uint32_t hop_ = 0;  ///< messages encoded so far
};

}  // namespace rondo::inline v0_1::detail
