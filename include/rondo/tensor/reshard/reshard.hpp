// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_to_all.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/tensor/reshard/detail/block_walk.hpp>
#include <rondo/tensor/reshard/detail/parts_of_tensors.hpp>
#include <rondo/tensor/reshard/reshard_plan.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace rondo::inline v0_1 {

struct reshard_options {
  /// Blocks travel in rounds in which no rank packs, and none receives, more than this; a larger
  /// block travels by itself.
  std::size_t staging_bytes = std::size_t{64} << 20;
};

namespace detail {

/// Memory that is not cleared before it is written.
class staging {
 public:
  [[nodiscard]] std::span<std::byte> get(std::size_t bytes) {
    if (bytes > room_) {
      memory_ = std::make_unique_for_overwrite<std::byte[]>(bytes);
      room_ = bytes;
    }
    return {memory_.get(), bytes};
  }

 private:
  std::unique_ptr<std::byte[]> memory_;
  std::size_t room_ = 0;
};

/// Carries out a plan on one rank.
template <class Comm>
class resharding {
 public:
  resharding(Comm& comm, const reshard_plan& plan, std::span<const std::span<const std::byte>> in,
             std::span<const std::span<std::byte>> out, source_location where)
      : comm_{comm}, plan_{plan}, in_{in}, out_{out}, where_{where} {}

  void run(std::size_t staging_bytes) {
    for (std::size_t begin = 0; begin < plan_.moves().size();) {
      const std::size_t end = end_of_round(begin, staging_bytes);
      exchange(std::span{plan_.moves()}.subspan(begin, end - begin));
      begin = end;
    }
  }

 private:
  [[nodiscard]] std::size_t bytes_of(const reshard_move& move) const {
    return move.elements * plan_.before()[move.tensor].element_bytes();
  }

  /// The same on every rank, as it looks at all of them.
  [[nodiscard]] std::size_t end_of_round(std::size_t begin, std::size_t staging_bytes) {
    const auto ranks = static_cast<std::size_t>(comm_.size());
    staged_.assign(2 * ranks, 0);
    std::size_t end = begin;
    for (; end < plan_.moves().size(); ++end) {
      const reshard_move& move = plan_.moves()[end];
      if (move.from == move.to) {
        continue;
      }
      std::size_t& sent = staged_[static_cast<std::size_t>(move.from)];
      std::size_t& received = staged_[ranks + static_cast<std::size_t>(move.to)];
      const std::size_t bytes = bytes_of(move);
      const std::size_t room =
          staging_bytes - (std::min)(staging_bytes, (std::max)(sent, received));
      if (end != begin && bytes > room) {
        break;
      }
      sent += bytes;
      received += bytes;
    }
    return end;
  }

  void exchange(std::span<const reshard_move> moves) {
    const auto ranks = static_cast<std::size_t>(comm_.size());
    sent_.assign(ranks, 0);
    received_.assign(ranks, 0);
    bool any = false;
    for (const reshard_move& move : moves) {
      any = any || move.from != move.to;
      if (move.from != move.to && move.from == comm_.rank()) {
        sent_[static_cast<std::size_t>(move.to)] += bytes_of(move);
      }
      if (move.from != move.to && move.to == comm_.rank()) {
        received_[static_cast<std::size_t>(move.from)] += bytes_of(move);
      }
    }
    packed_ = place(sent_, sending_);
    for (const reshard_move& move : moves) {
      if (move.from == comm_.rank()) {
        move.to == move.from ? keep(move) : pack(move);
      }
    }
    if (!any) {
      return;
    }
    arrived_ = place(received_, receiving_);
    all_to_all(comm_, packed_, arrived_, counts{sent_, received_}, where_);
    for (const reshard_move& move : moves) {
      if (move.to == comm_.rank() && move.from != move.to) {
        unpack(move);
      }
    }
  }

  /// Room for what goes to each rank or comes from it, one rank's bytes behind another's.
  std::span<std::byte> place(const std::vector<std::size_t>& bytes, staging& in) {
    next_.clear();
    std::size_t total = 0;
    for (const std::size_t some : bytes) {
      next_.push_back(total);
      total += some;
    }
    return in.get(total);
  }

  void keep(const reshard_move& move) {
    find(move, plan_.before(), from_);
    find(move, plan_.after(), to_);
    copy(move, in_[move.tensor].data(), from_, out_[move.tensor].data(), to_);
  }
  void pack(const reshard_move& move) {
    find(move, plan_.before(), from_);
    to_.pack(plan_, move);
    copy(move, in_[move.tensor].data(), from_, take(packed_, move.to, move), to_);
  }
  void unpack(const reshard_move& move) {
    from_.pack(plan_, move);
    find(move, plan_.after(), to_);
    copy(move, take(arrived_, move.from, move), from_, out_[move.tensor].data(), to_);
  }

  std::byte* take(std::span<std::byte> of, int peer, const reshard_move& move) {
    std::size_t& next = next_[static_cast<std::size_t>(peer)];
    std::byte* const at = of.data() + next;
    next += bytes_of(move);
    return at;
  }

  void find(const reshard_move& move, const std::vector<tensor_sharding>& held, block_place& at) {
    index_.assign(held[move.tensor], comm_.rank());
    index_.find(plan_, move, at);
  }

  void copy(const reshard_move& move, const std::byte* in, const block_place& from, std::byte* out,
            const block_place& to) {
    const std::size_t width = plan_.before()[move.tensor].element_bytes();
    walk_(plan_, move, from, to, [&](std::size_t read, std::size_t written, std::size_t count) {
      protocol::copy_elements(out + written * width, in + read * width, count * width);
    });
  }

  Comm& comm_;
  const reshard_plan& plan_;
  std::span<const std::span<const std::byte>> in_;
  std::span<const std::span<std::byte>> out_;
  source_location where_;
  std::vector<std::size_t> staged_;
  std::vector<std::size_t> sent_;
  std::vector<std::size_t> received_;
  std::vector<std::size_t> next_;  ///< by rank, where its next block lies
  staging sending_;
  staging receiving_;
  std::span<std::byte> packed_;
  std::span<std::byte> arrived_;
  local_index index_;
  block_place from_;
  block_place to_;
  block_walk walk_;
};

}  // namespace detail

/// Brings tensors from one sharding to another, bit for bit.
///
///     rondo::reshard_plan moves{before, after};      // two lists of tensor_sharding
///     rondo::reshard(comm, moves, held, wanted);     // two lists of buffers, one per tensor
///
/// Every rank of `comm` calls it, with as many ranks as the larger mesh or more. `held[t]` is what
/// the rank holds of tensor t before, `wanted[t]` what it holds after, empty where that is nothing;
/// they are different memory. What stays on a rank is copied once; what changes ranks is packed,
/// goes through all_to_all (every byte once, none that the receiver has) and is unpacked.
/// Cost: one all_to_all of what changes ranks, and memory for that, packed, on both ends.
/// Ranks that are GPUs, NCCL's among them, do not compile: it moves memory of the host.
/// Errors: too few ranks, a buffer that does not fit, or buffers that overlap; those of all_to_all.
template <class Comm, class Before, class After>
void reshard(Comm& comm, const reshard_plan& plan, const Before& held, After&& wanted,
             const reshard_options& options = {},
             source_location where = source_location::current()) {
  static_assert(!takes_device_memory<Comm>,
                "rondo: reshard: these ranks are GPUs; it moves memory of the host: copy shards to "
                "the host and reshard them over thread or MPI ranks");
  if (comm.size() < plan.ranks()) {
    refuse("reshard: the plan is for " + std::to_string(plan.ranks()) +
               " ranks, but the communicator has " + std::to_string(comm.size()),
           comm.rank());
  }
  const auto in = detail::readable_parts("reshard: before", held, plan.before(), comm.rank());
  const auto out = detail::writable_parts("reshard: after", wanted, plan.after(), comm.rank());
  detail::check_parts_apart("reshard", in, out, comm.rank());
  detail::resharding<Comm>{comm, plan, in, out, where}.run(options.staging_bytes);
}

}  // namespace rondo::inline v0_1
