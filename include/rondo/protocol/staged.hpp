// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

RONDO_HOST_DEVICE_BEGIN

/// Bytes that go by way of staging areas, which every rank can reach, in rounds of one signal each.
namespace rondo::inline v0_1::protocol {

/// to[i] = from[i], by all threads of the group.
template <cooperative Group, class T>
RONDO_HOST_DEVICE void copy_part(Group& group, T* to, const T* from, std::size_t count) {
#if defined(__CUDA_ARCH__)
  for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
    to[i] = from[i];
  }
#else
  static_cast<void>(group);
  if (count != 0 && to != from) {
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(T));
  }
#endif
}

/// Each rank copies its input to its staging area and signals; each rank then has `use(source)`
/// read all areas, where `source(rank)` is the address of that rank's bytes. One phase: banks
/// alternate as packets do.
/// Cost: bytes written once and read by all, one latency. Limit: `peers.stage_bytes()`.
template <cooperative Group, peer_memory Peers, class Use>
RONDO_HOST_DEVICE bool exchange_stages(Group& group, Peers& peers, const void* bytes,
                                       std::size_t count, const Use& use) {
  const std::uint32_t turn = peers.used().stages++ & 1u;
  auto* area = peers.stage(peers.rank(), turn);
  group.sync();
  copy_part(group, area, static_cast<const std::byte*>(bytes), count);
  group.sync();
  if (!meet(group, peers, [&](pad& of) -> std::uint64_t& { return of.staged[turn].word; })) {
    return false;
  }
  use([&](int rank) { return static_cast<const std::byte*>(peers.stage(rank, turn)); });
  return true;
}

/// `rounds` times: `fill(k, bank)` writes this rank's staging area of that bank, all ranks signal,
/// `use(k, bank)` reads the areas of all. Banks alternate: who fills a bank again has seen that all
/// have left the round in between, so one signal per round is enough. While `fill(k, bank)` runs,
/// the other bank of every rank still holds what round k-1 filled.
template <cooperative Group, peer_memory Peers, class Fill, class Use>
RONDO_HOST_DEVICE bool staged_rounds(Group& group, Peers& peers, std::size_t rounds,
                                     const Fill& fill, const Use& use) {
  for (std::size_t k = 0; k < rounds; ++k) {
    const std::uint32_t bank = peers.used().stages++ & 1u;
    group.sync();
    fill(k, bank);
    group.sync();
    if (!meet(group, peers, [&](pad& of) -> std::uint64_t& { return of.staged[bank].word; })) {
      return false;
    }
    use(k, bank);
    peers.advance();
  }
  return true;
}

/// Staging areas are cut at multiples of this.
inline constexpr std::size_t stage_line = 64;

/// Staging areas cut into blocks of elements.
template <stages Peers, class T>
class staged_blocks {
 public:
  /// `parts` blocks in each area; `peers.cannot_stage(bytes, parts)` is called if elements are
  /// larger.
  RONDO_HOST_DEVICE staged_blocks(Peers& peers, int parts) : peers_{peers} {
    each_ =
        peers.stage_bytes() / static_cast<std::size_t>(parts) / sizeof(T) / line_of<T> * line_of<T>;
    if (each_ == 0) {
      peers.cannot_stage(sizeof(T), parts);
    }
  }

  [[nodiscard]] RONDO_HOST_DEVICE std::size_t rounds(std::size_t count) const noexcept {
    return count > each_ ? (count + each_ - 1) / each_ : 1;
  }
  [[nodiscard]] RONDO_HOST_DEVICE T* at(int rank, unsigned bank, int part = 0) const {
    return reinterpret_cast<T*>(peers_.stage(rank, bank)) + static_cast<std::size_t>(part) * each_;
  }
  /// What of `count` elements belongs to round k.
  [[nodiscard]] RONDO_HOST_DEVICE part in_round(std::size_t k, std::size_t count) const noexcept {
    const std::size_t first = k * each_ < count ? k * each_ : count;
    return {first, count - first < each_ ? count - first : each_};
  }

 private:
  Peers& peers_;
  std::size_t each_ = 1;
};

/// Who moves the bytes of a staged exchange: their reader loads them from the writer's staging
/// area, or their writer stores them into the reader's, where the reader finds them at home.
enum class access { pull, push };

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
