// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/arguments.hpp>
#include <rondo/device/detail/coded.hpp>
#include <rondo/device/detail/elements.hpp>
#include <rondo/device/detail/from_buffers.hpp>
#include <rondo/device/detail/in_call.hpp>
#include <rondo/device/detail/plain.hpp>
#include <rondo/protocol/lines.hpp>
#include <rondo/protocol/one_hop.hpp>
#include <rondo/protocol/ring.hpp>
#include <rondo/protocol/two_hops.hpp>
#include <rondo/protocol/two_shot.hpp>

namespace rondo::inline v0_1::device {

namespace detail {

/// Through packets of one word each.
template <class T, class Group, class Turn, class From, class To, class Reduction>
RONDO_HOST_DEVICE bool reduce_by_words(Group& group, Turn& mine, std::size_t count,
                                       const From& from, const To& to, const Reduction& with) {
  return in_rounds<T>(
      mine, count, protocol::elements_in_words<T>(mine.inbox_words()),
      [&](std::size_t first, std::size_t some) {
        const moved<To> results{to, first};
        return protocol::exchange_words<T, true>(
            group, mine, some, [&](int, std::size_t i) { return from(first + i); },
            [&] {
              return fold_chunks<protocol::word_chunk<T>, moved<To>, Reduction>{results, with};
            });
      });
}
/// Through packets of whole lines.
template <class T, class Group, class Turn, class From, class To, class Reduction>
RONDO_HOST_DEVICE bool reduce_by_lines(Group& group, Turn& mine, std::size_t count,
                                       const From& from, const To& to, const Reduction& with) {
  if (!has_threads(group, mine, protocol::lanes_of_line)) {
    return false;
  }
  return in_rounds<T>(
      mine, count, mine.lines() * protocol::elements_of_line<T>,
      [&](std::size_t first, std::size_t some) {
        const moved<To> results{to, first};
        return protocol::exchange_lines<T, true>(
            group, mine, some, [&](int, std::size_t i) { return from(first + i); },
            [&] {
              return fold_chunks<protocol::line_chunk<T>, moved<To>, Reduction>{results, with};
            });
      });
}

/// Elements as they are.
template <class T, class Algorithm, class Group, class Turn, class From, class To, class Reduction>
RONDO_HOST_DEVICE bool reduce_plain(Group& group, Turn& mine, std::size_t count, const From& from,
                                    const To& to, const Reduction& with) {
  constexpr bool may_packet = protocol::folds_packs<T, Reduction>;
  constexpr bool wants_packets = std::is_same_v<Algorithm, packets>;
  static_assert(may_packet || !wants_packets,
                "rondo: device: packets fold in registers; the element and its partial result must "
                "be trivially default constructible");
  if constexpr (may_packet && (wants_packets || std::is_same_v<Algorithm, one_shot> ||
                               std::is_same_v<Algorithm, automatic>)) {
    if (wants_packets || count <= protocol::elements_in_words<T>(mine.inbox_words())) {
      return reduce_by_words<T>(group, mine, count, from, to, with);
    }
  }
  if constexpr (std::is_same_v<Algorithm, line_packets>) {
    static_assert(may_packet,
                  "rondo: device: line_packets fold in registers; the element and its "
                  "partial result must be trivially default constructible");
    return reduce_by_lines<T>(group, mine, count, from, to, with);
  } else if constexpr (std::is_same_v<Algorithm, ring>) {
    return protocol::ring_all_reduce<T>(group, mine, count, from, to, with);
  } else if constexpr (std::is_same_v<Algorithm, one_shot>) {
    const auto same = [&](int) { return moved{from, 0}; };
    const fold_to<T, Group, To, Reduction> take{group, to, with, mine.size()};
    return protocol::one_hop(
        group, mine, count,
        plain_exchange<true, T, Group, decltype(same), decltype(take)>{group, same, take});
  } else {
    constexpr auto how =
        std::is_same_v<Algorithm, two_shot_pull> ? protocol::access::pull : protocol::access::push;
    return protocol::two_hops(
        group, mine, count,
        plain_all_reduce<how, T, Group, From, To, Reduction>{group, from, to, with, mine.size()});
  }
}

/// Elements through a block codec.
template <class T, class Algorithm, class Operation, class Group, class Turn, class From, class To,
          class Codec>
RONDO_HOST_DEVICE bool reduce_coded(Group& group, Turn& mine, std::size_t count, const From& from,
                                    const To& to, const Codec& codec, const codec::context& where) {
  static_assert(
      !std::is_same_v<Algorithm, ring> && !std::is_same_v<Algorithm, packets> &&
          !std::is_same_v<Algorithm, line_packets>,
      "rondo: device: a codec would encode anew at every hop of a ring, and packets carry "
      "elements as they are; use one_shot or two_shot");
  if (!has_threads(group, mine, 32)) {
    return false;
  }
  const coder<Codec, Group> coding{codec, group, where};
  const float divisor = codec_divisor_of<Operation>(mine.size());
  if constexpr (std::is_same_v<Algorithm, one_shot>) {
    const auto same = [&](int) { return moved{from, 0}; };
    const auto take = [&](const auto& source, std::size_t first, std::size_t some) {
      coding.template decode<T>(source, mine.size(), divisor, to, first, some);
    };
    return protocol::one_hop(
        group, mine, count,
        coded_exchange<true, T, Codec, Group, decltype(same), decltype(take)>{coding, same, take});
  } else {
    constexpr auto how =
        std::is_same_v<Algorithm, two_shot_pull> ? protocol::access::pull : protocol::access::push;
    return protocol::two_hops(
        group, mine, count,
        coded_all_reduce<how, T, Codec, Group, From, To>{coding, from, to, divisor, mine.size()});
  }
}

template <class T, class Algorithm, class Operation, class Codec, class Group, class Window,
          class From, class To>
RONDO_HOST_DEVICE bool all_reduce(Group& group, const Window& window, std::size_t count,
                                  std::size_t grain, const Operation& operation, const Codec& codec,
                                  const From& from, const To& to) {
  static_assert(
      std::is_same_v<Algorithm, ring> || std::is_same_v<Algorithm, one_shot> ||
          std::is_same_v<Algorithm, two_shot> || std::is_same_v<Algorithm, packets> ||
          std::is_same_v<Algorithm, line_packets> || std::is_same_v<Algorithm, two_shot_push> ||
          std::is_same_v<Algorithm, two_shot_pull> || std::is_same_v<Algorithm, automatic>,
      "rondo: device: all_reduce in a kernel is one_shot, two_shot, two_shot_push, "
      "two_shot_pull, packets, line_packets, ring or automatic");
  if constexpr (codec::detail::is_cast<Codec>) {
    using wire = typename codec::detail::cast_wire<Codec>::type;
    return all_reduce<wire, Algorithm>(group, window, count, line_or<T>(grain), operation,
                                       nothing_given{}, narrowed<wire, From>{from},
                                       widened<T, To>{to});
  } else {
    constexpr bool plain = is_plain<Codec>;

    const part mine_of = share_of<T>(window, count, granule{grain});
    constexpr auto types = hash_of_types<T, Operation, Algorithm, Codec>("all_reduce");
    return in_call(group, window, fingerprint(types, count, window.slot_count()), [&](auto& mine) {
      if (mine_of.count == 0) {
        return true;
      }
      const moved<From> values{from, mine_of.first};
      const moved<To> results{to, mine_of.first};
      if constexpr (plain) {
        const reduction<Operation, T> with{operation, mine.size()};
        return reduce_plain<T, Algorithm>(group, mine, mine_of.count, values, results, with);
      } else {
        const codec::context where{mine.call(), static_cast<std::uint32_t>(mine.rank()),
                                   mine_of.first};
        return reduce_coded<T, Algorithm, Operation>(group, mine, mine_of.count, values, results,
                                                     codec, where);
      }
    });
  }
}

/// From input to output where they lie: each rank loads its part from all inputs and stores it to
/// all outputs.
template <class T, class Operation, class Group, class Window>
RONDO_HOST_DEVICE bool all_reduce_where_they_lie(Group& group, const Window& window, const T* in,
                                                 T* out, std::size_t count, granule grain,
                                                 const Operation& operation) {
  const part mine_of = share_of<T>(window, count, grain);
  constexpr auto types = hash_of_types<T, Operation, two_shot>("all_reduce of buffers");
  return in_call(group, window, fingerprint(types, count, window.slot_count()), [&](auto& mine) {
    const reduction<Operation, T> with{operation, mine.size()};
    const T* shown_in = in;
    T* shown_out = out;
    if (!mine.show(shown_in, count * sizeof(T)) || !mine.show(shown_out, count * sizeof(T))) {
      return false;
    }
    if (mine_of.count == 0) {
      return true;
    }
    const bool complete = protocol::two_shot_all_reduce(
        group, mine, shown_in + mine_of.first, shown_out + mine_of.first, mine_of.count, with);
    mine.advance();
    return complete;
  });
}

/// Calls with buffers that go from where the elements lie.
template <class Algorithm, class Codec>
inline constexpr bool goes_where_they_lie = is_plain<Codec> &&
                                            (std::is_same_v<Algorithm, two_shot> ||
                                             std::is_same_v<Algorithm, automatic>);

/// From inputs where they lie to an epilogue.
template <class T, class Operation, class Group, class Window, class To>
RONDO_HOST_DEVICE bool all_reduce_from_buffers(Group& group, const Window& window, const T* in,
                                               std::size_t count, std::size_t grain,
                                               const Operation& operation, const To& to) {
  const part mine_of = share_of<T>(window, count, granule{grain});
  constexpr auto types = hash_of_types<T, Operation, two_shot>("all_reduce from buffers");
  return in_call(group, window, fingerprint(types, count, window.slot_count()), [&](auto& mine) {
    const reduction<Operation, T> with{operation, mine.size()};
    const T* shown = in;
    if (!mine.show(shown, count * sizeof(T))) {
      return false;
    }
    if (mine_of.count == 0) {
      return true;
    }
    return reduce_from_buffers<T>(group, mine, shown + mine_of.first, mine_of.count,
                                  moved<To>{to, mine_of.first}, with);
  });
}

}  // namespace detail

/// Folds element i of all ranks, for i < count, and gives the result to all ranks: called by all
/// threads of one block, or a group like it, on every rank, by as many blocks on each; blocks share
/// the elements. `prologue(i)` gives this rank's element, from registers or wherever; `epilogue(i,
/// value)` takes the result. Both are called once per element (the prologue: at least once), by any
/// thread of the group that owns it.
///
///     rondo::device::all_reduce(block, window, n, rondo::op::sum{}, rondo::two_shot{},
///                               [&](std::size_t i) { return x[i] + bias[i]; },
///                               [&](std::size_t i, float value) { out[i] = gelu(value); });
///
/// Takes an operation (default sum), an algorithm (one_shot, two_shot, two_shot_push,
/// two_shot_pull, packets, line_packets, ring; default automatic: packets where they fit, else
/// two_shot), a codec, `granule`. Order: ranks 0 .. n-1, but for ring; 16-bit types are folded in
/// fp32. The same bits on all ranks.
///
/// Cost, for n ranks and B bytes of elements (of wire, with a codec): what crosses from each rank
/// to its peers, and how often it waits for them.
///
/// | algorithm | crosses | waits |
/// |---|---|---|
/// | `packets` | (n - 1) 2 B: 4 bytes of data in a word of 8 | 1 a round |
/// | `line_packets` | (n - 1) 16/15 B: 120 bytes of data in a line of 128 | 1 a round |
/// | `one_shot`, past the size of packets | (n - 1) B | 1 a round |
/// | `two_shot`, push, pull | 2 (n - 1) / n B | 1 a round, and 1 |
/// | `ring` | 2 (n - 1) / n B | 2 n - 1 a round |
///
/// A round is what fits a slot's staging, half of `window_bytes` / (slots x channels); of packets,
/// `packet_bytes`, of lines of them, 15/8 of that.
///
/// Errors: none are thrown in a kernel. False, on all threads of the group, when a wait was in vain
/// or the call cannot be made; what was stored and handed to the epilogue by then is not to be
/// used. The window's `check()` then throws on the host: `timeout` of the rank that did not come
/// within `patience`, `mismatch` of the rank that makes another call, error_code::invalid_argument
/// for more blocks than slots, one element larger than the staging, or fewer than 32 threads with a
/// codec. Later calls on that window return false at once.
template <class Group, peer_window Window, class... Given>
RONDO_HOST_DEVICE bool all_reduce(Group group, const Window& window, std::size_t count,
                                  const Given&... given) {
  using T = typename detail::element_of_prologue<Given...>::type;
  detail::check<detail::of_folds, T, Given...>();
  detail::require_epilogue<T, Given...>();
  const auto told = detail::sorted<T>(given...);
  return detail::all_reduce<T, typename decltype(told)::algorithm_type>(
      group, window, count, told.grain.elements, told.operation, told.codec, told.prologue,
      told.epilogue);
}

/// The same from one buffer to another, or in place; as many elements each. With two_shot (or
/// automatic, past the size of packets) and no codec, nothing is copied on the way: ranks load from
/// peers' inputs and store to peers' outputs. Where peers are other processes, both must then lie
/// in the window's heap.
/// Cost: so, a rank loads B / n from each input and stores B / n to each output, and waits twice.
/// Errors: as above, and error_code::invalid_argument for a buffer that peers do not reach.
template <class Group, peer_window Window, class T, class... Given>
RONDO_HOST_DEVICE bool all_reduce(Group group, const Window& window, device_span<const T> in,
                                  device_span<T> out, const Given&... given) {
  detail::check<detail::of_folds, T, Given...>();
  static_assert(!detail::with_elements<T>::template gives_epilogue<Given...> &&
                    !(detail::is_prologue<Given>::value || ...),
                "rondo: device: from one buffer to another there is no prologue and no epilogue; "
                "pass the input and an epilogue, or a count, a prologue and an epilogue");
  const auto told = detail::sorted<T>(given...);
  using algorithm = typename decltype(told)::algorithm_type;
  if constexpr (detail::goes_where_they_lie<algorithm, typename decltype(told)::codec_type>) {
    if (std::is_same_v<algorithm, two_shot> || !detail::fits_packets<T>(window, in.size())) {
      return detail::all_reduce_where_they_lie<T>(group, window, in.data(), out.data(), in.size(),
                                                  told.grain, told.operation);
    }
  }
  return detail::all_reduce<T, algorithm>(
      group, window, in.size(), told.grain.elements, told.operation, told.codec,
      protocol::values_at<T>{in.data()}, protocol::values_to<T>{out.data()});
}

/// The same from a buffer to an epilogue. With two_shot (or automatic, past the size of packets)
/// and no codec, peers' inputs are read where they lie, and only results are copied. The epilogue
/// may overwrite element i of the input. Where peers are other processes, the input must lie in the
/// window's heap.
/// Cost: so, a rank loads B / n from each input, stores it to n - 1 peers' staging, and waits once
/// a round, and once. Errors: as from buffer to buffer.
template <class Group, peer_window Window, class T, class... Given>
requires(detail::with_elements<std::remove_const_t<T>>::template gives_epilogue<Given...>)
    RONDO_HOST_DEVICE
    bool all_reduce(Group group, const Window& window, device_span<T> in, const Given&... given) {
  using element = std::remove_const_t<T>;
  detail::check<detail::of_folds, element, Given...>();
  const auto told = detail::sorted<element>(given...);
  using algorithm = typename decltype(told)::algorithm_type;
  if constexpr (detail::goes_where_they_lie<algorithm, typename decltype(told)::codec_type>) {
    if (std::is_same_v<algorithm, two_shot> || !detail::fits_packets<element>(window, in.size())) {
      return detail::all_reduce_from_buffers<element>(
          group, window, in.data(), in.size(), told.grain.elements, told.operation, told.epilogue);
    }
  }
  return detail::all_reduce<element, algorithm>(
      group, window, in.size(), told.grain.elements, told.operation, told.codec,
      protocol::values_at<element>{in.data()}, told.epilogue);
}

/// The same in place.
template <class Group, peer_window Window, class T, class... Given>
requires(!std::is_const_v<T> &&
         !detail::with_elements<T>::template gives_epilogue<Given...>) RONDO_HOST_DEVICE
    bool all_reduce(Group group, const Window& window, device_span<T> values,
                    const Given&... given) {
  return device::all_reduce(group, window, device_span<const T>{values}, values, given...);
}

}  // namespace rondo::inline v0_1::device
