// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/bit_cast.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/data/chacha20.hpp>
#include <rondo/data/detail/contribution.hpp>
#include <rondo/data/fixed_point.hpp>
#include <rondo/version.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rondo::inline v0_1::data {

/// Adds to `words` the masks that client `own` of `clients` shares with each other one: the client
/// with the lower number adds the pair's key stream, the other takes it away, so that modulo 2^32
/// they leave the sum. `key_of(peer)` is the key that both of a pair know.
template <class KeyOf>
constexpr void mask(std::span<std::uint32_t> words, int own, int clients, std::uint64_t round,
                    const KeyOf& key_of) {
  const auto low = static_cast<std::uint32_t>(round);
  const auto high = static_cast<std::uint32_t>(round >> 32);
  for (int peer = 0; peer < clients; ++peer) {
    if (peer == own) {
      continue;
    }
    const chacha20_key key = key_of(peer);
    for (std::size_t first = 0; first < words.size(); first += 16) {
      const auto block =
          chacha20_block(key, static_cast<std::uint32_t>(first / 16), {low, high, 0});
      for (std::size_t i = first; i < words.size() && i < first + 16; ++i) {
        words[i] += own < peer ? block[i - first] : 0U - block[i - first];
      }
    }
  }
}

/// What all clients of a secure average agree about.
struct secure_round {
  /// A new one for every average: a mask that is used twice hides nothing.
  std::uint64_t number = 0;
  fixed_point grid{};
  friend constexpr bool operator==(const secure_round&, const secure_round&) = default;
};

namespace detail {

/// The sum modulo 2^32 of ranks that are in one round.
struct masked_sum {
  static constexpr std::string_view name = "masked_sum";
  static constexpr bool commutes = true;
  secure_round of{};
  constexpr std::uint32_t operator()(std::uint32_t a, std::uint32_t b) const { return a + b; }
  [[nodiscard]] constexpr std::uint64_t parameters() const {
    return mixed_parameters(of.number, bit_cast<std::uint64_t>(of.grid.clip),
                            std::uint64_t{of.grid.largest});
  }
};

/// Refuses keys of which the two clients of a pair do not have the same one: their masks would stay
/// in the sum, and make an average that looks like any other. A pair compares eight bytes of the
/// key stream under a nonce that no mask has, and all learn of a pair that differs.
template <class Comm, class KeyOf>
void check_keys(source_location where, Comm& comm, std::uint64_t round, const KeyOf& key_of) {
  const int clients = comm.size();
  const auto low = static_cast<std::uint32_t>(round);
  const auto high = static_cast<std::uint32_t>(round >> 32);
  std::vector<std::uint64_t> own(static_cast<std::size_t>(clients));
  auto theirs = own;
  for (int peer = 0; peer < clients; ++peer) {
    if (peer != comm.rank()) {
      const auto block = chacha20_block(key_of(peer), 0, {low, high, 1});
      own[static_cast<std::size_t>(peer)] = std::uint64_t{block[0]} << 32 | block[1];
    }
  }
  rondo::all_to_all(comm, own, theirs, where);
  std::array<std::uint64_t, 1> worst{0};  // 0: no pair, else 1 + its number
  for (std::size_t peer = 0; peer < own.size(); ++peer) {
    if (own[peer] != theirs[peer]) {
      const auto rank = static_cast<std::uint64_t>(comm.rank());
      worst[0] = larger(worst[0], 1 + rank * own.size() + peer);
    }
  }
  rondo::all_reduce(comm, worst, op::max{}, where);
  if (worst[0] != 0) {
    const std::uint64_t client = (worst[0] - 1) / own.size();
    const std::uint64_t peer = (worst[0] - 1) % own.size();
    raise(mismatch{"secure_average: clients " + std::to_string(peer) + " and " +
                       std::to_string(client) + " have different keys for each other; key_of(" +
                       "peer) is to be the same on both",
                   static_cast<int>(client)});
  }
}

}  // namespace detail

/// federated_average by a sum in which no client's parameters can be read: they are clipped,
/// brought to fixed point, times the client's weight, and masked before they leave the rank.
///
///     rondo::data::secure_average(comm, parameters, 1, {.number = step}, key_of);
///
/// `key_of(peer)` gives the chacha20_key that this client and rank `peer` share, the same on both;
/// how they came by it (a key exchange) is theirs. The weights and the average are known to all; a
/// client is hidden as long as one other keeps its keys to itself. If a client leaves during the
/// call, its masks stay in the sum: the call ends with an error, and those who are left begin a new
/// round.
///
/// Values are clipped to [-8, 8]; their average is exact to grid.step() / 2, and where they are
/// floats rounded to one. All ranks get the same bits, in any order of folds. A sum holds
/// grid.room() weights: 1024 clients of weight 1, and 1025 are refused.
/// Cost: all_gather of 24 B, all_to_all of 8 B for each pair, all_reduce of 8 B and of 4 B a
/// parameter, n-1 key streams of as many bytes; key_of is asked twice for each peer.
/// Errors, on every rank alike: too much weight, or none; a value that is not finite; a grid
/// without width; mismatch for ranks in other rounds, and for a pair with different keys. Source:
/// Bonawitz et al., Practical Secure Aggregation (2017), without its shares of keys for clients
/// that leave.
template <class Comm, writable_buffer Values, class KeyOf>
void secure_average(Comm& comm, Values&& parameters, std::uint64_t weight, secure_round round,
                    const KeyOf& key_of, source_location where = source_location::current()) {
  using T = element_of<Values>;
  static_assert(std::same_as<T, float> || std::same_as<T, double>,
                "rondo: secure_average: parameters are float or double; convert others first");
  const fixed_point grid = round.grid;
  const auto own = writable(parameters);
  const detail::masked_sum sum{round};
  const std::uint64_t total = detail::total_weight(
      "secure_average", where, comm, {weight, detail::first_unusable<T>(own), sum.parameters()});
  if (!grid.valid()) {
    refuse("secure_average: values in +-" + std::to_string(grid.clip) + " as numbers up to " +
               std::to_string(grid.largest) + "; both are to be positive",
           comm.rank());
  }
  if (total > grid.room()) {
    refuse("secure_average: weights of " + std::to_string(total) + " over " +
           std::to_string(comm.size()) + " clients; a sum of 32 bits has room for " +
           std::to_string(grid.room()) + " numbers up to " + std::to_string(grid.largest) +
           "; give smaller weights, or fewer levels");
  }
  detail::check_keys(where, comm, round.number, key_of);
  std::vector<std::uint32_t> words(own.size());
  if (weight > 0) {
    for (std::size_t i = 0; i < own.size(); ++i) {
      words[i] = static_cast<std::uint32_t>(weight) * grid.encode(static_cast<double>(own[i]));
    }
  }
  mask(words, comm.rank(), comm.size(), round.number, key_of);
  rondo::all_reduce(comm, words, sum, where);
  for (std::size_t i = 0; i < own.size(); ++i) {
    own[i] = static_cast<T>(grid.decode(words[i], total));
  }
}

}  // namespace rondo::inline v0_1::data
