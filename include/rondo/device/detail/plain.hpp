// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/extremes.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/protocol/two_hops.hpp>
#include <rondo/protocol/words.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

/// Work of staged protocols and packets for elements that travel as they are.
namespace rondo::inline v0_1::device::detail {

using protocol::line_of;

/// For `two_hops`: an all-reduce from a prologue to an epilogue.
template <protocol::access How, class T, class Group, class From, class To, class Reduction>
struct plain_all_reduce {
  static constexpr protocol::access how = How;
  static constexpr std::size_t grain = line_of<T>;
  static constexpr bool stages_own = true;

  Group& group;
  const From& from;
  const To& to;
  const Reduction& with;
  int size;

  [[nodiscard]] RONDO_HOST_DEVICE static std::size_t bytes(std::size_t count) {
    return count * sizeof(T);
  }
  RONDO_HOST_DEVICE void stage(std::byte* place, std::size_t first, std::size_t count) const {
    protocol::store_each(group, reinterpret_cast<T*>(place), from, first, count);
  }
  template <class Source, class Results>
  RONDO_HOST_DEVICE void fold(const Source& source, const Results& result, int targets, std::size_t,
                              std::size_t count) const {
    protocol::fold_each(
        group, [&](int rank) { return reinterpret_cast<const T*>(source(rank)); }, size,
        [&](int which) { return reinterpret_cast<T*>(result(which)); }, targets, 0, count, with);
  }
  RONDO_HOST_DEVICE void use(const std::byte* place, std::size_t first, std::size_t count,
                             int) const {
    protocol::load_each(group, reinterpret_cast<const T*>(place), to, first, count);
  }
};

/// For `one_hop`: `from(peer)` is the prologue of what `peer` gets; `take(source, first, count)`
/// takes what came.
template <bool SameForAll, class T, class Group, class From, class Take>
struct plain_exchange {
  static constexpr protocol::access how = protocol::access::push;
  static constexpr bool same_for_all = SameForAll;
  static constexpr std::size_t grain = line_of<T>;

  Group& group;
  const From& from;
  const Take& take;
  int giver = -1;  ///< the only rank that gives, or -1 for all

  [[nodiscard]] RONDO_HOST_DEVICE static std::size_t bytes(std::size_t count) {
    return count * sizeof(T);
  }
  [[nodiscard]] RONDO_HOST_DEVICE bool gives(int self) const { return giver < 0 || giver == self; }
  template <class Places>
  RONDO_HOST_DEVICE void stage(const Places& place, int targets, int peer, std::size_t first,
                               std::size_t count) const {
    const auto target = [&](int t) { return reinterpret_cast<T*>(place(t)); };
    const protocol::pack_targets<T, decltype(target)> store{target, targets};
    const auto values_for_peer = from(peer);
    constexpr unsigned width = protocol::width_from<T, decltype(from(peer))>();
    protocol::each_pack<T, width, protocol::packs_in<T, width>(4)>(
        group, 0, count,
        [&](auto some, std::size_t i) {
          return protocol::pack_from<T, decltype(some)::value>(values_for_peer, first + i);
        },
        [&](std::size_t i, const auto& values) { store(i, values); });
  }
  template <class Source>
  RONDO_HOST_DEVICE void use(const Source& source, std::size_t first, std::size_t count) const {
    take([&](int rank) { return reinterpret_cast<const T*>(source(rank)); }, first, count);
  }
};

/// Folds what all ranks sent and gives the result to an epilogue: elements, or what else the
/// reduction lowers partial results to.
template <class T, class Group, class To, class Reduction>
struct fold_to {
  Group& group;
  const To& to;
  const Reduction& with;
  int size;

  template <class Source>
  RONDO_HOST_DEVICE void operator()(const Source& source, std::size_t first,
                                    std::size_t count) const {
    if constexpr (protocol::folds_packs<T, Reduction>) {
      using result = std::remove_cvref_t<decltype(with.lower(Reduction::lift(source(0)[0])))>;
      constexpr unsigned width = smaller(protocol::width_to<result, To>(), protocol::pack_width<T>);
      protocol::fold_packs<T, width>(
          group, source, size, 0, count, with,
          [&](std::size_t i, const auto& values) { protocol::pack_to(to, first + i, values); });
    } else {
      for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
        auto folded = Reduction::lift(source(0)[i]);
        for (int rank = 1; rank < size; ++rank) {
          folded = with.fold(folded, Reduction::lift(source(rank)[i]));
        }
        to(first + i, with.lower(folded));
      }
    }
  }
};

// --- packets -----------------------------------------------------------------------------------

/// `exchange(first, count)` for `most` elements at a time, which is what packets carry at once,
/// until all have gone. Boxes are used in turn from round to round as from call to call.
/// Cost: one latency a round.
template <class T, class Turn, class Exchange>
RONDO_HOST_DEVICE bool in_rounds(Turn& mine, std::size_t count, std::size_t most,
                                 const Exchange& exchange) {
  if (most == 0) {
    mine.cannot_stage(sizeof(T), 1);
    return false;
  }
  bool complete = true;
  for (std::size_t first = 0; complete && first < count; first += most) {
    complete = exchange(first, count - first < most ? count - first : most);
  }
  return complete;
}

/// Folds chunks of ranks, in order, and gives the result to an epilogue.
template <class Chunk, class To, class Reduction>
class fold_chunks {
 public:
  RONDO_HOST_DEVICE fold_chunks(const To& to, const Reduction& with) : to_{to}, with_{with} {}
  RONDO_HOST_DEVICE void begin(std::size_t) {}
  RONDO_HOST_DEVICE void see(int rank, const Chunk& chunk) {
    RONDO_UNROLL
    for (std::size_t e = 0; e < Chunk::elements; ++e) {
      const auto lifted = Reduction::lift(chunk.value[e]);
      folded_[e] = rank == 0 ? lifted : with_.fold(folded_[e], lifted);
    }
  }
  RONDO_HOST_DEVICE void end(std::size_t first, std::size_t count) const {
    RONDO_UNROLL
    for (std::size_t e = 0; e < Chunk::elements; ++e) {
      if (e < count) {
        to_(first + e, with_.lower(folded_[e]));
      }
    }
  }

 private:
  const To& to_;
  const Reduction& with_;
  typename Reduction::partial folded_[Chunk::elements];
};

/// Gives elements of chunks to an epilogue, as element `at(rank, i)`.
template <class Chunk, class To, class At>
class gather_chunks {
 public:
  RONDO_HOST_DEVICE gather_chunks(const To& to, const At& at, std::size_t count)
      : to_{to}, at_{at}, count_{count} {}
  RONDO_HOST_DEVICE void see(int rank, const Chunk& chunk) {
    RONDO_UNROLL
    for (std::size_t e = 0; e < Chunk::elements; ++e) {
      if (first_ + e < count_) {
        to_(at_(rank, first_ + e), chunk.value[e]);
      }
    }
  }
  RONDO_HOST_DEVICE void begin(std::size_t first) { first_ = first; }
  RONDO_HOST_DEVICE void end(std::size_t, std::size_t) const {}

 private:
  const To& to_;
  const At& at_;
  std::size_t count_;
  std::size_t first_ = 0;
};

}  // namespace rondo::inline v0_1::device::detail
