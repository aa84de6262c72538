// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/arguments.hpp>
#include <rondo/device/coded.hpp>
#include <rondo/device/in_call.hpp>
#include <rondo/device/plain.hpp>
#include <rondo/protocol/rendezvous.hpp>

/// What reduce-scatter, all-gather, all-to-all and broadcast have in common: every rank gives a
/// part to every rank, once.
namespace rondo::inline v0_1::device::detail {

/// Which part of its prologue a rank gives to a peer, and where what it gets stands: as
/// `begin_for(peer, count)` and `begin_of(rank, count)`.
struct scatters {
  static constexpr bool same_for_all = false;
  int giver = -1;
  RONDO_HOST_DEVICE static std::size_t begin_for(int peer, std::size_t count) {
    return static_cast<std::size_t>(peer) * count;
  }
  RONDO_HOST_DEVICE static std::size_t begin_of(int, std::size_t) { return 0; }
};
struct gathers {
  static constexpr bool same_for_all = true;
  int giver = -1;
  RONDO_HOST_DEVICE static std::size_t begin_for(int, std::size_t) { return 0; }
  RONDO_HOST_DEVICE static std::size_t begin_of(int rank, std::size_t count) {
    return static_cast<std::size_t>(rank) * count;
  }
};
struct transposes {
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
  static constexpr bool same_for_all = true;
  int giver = 0;
  RONDO_HOST_DEVICE static std::size_t begin_for(int, std::size_t) { return 0; }
  RONDO_HOST_DEVICE static std::size_t begin_of(int, std::size_t) { return 0; }
};

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

/// `count` elements for each pair of ranks; folded where `Operation` is not absent.
template <class T, class Kind, class Algorithm, class Operation, class Codec, class Group,
          class Window, class From, class To>
RONDO_HOST_DEVICE bool exchange(std::uint64_t types, Group& group, const Window& window,
                                std::size_t count, std::size_t grain, const Kind& kind,
                                const Operation& operation, const Codec& codec, const From& from,
                                const To& to) {
  static_assert(std::is_same_v<Algorithm, one_shot> || std::is_same_v<Algorithm, packets> ||
                    std::is_same_v<Algorithm, automatic>,
                "rondo: device: this collective in a kernel is one_shot, packets or automatic");
  constexpr bool folds = !std::is_same_v<Operation, absent>;
  constexpr bool plain = is_plain<Codec>;
  constexpr bool wants_packets = std::is_same_v<Algorithm, packets>;
  static_assert(
      plain || !wants_packets,
      "rondo: device: packets carry elements as they are; drop the codec or use one_shot");
  static_assert(!std::is_same_v<Kind, broadcasts> || !wants_packets,
                "rondo: device: broadcast does not go by packets: who only gives would not wait");
  if constexpr (is_cast<Codec>) {
    using wire = typename wire_of<Codec>::type;
    return exchange<wire, Kind, Algorithm>(types, group, window, count, line_or<T>(grain), kind,
                                           operation, absent{}, narrowed<wire, From>{from},
                                           widened<T, To>{to});
  } else {
    const part share = share_of<T>(window, count, granule{grain});
    return in_call(
        group, window, fingerprint(types, count, window.slots(), kind.giver), [&](auto& mine) {
          if (share.count == 0) {
            return true;
          }
          if (kind.giver >= mine.size()) {
            mine.tell(trouble::bad_peer, kind.giver, 0);
            return false;
          }
          const auto for_peer = [&](int peer) {
            return moved{from, kind.begin_for(peer, count) + share.first};
          };
          const givers<Kind> from_all{kind, count, share.first, mine.rank(), mine.size()};
          if constexpr (!plain) {
            if (!has_threads(group, mine, 32)) {
              return false;
            }
            const coder<Codec, Group> coding{
                codec, group,
                codec::context{mine.call(), static_cast<std::uint32_t>(mine.rank()), share.first}};
            const auto take = [&](const auto& source, std::size_t first, std::size_t some) {
              if constexpr (folds) {
                const moved<To> results{to, share.first};
                coding.template decode<T>(source, mine.size(), factor_of<Operation>(mine.size()),
                                          results, first, some);
              } else {
                from_all.each([&](int rank, std::size_t begin) {
                  const moved<To> results{to, begin};
                  coding.template decode<T>([&](int) { return source(rank); }, 1, 1.0f, results,
                                            first, some);
                });
              }
            };
            return protocol::one_hop(
                group, mine, share.count,
                coded_exchange<Kind::same_for_all, T, Codec, Group, decltype(for_peer),
                               decltype(take)>{coding, for_peer, take, kind.giver});
          } else {
            using with_type = reduction<std::conditional_t<folds, Operation, op::sum>, T>;
            constexpr bool may_packet = !std::is_same_v<Kind, broadcasts> &&
                                        (!folds || protocol::folds_packs<T, with_type>);
            static_assert(may_packet || !wants_packets,
                          "rondo: device: packets fold in registers; the element and its partial "
                          "result must be trivially default constructible");
            if constexpr (may_packet) {
              if (protocol::fits_inboxes<T>(mine, share.count)) {
                const auto give = [&](int peer, std::size_t i) { return for_peer(peer)(i); };
                if constexpr (folds) {
                  const with_type with{operation, mine.size()};
                  const moved<To> results{to, share.first};
                  return protocol::exchange_words<T, Kind::same_for_all>(
                      group, mine, share.count, give, [&] {
                        return fold_chunks<protocol::word_chunk<T>, moved<To>, with_type>{results,
                                                                                          with};
                      });
                } else {
                  const auto at = [&](int rank, std::size_t i) {
                    return kind.begin_of(rank, count) + share.first + i;
                  };
                  return protocol::exchange_words<T, Kind::same_for_all>(
                      group, mine, share.count, give, [&] {
                        return gather_chunks<protocol::word_chunk<T>, To, decltype(at)>{
                            to, at, share.count};
                      });
                }
              }
              if constexpr (wants_packets) {
                mine.cannot_stage(share.count * sizeof(T), 1);
                return false;
              }
            }
            const auto run = [&](const auto& take) {
              return protocol::one_hop(
                  group, mine, share.count,
                  plain_exchange<Kind::same_for_all, T, Group, decltype(for_peer),
                                 std::remove_cvref_t<decltype(take)>>{group, for_peer, take,
                                                                      kind.giver});
            };
            if constexpr (folds) {
              const with_type with{operation, mine.size()};
              const moved<To> results{to, share.first};
              return run(
                  fold_to<T, Group, moved<To>, with_type>{group, results, with, mine.size()});
            } else {
              return run([&](const auto& source, std::size_t first, std::size_t some) {
                from_all.each([&](int rank, std::size_t begin) {
                  protocol::load_each(group, source(rank), to, begin + first, some);
                });
              });
            }
          }
        });
  }
}

/// From peers' inputs to outputs where they lie.
template <class T, class Kind, class Operation, class Group, class Window>
RONDO_HOST_DEVICE bool exchange_where_they_lie(std::uint64_t types, Group& group,
                                               const Window& window,
                                               std::size_t count, granule grain,
                                               const Kind& kind, const Operation& operation,
                                               const T* in, std::size_t in_count, T* out) {
  const part share = share_of<T>(window, count, grain);
  return in_call(
      group, window, fingerprint(types, count, window.slots(), kind.giver), [&](auto& mine) {
        const bool gives = kind.giver < 0 || kind.giver == mine.rank();
        const T* shown = in;
        if (kind.giver >= mine.size()) {
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
            [&](const auto& input_of, const auto&) {
              const auto source = [&](int rank) {
                return static_cast<const T*>(input_of(rank)) + kind.begin_for(mine.rank(), count) +
                       share.first;
              };
              if constexpr (!std::is_same_v<Operation, absent>) {
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

template <class Kind, bool Folds>
using taken = std::conditional_t<
    Folds, of_folds, std::conditional_t<std::is_same_v<Kind, broadcasts>, of_root, of_moves>>;

/// The arguments of a call with callables, sorted, and the call.
template <class Kind, bool Folds, class Group, class Window, class... Given>
RONDO_HOST_DEVICE bool exchange_values(std::uint64_t name, Group& group, const Window& window,
                                       std::size_t count, const Kind& kind, const Given&... given) {
  using T = typename element_of_prologue<Given...>::type;
  check<taken<Kind, Folds>, T, Given...>();
  using of = with_elements<T>;
  static_assert((of::template is_epilogue<Given>::value || ...),
                "rondo: device: a count needs an epilogue, callable as (std::size_t, element), to "
                "take the results");
  const auto operation = [&] {
    if constexpr (Folds) {
      return pick<of::template is_operation>(op::sum{}, given...);
    } else {
      return absent{};
    }
  }();
  const auto algorithm = pick<is_algorithm>(automatic{}, given...);
  const auto codec = pick<is_codec>(absent{}, given...);
  const auto grain = pick<is_granule>(granule{}, given...);
  const auto prologue = pick<is_prologue>(absent{}, given...);
  const auto epilogue = pick<of::template is_epilogue>(absent{}, given...);
  using algorithm_type = std::remove_cv_t<decltype(algorithm)>;
  constexpr auto types = hash_of_types<T, decltype(operation), algorithm_type, decltype(codec)>("");
  return exchange<T, Kind, algorithm_type>(types ^ name, group, window, count, grain.elements, kind,
                                           operation, codec, prologue, epilogue);
}

/// The same with buffers.
template <class Kind, bool Folds, class Group, class Window, class T, class... Given>
RONDO_HOST_DEVICE bool exchange_buffers(std::uint64_t name, Group& group, const Window& window,
                                        std::size_t count, const Kind& kind,
                                        device_span<const T> in, T* out, const Given&... given) {
  check<taken<Kind, Folds>, T, Given...>();
  using of = with_elements<T>;
  const auto algorithm = pick<is_algorithm>(automatic{}, given...);
  const auto codec = pick<is_codec>(absent{}, given...);
  if constexpr (std::is_same_v<std::remove_cv_t<decltype(algorithm)>, automatic> &&
                is_plain<std::remove_cv_t<decltype(codec)>>) {
    if (std::is_same_v<Kind, broadcasts> || !fits_packets<T>(window, count)) {
      const auto operation = [&] {
        if constexpr (Folds) {
          return pick<of::template is_operation>(op::sum{}, given...);
        } else {
          return absent{};
        }
      }();
      constexpr auto types = hash_of_types<T, decltype(operation)>("buffers");
      return exchange_where_they_lie<T, Kind>(types ^ name, group, window, count,
                                              pick<is_granule>(granule{}, given...), kind,
                                              operation, in.data(), in.size(), out);
    }
  }
  const protocol::values_at<T> prologue{in.data()};
  const protocol::values_to<T> epilogue{out};
  return exchange_values<Kind, Folds>(name, group, window, count, kind, prologue, epilogue,
                                      given...);
}

}  // namespace rondo::inline v0_1::device::detail
