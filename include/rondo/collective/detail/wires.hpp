// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/execute.hpp>
#include <rondo/core/chunking.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

/// How encoded values travel. Values are encoded once per phase; sums are made in fp32 in rank
/// order; and whoever encodes decodes its own bytes like everybody else, so that all ranks hold the
/// same bits. Where the memory is not the host's, a turn offers, beside `works_elsewhere`,
///  - `encode(codec, values, count, wire, context)`, `decode(codec, wire, values, count)`
///  - `decode_add(codec, wire, sums, count)`, in float
///  - `encode_sum(codec, wire_of(rank), ranks, count, wire, context, divisor)`: the wires' sum in
///    rank order, divided, encoded, of up to `fused_wires` ranks
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

// --- values -----------------------------------------------------------------------------------

template <class Turn, class Codec, class T>
void encode_values(Turn& turn, const Codec& with, const T* values, std::size_t count, wire to,
                   const codec::context& where) {
  if constexpr (works_elsewhere<Turn>) {
    turn.encode(with, values, count, to.data(), where);
  } else {
    with.encode(std::span<const T>{values, count}, to, where);
  }
}
template <class Turn, class Codec, class T>
void decode_values(Turn& turn, const Codec& with, read_wire from, T* values, std::size_t count) {
  if constexpr (works_elsewhere<Turn>) {
    turn.decode(with, from.data(), values, count);
  } else {
    with.decode(from, std::span<T>{values, count});
  }
}
template <class Turn, class Codec>
void add_values(Turn& turn, const Codec& with, read_wire from, float* sums, std::size_t count) {
  if constexpr (works_elsewhere<Turn>) {
    turn.decode_add(with, from.data(), sums, count);
  } else {
    with.decode_add(from, std::span<float>{sums, count});
  }
}

struct set_zero {
  float* to;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { to[i] = 0; }
};
/// Sums in fp32, on their way back to the caller's type.
template <class Operation, class T>
struct lower_sum {
  const float* from;
  T* to;
  int ranks;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const {
    to[i] = static_cast<T>(from[i] / divisor_of<Operation>(ranks));
  }
};
template <class Turn>
void clear_sums(Turn& turn, float* sums, std::size_t count) {
  for_each_element(turn, count, set_zero{sums});
}
template <class Operation, class Turn, class T>
void lower_sums(Turn& turn, const float* sums, T* out, std::size_t count) {
  if constexpr (std::is_same_v<T, float> && !std::is_same_v<Operation, op::average>) {
    if (sums == out) {
      return;
    }
  }
  for_each_element(turn, count, lower_sum<Operation, T>{sums, out, turn.size()});
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
  void encode(Turn& turn, const T* values, std::byte* memory, std::size_t first = 0) const {
    for (int chunk = 0; chunk < chunks_; ++chunk) {
      encode_values(turn, with_, values + cut_.offset(chunk), cut_.count(chunk), of(memory, chunk),
                    context_of(turn, first + cut_.offset(chunk)));
    }
  }

  template <class Turn, class T>
  void decode(Turn& turn, int chunk, const std::byte* data, T* values) const {
    decode_values(turn, with_, read_wire{data, bytes(chunk)}, values + cut_.offset(chunk),
                  cut_.count(chunk));
  }

 private:
  const Codec& with_;
  chunking cut_;
  int chunks_;
  std::size_t stride_ = 0;
};

// --- messages ---------------------------------------------------------------------------------

/// What goes out: `to(peer)` to each peer.
template <class Comm, class Turn, class To>
[[nodiscard]] const std::vector<outgoing>& to_each(Comm& comm, const Turn& turn, const To& to) {
  auto& out = lists_of(comm).out;
  out.clear();
  for_each_peer(turn, [&](int after, int) {
    const wire sent = to(after);
    out.push_back({after, sent.data(), sent.size()});
  });
  return out;
}

/// Gives `add(bytes)` one wire of every rank, `own` included, in rank order; `receive(in, arrived)`
/// gets those of peers.
template <class Comm, class Turn, class Add, class Receive>
void in_rank_order(Comm& comm, const Turn& turn, read_wire own, const Add& add,
                   const Receive& receive) {
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
  receive(in, [&](std::size_t which, const std::byte* data) {
    own_before(in[which].peer);
    add(read_wire{data, own.size()});
  });
  own_before(turn.size());
}

/// Decodes every rank's wire of its chunk into `out`, `own` like the others.
template <class Comm, class Turn, class Codec, class T, class Receive>
void decode_each(Comm& comm, Turn& turn, const wires<Codec>& cut, read_wire own, T* out,
                 const Receive& receive) {
  auto& in = lists_of(comm).in;
  in.clear();
  for_each_peer(turn, [&](int, int before) { in.push_back({before, nullptr, cut.bytes(before)}); });
  cut.decode(turn, turn.rank(), own.data(), out);
  receive(in, [&](std::size_t which, const std::byte* data) {
    cut.decode(turn, in[which].peer, data, out);
  });
}

// --- rounds -----------------------------------------------------------------------------------

/// `to(peer)` to each peer; `add(bytes)` sees one wire of every rank, as `in_rank_order`.
template <class Comm, class Turn, class To, class Add>
void exchange_in_rank_order(Comm& comm, Turn& turn, const To& to, read_wire own, const Add& add) {
  const auto& out = to_each(comm, turn, to);
  in_rank_order(comm, turn, own, add,
                [&](const auto& in, const auto& arrived) { turn.exchange(out, in, arrived); });
}

/// out = the sum of one wire of every rank; `to(peer)` to each peer. `sums` is room for as many.
template <class Job, class Turn, class To, class T>
void exchange_and_sum(Turn& turn, const Job& job, const To& to, read_wire own, float* sums, T* out,
                      std::size_t count) {
  clear_sums(turn, sums, count);
  exchange_in_rank_order(job.comm, turn, to, own,
                         [&](read_wire data) { add_values(turn, job.codec, data, sums, count); });
  lower_sums<decltype(job.operation)>(turn, sums, out, count);
}

/// Fills `out` with every rank's chunk; `to(peer)` to each peer.
template <class Comm, class Turn, class To, class Codec, class T>
void exchange_and_decode(Comm& comm, Turn& turn, const To& to, const wires<Codec>& cut,
                         read_wire own, T* out) {
  const auto& sent = to_each(comm, turn, to);
  decode_each(comm, turn, cut, own, out,
              [&](const auto& in, const auto& arrived) { turn.exchange(sent, in, arrived); });
}

}  // namespace rondo::inline v0_1::detail
