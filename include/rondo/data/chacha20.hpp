// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <array>
#include <cstdint>

namespace rondo::inline v0_1::data {

using chacha20_key = std::array<std::uint32_t, 8>;

/// Block `counter` of ChaCha20's key stream: 16 words that nobody without the key tells from random
/// ones. A block is to be used once: a new message takes a new nonce.
/// Source: RFC 8439, section 2.3.
[[nodiscard]] constexpr std::array<std::uint32_t, 16> chacha20_block(
    const chacha20_key& key, std::uint32_t counter, const std::array<std::uint32_t, 3>& nonce) {
  const std::array<std::uint32_t, 16> begin{
      0x61707865, 0x3320646e, 0x79622d32, 0x6b206574,  // "expand 32-byte k"
      key[0],     key[1],     key[2],     key[3],     key[4],   key[5],
      key[6],     key[7],     counter,    nonce[0],   nonce[1], nonce[2]};
  auto x = begin;
  const auto add_and_turn = [&x](int to, int from, int into, int bits) {
    const auto at = [&x](int i) -> std::uint32_t& { return x[static_cast<unsigned>(i)]; };
    at(to) += at(from);
    at(into) ^= at(to);
    at(into) = (at(into) << bits) | (at(into) >> (32 - bits));
  };
  const auto quarter = [&](int a, int b, int c, int d) {
    add_and_turn(a, b, d, 16);
    add_and_turn(c, d, b, 12);
    add_and_turn(a, b, d, 8);
    add_and_turn(c, d, b, 7);
  };
  for (int round = 0; round < 20; round += 2) {
    for (int i = 0; i < 4; ++i) {  // columns
      quarter(i, 4 + i, 8 + i, 12 + i);
    }
    for (int i = 0; i < 4; ++i) {  // diagonals
      quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4);
    }
  }
  for (unsigned i = 0; i < 16; ++i) {
    x[i] += begin[i];
  }
  return x;
}

}  // namespace rondo::inline v0_1::data
