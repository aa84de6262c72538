// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/rendezvous.hpp>
#include <rondo/protocol/two_hops.hpp>
#include <rondo/version.hpp>

#include <cstddef>

RONDO_HOST_DEVICE_BEGIN

namespace rondo::inline v0_1::protocol {

/// All-reduce in a single pass over memory: each rank owns one part of the elements, folds it in
/// rank order from all inputs, and stores it to all outputs. In place or out of place.
/// Cost: per rank count/size elements read from each peer and written to each peer; two latencies.
template <cooperative Group, peer_memory Peers, class T, class Reduction>
RONDO_HOST_DEVICE bool two_shot_all_reduce(Group& group, Peers& peers, const T* in, T* out,
                                           std::size_t count, const Reduction& with) {
  if constexpr (!reaches_buffers<Peers>) {
    return staged_fold(group, peers, in, out, count, with);
  } else {
    const std::size_t touched = 2 * static_cast<std::size_t>(peers.size()) * count * sizeof(T);
    const store how = in == out ? store::cached : store_for(peers, touched);
    const auto fold_share = [&](int self, const auto& input_of, const auto& output_of) {
      const part mine = even_part(count, static_cast<std::size_t>(peers.size()),
                                  static_cast<std::size_t>(self), line_of<T>);
      fold_each(
          group, [&](int rank) { return static_cast<const T*>(input_of(rank)); }, peers.size(),
          [&](int rank) { return static_cast<T*>(output_of(rank)); }, peers.size(), mine.first,
          mine.first + mine.count, with, how);
    };
    return rendezvous(group, peers, in, out, fold_share);
  }
}

}  // namespace rondo::inline v0_1::protocol

RONDO_HOST_DEVICE_END
