// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/arguments.hpp>
#include <rondo/device/detail/coded.hpp>
#include <rondo/device/detail/elements.hpp>
#include <rondo/device/detail/in_call.hpp>
#include <rondo/device/detail/plain.hpp>
#include <rondo/protocol/one_hop.hpp>
#include <rondo/protocol/partials.hpp>
#include <rondo/protocol/rendezvous.hpp>

/// What reduce-scatter, all-gather, all-to-all and broadcast have in common: every rank gives a
/// part to every rank, once.
namespace rondo::inline v0_1::device::detail {

/// A collective of this sort: its name, whether it folds, the policies that it takes; which part of
/// its prologue a rank gives to a peer, and where what it gets stands, as `begin_for(peer, count)`
/// and `begin_of(rank, count)`; and the only rank that gives, or -1 for all.
struct scatters {
  static constexpr std::string_view name = "reduce_scatter";
  static constexpr bool folds = true;
  using takes = of_folds;
  static constexpr bool same_for_all = false;
  int giver = -1;
  RONDO_HOST_DEVICE static std::size_t begin_for(int peer, std::size_t count) {
    return static_cast<std::size_t>(peer) * count;
  }
  RONDO_HOST_DEVICE static std::size_t begin_of(int, std::size_t) { return 0; }
};
struct gathers {
  static constexpr std::string_view name = "all_gather";
  static constexpr bool folds = false;
  using takes = of_moves;
  static constexpr bool same_for_all = true;
  int giver = -1;
  RONDO_HOST_DEVICE static std::size_t begin_for(int, std::size_t) { return 0; }
  RONDO_HOST_DEVICE static std::size_t begin_of(int rank, std::size_t count) {
    return static_cast<std::size_t>(rank) * count;
  }
};
struct transposes {
  static constexpr std::string_view name = "all_to_all";
  static constexpr bool folds = false;
  using takes = of_moves;
  static constexpr bool same_for_all = false;
  int giver = -1;
  RONDO_HOST_DEVICE static std::size_t begin_for(int peer, std::size_t count) {
    return static_cast<std::size_t>(peer) * count;
  }
  RONDO_HOST_DEVICE static std::size_t begin_of(int rank, std::size_t count) {
    return static_cast<std::size_t>(rank) * count;
  }
};
struct broadcasts {
  static constexpr std::string_view name = "broadcast";
  static constexpr bool folds = false;
  using takes = of_root;
  static constexpr bool same_for_all = true;
  int giver = 0;
  RONDO_HOST_DEVICE static std::size_t begin_for(int, std::size_t) { return 0; }
  RONDO_HOST_DEVICE static std::size_t begin_of(int, std::size_t) { return 0; }
};

/// Whether who gives is a rank. Of kinds in which all give, nobody is named.
template <class Kind>
[[nodiscard]] RONDO_HOST_DEVICE bool has_giver(const Kind& kind, int ranks) {
  return kind.giver < ranks && (kind.giver >= 0 || !std::is_same_v<Kind, broadcasts>);
}

/// The ranks that gave something, the calling one first.
template <class Kind>
struct givers {
  Kind kind;
  std::size_t whole;  ///< elements of a part, all slots together
  std::size_t begin;  ///< of the slot's share
  int self;
  int size;

  /// `one(rank, begin)`: where the elements of that rank go.
  template <class One>
  RONDO_HOST_DEVICE void each(const One& one) const {
    for (int step = 0; step < (kind.giver < 0 ? size : 1); ++step) {
      const int rank = kind.giver >= 0 ? kind.giver : protocol::rank_after(self, step, size);
      one(rank, kind.begin_of(rank, whole) + begin);
    }
  }
};

/// One group's share of a call: of `count` elements for each pair of ranks, those in `share`.
template <class T, class Kind, class From, class To>
struct shared_exchange {
  Kind kind;
  const From& from;
  const To& to;
  std::size_t count;
  part share;

  /// What this rank gives to a peer.
  RONDO_HOST_DEVICE moved<From> operator()(int peer) const {
    return {from, kind.begin_for(peer, count) + share.first};
  }
  /// Where results of a fold go.
  [[nodiscard]] RONDO_HOST_DEVICE moved<To> results() const { return {to, share.first}; }
  template <class Turn>
  [[nodiscard]] RONDO_HOST_DEVICE givers<Kind> from_all(const Turn& mine) const {
    return {kind, count, share.first, mine.rank(), mine.size()};
  }
};

/// Through a block codec.
template <class Operation, class Group, class Turn, class T, class Kind, class From, class To,
          class Codec>
RONDO_HOST_DEVICE bool exchange_coded(Group& group, Turn& mine,
                                      const shared_exchange<T, Kind, From, To>& of,
                                      const Codec& codec) {
  if (!has_threads(group, mine, 32)) {
    return false;
  }
  const coder<Codec, Group> coding{
      codec, group,
      codec::context{mine.call(), static_cast<std::uint32_t>(mine.rank()), of.share.first}};
  const auto take = [&](const auto& source, std::size_t first, std::size_t some) {
    if constexpr (Kind::folds) {
      coding.template decode<T>(source, mine.size(), codec_divisor_of<Operation>(mine.size()),
                                of.results(), first, some);
    } else {
      of.from_all(mine).each([&](int rank, std::size_t begin) {
        coding.template decode<T>([&](int) { return source(rank); }, 1, 1.0f, moved{of.to, begin},
                                  first, some);
      });
    }
  };
  return protocol::one_hop(
      group, mine, of.share.count,
      coded_exchange<Kind::same_for_all, T, Codec, Group, shared_exchange<T, Kind, From, To>,
                     decltype(take)>{coding, of, take, of.kind.giver});
}

/// As they are, in packets: one latency a round.
template <class Group, class Turn, class T, class Kind, class From, class To, class Reduction>
RONDO_HOST_DEVICE bool exchange_by_packets(Group& group, Turn& mine,
                                           const shared_exchange<T, Kind, From, To>& of,
                                           const Reduction& with) {
  using chunk = protocol::word_chunk<T>;
  const std::size_t most = protocol::elements_in_words<T>(mine.inbox_words());
  return in_rounds<T>(mine, of.share.count, most, [&](std::size_t first, std::size_t some) {
    const auto exchange = [&](const auto& begin) {
      return protocol::exchange_words<T, Kind::same_for_all>(
          group, mine, some, [&](int peer, std::size_t i) { return of(peer)(first + i); }, begin);
    };
    if constexpr (Kind::folds) {
      const moved<To> results{of.to, of.share.first + first};
      return exchange([&] { return fold_chunks<chunk, moved<To>, Reduction>{results, with}; });
    } else {
      const auto at = [&](int rank, std::size_t i) {
        return of.kind.begin_of(rank, of.count) + of.share.first + first + i;
      };
      return exchange([&] { return gather_chunks<chunk, To, decltype(at)>{of.to, at, some}; });
    }
  });
}

/// As they are, by way of staging areas.
template <class Group, class Turn, class T, class Kind, class From, class To, class Reduction>
RONDO_HOST_DEVICE bool exchange_staged(Group& group, Turn& mine,
                                       const shared_exchange<T, Kind, From, To>& of,
                                       const Reduction& with) {
  const auto run = [&](const auto& take) {
    return protocol::one_hop(
        group, mine, of.share.count,
        plain_exchange<Kind::same_for_all, T, Group, shared_exchange<T, Kind, From, To>,
                       std::remove_cvref_t<decltype(take)>>{group, of, take, of.kind.giver});
  };
  if constexpr (Kind::folds) {
    const moved<To> results = of.results();
    return run(fold_to<T, Group, moved<To>, Reduction>{group, results, with, mine.size()});
  } else {
    return run([&](const auto& source, std::size_t first, std::size_t some) {
      of.from_all(mine).each([&](int rank, std::size_t begin) {
        protocol::load_each(group, source(rank), of.to, begin + first, some);
      });
    });
  }
}

/// What elements are folded with; what only moves may be of a type that nobody can fold.
template <class Kind, class T, class Operation>
[[nodiscard]] RONDO_HOST_DEVICE auto fold_for([[maybe_unused]] const Operation& operation,
                                              [[maybe_unused]] int ranks) {
  if constexpr (Kind::folds) {
    return reduction<Operation, T>{operation, ranks};
  } else {
    return protocol::fold_nothing<T>{};
  }
}

/// `count` elements for each pair of ranks.
template <class T, class Algorithm, class Group, class Window, class Kind, class Operation,
          class Codec, class From, class To>
RONDO_HOST_DEVICE bool exchange(std::uint64_t types, Group& group, const Window& window,
                                std::size_t count, std::size_t grain, const Kind& kind,
                                const Operation& operation, const Codec& codec, const From& from,
                                const To& to) {
  constexpr bool wants_packets = std::is_same_v<Algorithm, packets>;
  static_assert(
      wants_packets || std::is_same_v<Algorithm, one_shot> || std::is_same_v<Algorithm, automatic>,
      "rondo: device: this collective in a kernel is one_shot, packets or automatic");
  static_assert(
      is_plain<Codec> || !wants_packets,
      "rondo: device: packets carry elements as they are; drop the codec or use one_shot");
  static_assert(!std::is_same_v<Kind, broadcasts> || !wants_packets,
                "rondo: device: broadcast does not go by packets: who only gives would not wait");
  if constexpr (codec::detail::is_cast<Codec>) {
    using wire = typename codec::detail::cast_wire<Codec>::type;
    return exchange<wire, Algorithm>(types, group, window, count, line_or<T>(grain), kind,
                                     operation, nothing_given{}, narrowed<wire, From>{from},
                                     widened<T, To>{to});
  } else {
    const part share = share_of<T>(window, count, granule{grain});
    const auto print = fingerprint(types, count, window.slot_count(), kind.giver);
    return in_call(group, window, print, [&](auto& mine) {
      if (!has_giver(kind, mine.size())) {
        mine.tell(trouble::bad_peer, kind.giver, 0);
        return false;
      }
      if (share.count == 0) {
        return true;
      }
      const shared_exchange<T, Kind, From, To> of{kind, from, to, count, share};
      if constexpr (!is_plain<Codec>) {
        return exchange_coded<Operation>(group, mine, of, codec);
      } else {
        const auto with = fold_for<Kind, T>(operation, mine.size());
        constexpr bool may_packet =
            !std::is_same_v<Kind, broadcasts> &&
            (!Kind::folds || protocol::folds_packs<T, std::remove_const_t<decltype(with)>>);
        static_assert(may_packet || !wants_packets,
                      "rondo: device: packets fold in registers; the element and its partial "
                      "result must be trivially default constructible");
        if constexpr (may_packet) {
          if (wants_packets || share.count <= protocol::elements_in_words<T>(mine.inbox_words())) {
            return exchange_by_packets(group, mine, of, with);
          }
        }
        return exchange_staged(group, mine, of, with);
      }
    });
  }
}

/// From peers' inputs to outputs where they lie.
template <class Group, class Window, class Kind, class Operation, class T>
RONDO_HOST_DEVICE bool exchange_where_they_lie(Group& group, const Window& window,
                                               std::size_t count, granule grain, const Kind& kind,
                                               const Operation& operation, const T* in,
                                               std::size_t in_count, T* out) {
  constexpr auto types = hash_of_types<T, Operation>(Kind::name);
  const part share = share_of<T>(window, count, grain);
  return in_call(
      group, window, fingerprint(types, count, window.slot_count(), kind.giver), [&](auto& mine) {
        const bool gives = kind.giver < 0 || kind.giver == mine.rank();
        const T* shown = in;
        if (!has_giver(kind, mine.size())) {
          mine.tell(trouble::bad_peer, kind.giver, 0);
          return false;
        }
        if (gives && !mine.show(shown, in_count * sizeof(T))) {
          return false;
        }
        if (share.count == 0) {
          return true;
        }
        const givers<Kind> from_all{kind, count, share.first, mine.rank(), mine.size()};
        const bool complete = protocol::rendezvous(
            group, mine, shown, static_cast<void*>(nullptr),
            [&](int, const auto& input_of, const auto&) {
              const auto source = [&](int rank) {
                return static_cast<const T*>(input_of(rank)) + kind.begin_for(mine.rank(), count) +
                       share.first;
              };
              if constexpr (Kind::folds) {
                const reduction<Operation, T> with{operation, mine.size()};
                protocol::fold_each(
                    group, source, mine.size(), [&](int) { return out + share.first; }, 1, 0,
                    share.count, with);
              } else {
                from_all.each([&](int rank, std::size_t begin) {
                  if (source(rank) != out + begin) {
                    const protocol::values_at<T> values{source(rank)};
                    const protocol::values_to<T> results{out + begin};
                    protocol::each_pack<T, protocol::pack_width<T>, 4>(
                        group, 0, share.count,
                        [&](auto width, std::size_t i) {
                          return values.template packed<decltype(width)::value>(i);
                        },
                        [&](std::size_t i, const auto& pack) { results.packed(i, pack); });
                  }
                });
              }
            });
        mine.advance();
        return complete;
      });
}

/// The arguments of a call with callables, sorted, and the call.
template <class Kind, class Group, class Window, class... Given>
RONDO_HOST_DEVICE bool exchange_values(const Kind& kind, Group& group, const Window& window,
                                       std::size_t count, const Given&... given) {
  using T = typename element_of_prologue<Given...>::type;
  check<typename Kind::takes, T, Given...>();
  require_epilogue<T, Given...>();
  const auto told = sorted<T>(given...);
  using of = decltype(told);
  constexpr auto types = hash_of_types<T, typename of::operation_type, typename of::algorithm_type,
                                       typename of::codec_type>(Kind::name);
  return exchange<T, typename of::algorithm_type>(types, group, window, count, told.grain.elements,
                                                  kind, told.operation, told.codec, told.prologue,
                                                  told.epilogue);
}

/// The same with buffers.
template <class Kind, class Group, class Window, class T, class... Given>
RONDO_HOST_DEVICE bool exchange_buffers(const Kind& kind, Group& group, const Window& window,
                                        std::size_t count, device_span<const T> in, T* out,
                                        const Given&... given) {
  check<typename Kind::takes, T, Given...>();
  const auto told = sorted<T>(given...);
  using of = decltype(told);
  if constexpr (std::is_same_v<typename of::algorithm_type, automatic> &&
                is_plain<typename of::codec_type>) {
    if (std::is_same_v<Kind, broadcasts> || !fits_packets<T>(window, count)) {
      return exchange_where_they_lie(group, window, count, told.grain, kind, told.operation,
                                     in.data(), in.size(), out);
    }
  }
  return exchange_values(kind, group, window, count, protocol::values_at<T>{in.data()},
                         protocol::values_to<T>{out}, given...);
}

}  // namespace rondo::inline v0_1::device::detail
