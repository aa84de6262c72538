// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// How encoded chunks travel. Values are encoded once per phase; sums are made in fp32 in rank
/// order; and whoever encodes decodes its own bytes like everybody else, so that all ranks hold the
/// same bits.
namespace rondo::inline v0_1::detail {

using wire = std::span<std::byte>;
using read_wire = std::span<const std::byte>;

/// Who encodes, and where in the whole the values begin.
template <class Turn>
[[nodiscard]] codec::context context_of(const Turn& turn, std::size_t first, bool of_sum = false) {
  return {turn.word() >> 32, static_cast<std::uint32_t>(turn.rank()), first, of_sum};
}

/// A codec's memory is one rank's own, and so is what it lacks: that rank ends the call for all,
/// before any byte moves.
template <class Codec>
void check_memory(const Codec& with, std::size_t count, int rank) {
  if constexpr (requires { with.lacking(count); }) {
    if (const std::string missing = with.lacking(count); !missing.empty()) {
      raise(rank_failure{rank, missing});
    }
  }
}

/// One wire for each chunk of a buffer, side by side.
template <class Codec>
class wires {
 public:
  wires(const Codec& with, const chunking& cut, int chunks)
      : with_{with}, cut_{cut}, chunks_{chunks} {
    for (int chunk = 0; chunk < chunks; ++chunk) {  // the longest wire need not be of most values
      stride_ = larger(stride_, bytes(chunk));
    }
  }

  [[nodiscard]] std::size_t bytes(int chunk) const { return with_.wire_bytes(cut_.count(chunk)); }
  [[nodiscard]] std::size_t stride() const { return stride_; }
  [[nodiscard]] std::size_t total() const { return stride_ * static_cast<std::size_t>(chunks_); }
  [[nodiscard]] wire of(std::byte* memory, int chunk) const {
    return {memory + stride_ * static_cast<std::size_t>(chunk), bytes(chunk)};
  }

  /// Encodes all chunks of `values`, which begin with value `first` of the whole.
  template <class Turn, class T>
  void encode(const Turn& turn, const T* values, std::byte* memory, std::size_t first = 0) const {
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      with_.encode(std::span<const T>{values + cut_.offset(chunk), cut_.count(chunk)},
                   of(memory, chunk), context_of(turn, first + cut_.offset(chunk)));
    }
  }

  template <class T>
  void decode(int chunk, const std::byte* data, T* values) const {
    with_.decode(read_wire{data, bytes(chunk)},
                 std::span<T>{values + cut_.offset(chunk), cut_.count(chunk)});
  }

 private:
  const Codec& with_;
  chunking cut_;
  int chunks_;
  std::size_t stride_ = 0;
};

inline void set_to_zero(std::span<float> sums) {
  for (auto& sum : sums) {
    sum = 0.0F;
  }
}

/// Sums in fp32, on their way back to the caller's type.
template <class Operation>
void finish_sums(const Operation& operation, std::span<float> sums, int ranks) {
  if constexpr (std::is_same_v<Operation, op::average>) {
    for (auto& sum : sums) {
      sum = operation.finish(sum, ranks);
    }
  }
}

/// What is still to be summed goes in one stream of messages, what is finished in the other.
enum class wire_stream : unsigned { unsummed, finished };

/// Lends `to(peer)` to each peer.
template <class Comm, class Turn, class To>
void lend_each(Comm& comm, Turn& turn, wire_stream stream, const To& to) {
  auto& out = lists_of(comm).out;
  out.clear();
  for (int step = 1; step < turn.size(); ++step) {
    const int peer = protocol::rank_after(turn.rank(), step, turn.size());
    const wire sent = to(peer);
    out.push_back({peer, sent.data(), sent.size()});
  }
  turn.lend(out, static_cast<unsigned>(stream));
}

/// Gives `add(bytes)` the next wire of every rank, `own` included, in rank order.
template <class Comm, class Turn, class Add>
void take_in_rank_order(Comm& comm, Turn& turn, read_wire own, const Add& add) {
  auto& in = lists_of(comm).in;
  in.clear();
  for (int peer = 0; peer < turn.size(); ++peer) {
    if (peer != turn.rank()) {
      in.push_back({peer, nullptr, own.size()});
    }
  }
  bool own_due = true;
  const auto own_before = [&](int peer) {
    if (own_due && turn.rank() < peer) {
      add(own);
      own_due = false;
    }
  };
  turn.take(
      in,
      [&](std::size_t which, const std::byte* data) {
        own_before(in[which].peer);
        add(read_wire{data, own.size()});
      },
      static_cast<unsigned>(wire_stream::unsummed));
  own_before(turn.size());
}

/// The next wire of every rank in rank order, all at hand: `own` where it lies, and those of peers
/// in `memory`, for a peer that fails may take its own away.
template <class Comm, class Turn>
[[nodiscard]] std::span<const read_wire> gather_in_rank_order(Comm& comm, Turn& turn, read_wire own,
                                                              std::byte* memory) {
  auto& in = lists_of(comm).in;
  auto& all = comm.kept().template get<std::vector<read_wire>>();
  in.clear();
  all.clear();
  for (int rank = 0; rank < turn.size(); ++rank) {
    if (rank == turn.rank()) {
      all.push_back(own);
    } else {
      in.push_back({rank, memory, own.size()});
      all.push_back({memory, own.size()});
      memory += own.size();
    }
  }
  turn.take(
      in, [](std::size_t, const std::byte*) {}, static_cast<unsigned>(wire_stream::unsummed));
  return all;
}

/// Takes every peer's wire of its chunk and decodes it into `out`; `own` is decoded like the
/// others.
template <class Comm, class Turn, class Codec, class T>
void take_and_decode(Comm& comm, Turn& turn, const wires<Codec>& cut, read_wire own, T* out) {
  auto& in = lists_of(comm).in;
  in.clear();
  for (int step = 1; step < turn.size(); ++step) {
    const int before = protocol::rank_after(turn.rank(), turn.size() - step, turn.size());
    in.push_back({before, nullptr, cut.bytes(before)});
  }
  cut.decode(turn.rank(), own.data(), out);
  turn.take(
      in, [&](std::size_t which, const std::byte* data) { cut.decode(in[which].peer, data, out); },
      static_cast<unsigned>(wire_stream::finished));
}

}  // namespace rondo::inline v0_1::detail
