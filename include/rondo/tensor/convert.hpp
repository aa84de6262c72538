// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_reduce.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/reduce_scatter.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/tensor/conversion.hpp>
#include <rondo/tensor/detail/blocks.hpp>
#include <rondo/tensor/detail/pack.hpp>
#include <rondo/tensor/placement.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {
namespace detail {

/// A conversion that was begun with `async{}`: its result is there when `wait()` returns. It keeps
/// the counts that the call reads; its views belong to it until then.
template <class Pending>
class pending_conversion {
 public:
  template <class Begin>
  pending_conversion(std::vector<std::size_t> each, const Begin& begin)
      : each_{std::move(each)}, call_{begin(each_)} {}
  void wait() { call_.wait(); }

 private:
  std::vector<std::size_t> each_;
  Pending call_;
};

struct convert_call {
  static constexpr bool takes_team = true;  ///< where collectives take a communicator

  template <class Team, class From, class To, class... Given>
  static auto make(source_location where, const Team& ranks, const From& from, const To& to,
                   const Given&... given) {
    constexpr conversion what = conversion_of<From, To>();
    static_assert(Team::axis == From::axis,
                  "rondo: convert: the values lie on another axis than these ranks; pass "
                  "along<axis>(grid) with the placements' axis");
    constexpr bool moves = what != conversion::nothing && what != conversion::slice;
    static_assert(moves || sizeof...(Given) == 0,
                  "rondo: convert: this pair moves no bytes, so it takes no codec and no other "
                  "policy");
    using T = typename From::element;
    const matrix<const T> in = from.values;
    if constexpr (what == conversion::nothing) {
      check_shape("convert: the output", to.values.rows, to.values.columns, in.rows, in.columns,
                  ranks.rank());
      ranks.memory().copy(in, to.values);
    } else if constexpr (what == conversion::slice) {
      const blocks held = blocks_of(ranks, to, in.rows, in.columns);
      slice(ranks.memory(), in, held.rows(ranks.rank()), held.columns(ranks.rank()), to.values);
    } else if constexpr (what == conversion::all_reduce) {
      return reduce<From>(where, ranks, in, to.values, given...);
    } else if constexpr (what == conversion::reduce_scatter) {
      return scatter<From>(where, ranks, in, to, given...);
    } else if constexpr (what == conversion::all_gather) {
      return gather(where, ranks, from, to.values, given...);
    } else {
      exchange(where, ranks, from, to, given...);
    }
  }

 private:
  template <class... Given>
  static constexpr bool is_async = number_given<policy::async, Given...> == 1;

  template <class Team, class Shard>
  static blocks blocks_of(const Team& ranks, const Shard& shard, std::size_t rows,
                          std::size_t columns) {
    check_shard("convert", shard, ranks.rank(), ranks.size());
    constexpr bool by_rows = Shard::dimension == 0;
    check_shape("convert: the whole", rows, columns,
                by_rows ? shard.division->extent() : shard.values.rows,
                by_rows ? shard.values.columns : shard.division->extent(), ranks.rank());
    return {*shard.division, Shard::dimension, rows, columns};
  }

  static void count(const blocks& of, int ranks, std::vector<std::size_t>& each) {
    each.clear();
    for (int rank = 0; rank < ranks; ++rank) {
      each.push_back(of.elements(rank));
    }
  }

  /// Makes `call(counts)` now, or begins it with counts of its own.
  template <class... Given, class Team, class Call>
  static auto with_counts(const Team& ranks, const blocks& of, const Call& call) {
    if constexpr (is_async<Given...>) {
      std::vector<std::size_t> each;
      count(of, ranks.size(), each);
      return pending_conversion<decltype(call(each))>{std::move(each), call};
    } else {
      count(of, ranks.size(), ranks.passage().sent);
      call(ranks.passage().sent);
    }
  }

  /// A call that is under way cannot pack or unpack.
  template <class... Given>
  static void check_in_place(bool direct, int rank) {
    if (is_async<Given...> && !direct) {
      refuse(
          "convert: async{} needs rows without gaps and shards that lie one behind the other; "
          "call it without, or with contiguous views",
          rank);
    }
  }

  /// The values of a view, packed if it has gaps.
  template <class T, class Team>
  static std::span<const T> gapless(const Team& ranks, matrix<const T> from) {
    if (from.contiguous()) {
      return from.values();
    }
    const auto packed = ranks.passage().out.template get<T>(from.elements());
    ranks.memory().copy(from, matrix<T>{packed.data(), from.rows, from.columns});
    return packed;
  }

  /// Where to put the values of a view: itself, or room to copy from if it has gaps.
  template <class T, class Team>
  static std::span<T> gapless_room(const Team& ranks, matrix<T> to) {
    return to.contiguous() ? to.values() : ranks.passage().in.template get<T>(to.elements());
  }
  template <class T, class Team>
  static void spread(const Team& ranks, std::span<T> packed, matrix<T> to) {
    ranks.memory().copy(matrix<const T>{packed.data(), to.rows, to.columns}, to);
  }

  template <class From, class Team, class T, class... Given>
  static auto reduce(source_location where, const Team& ranks, matrix<const T> in, matrix<T> out,
                     const Given&... given) {
    check_shape("convert: the output", out.rows, out.columns, in.rows, in.columns, ranks.rank());
    check_in_place<Given...>(in.contiguous() && out.contiguous(), ranks.rank());
    const typename From::operation with{};
    const auto from = gapless(ranks, in);
    auto to = gapless_room(ranks, out);
    if constexpr (is_async<Given...>) {
      return all_reduce_call::make(where, ranks.comm(), from, to, with, given...);
    } else {
      all_reduce_call::make(where, ranks.comm(), from, to, with, given...);
      spread(ranks, to, out);
    }
  }

  template <class From, class Team, class T, class To, class... Given>
  static auto scatter(source_location where, const Team& ranks, matrix<const T> in, const To& to,
                      const Given&... given) {
    const blocks held = blocks_of(ranks, to, in.rows, in.columns);
    const bool direct = held.concatenate() && in.contiguous();
    check_in_place<Given...>(direct && to.values.contiguous(), ranks.rank());
    const typename From::operation with{};
    auto from = in.values();
    if (!direct) {
      count(held, ranks.size(), ranks.passage().sent);
      const auto packed = ranks.passage().out.template get<T>(total(ranks.passage().sent));
      T* next = packed.data();
      for (int rank = 0; rank < ranks.size(); ++rank) {
        next = pack(ranks.memory(), in, held.rows(rank), held.columns(rank), next);
      }
      from = packed;
    }
    auto out = gapless_room(ranks, to.values);
    const auto call = [&](const std::vector<std::size_t>& each) {
      return reduce_scatter_call::make(where, ranks.comm(), from, out, with, counts{each},
                                       given...);
    };
    if constexpr (is_async<Given...>) {
      return with_counts<Given...>(ranks, held, call);
    } else {
      with_counts<Given...>(ranks, held, call);
      spread(ranks, out, to.values);
    }
  }

  template <class Team, class From, class T, class... Given>
  static auto gather(source_location where, const Team& ranks, const From& from, matrix<T> to,
                     const Given&... given) {
    const blocks held = blocks_of(ranks, from, to.rows, to.columns);
    check_disjoint("convert: all_gather of", *from.division, ranks.rank());
    const bool direct = held.concatenate() && to.contiguous();
    check_in_place<Given...>(direct && from.values.contiguous(), ranks.rank());
    const auto in = gapless<T>(ranks, from.values);
    auto out = direct ? to.values() : ranks.passage().in.template get<T>(to.elements());
    const auto call = [&](const std::vector<std::size_t>& each) {
      return all_gather_call::make(where, ranks.comm(), in, out, counts{each}, given...);
    };
    if constexpr (is_async<Given...>) {
      return with_counts<Given...>(ranks, held, call);
    } else {
      with_counts<Given...>(ranks, held, call);
      const T* next = out.data();
      for (int rank = 0; !direct && rank < ranks.size(); ++rank) {
        next = unpack(ranks.memory(), next, to, held.rows(rank), held.columns(rank));
      }
    }
  }

  template <class Team, class From, class To, class... Given>
  static void exchange(source_location where, const Team& ranks, const From& from, const To& to,
                       const Given&... given) {
    static_assert(!is_async<Given...>,
                  "rondo: convert: between shards of two dimensions blocks are packed; call it "
                  "without async{}");
    using T = typename From::element;
    constexpr bool by_rows = From::dimension == 0;  // rows are cut before, columns afterwards
    const std::size_t rows = by_rows ? from.division->extent() : to.division->extent();
    const std::size_t columns = by_rows ? to.division->extent() : from.division->extent();
    const blocks before = blocks_of(ranks, from, rows, columns);
    const blocks after = blocks_of(ranks, to, rows, columns);
    check_disjoint("convert: all_to_all of", *from.division, ranks.rank());
    auto& through = ranks.passage();
    through.sent.clear();
    through.received.clear();
    for (int rank = 0; rank < ranks.size(); ++rank) {
      through.sent.push_back(from.division->width(ranks.rank()) * to.division->width(rank));
      through.received.push_back(from.division->width(rank) * to.division->width(ranks.rank()));
    }
    const auto out = through.out.template get<T>(total(through.sent));
    auto in = through.in.template get<T>(total(through.received));
    const auto memory = ranks.memory();
    const matrix<const T> held_here = from.values;
    const part mine{0, by_rows ? from.values.rows : from.values.columns};
    T* next = out.data();
    for (int rank = 0; rank < ranks.size(); ++rank) {
      next = by_rows ? pack(memory, held_here, one(mine), after.columns(rank), next)
                     : pack(memory, held_here, after.rows(rank), one(mine), next);
    }
    all_to_all_call::make(where, ranks.comm(), out, in, counts{through.sent, through.received},
                          given...);
    const part here{0, by_rows ? to.values.columns : to.values.rows};
    const T* read = in.data();
    for (int rank = 0; rank < ranks.size(); ++rank) {
      read = by_rows ? unpack(memory, read, to.values, before.rows(rank), one(here))
                     : unpack(memory, read, to.values, one(here), before.columns(rank));
    }
  }

  static std::span<const part> one(const part& run) { return {&run, 1}; }
};

}  // namespace detail

/// Turns one placement of a matrix into another by the collective that the two types call for:
///
///     auto tensor = rondo::along<"tensor">(grid);
///     rondo::convert(tensor, rondo::partial<float>{y}, rondo::replicated<float>{y});
///
///     partial -> replicated      all_reduce        replicated -> sharded<d>    slice, no bytes
///     partial -> sharded<d>      reduce_scatter    sharded<a> -> sharded<b>    all_to_all
///     sharded<d> -> replicated   all_gather        anything else               does not compile
///     policies: a codec and an algorithm where bytes move; async{} where nothing needs packing
///
/// All ranks of the axis call it. Views without gaps whose shards lie one behind the other are sent
/// from where they are; others pass through memory that the communicator keeps.
/// Cost, of E elements of the whole matrix: all_reduce 2 (n-1)/n E per rank, reduce_scatter and
/// all_gather (n-1)/n E, all_to_all (n-1)/n^2 E.
/// Errors: as the collective; error_code::invalid_argument for shapes that do not fit the cut.
RONDO_COLLECTIVE(convert);

}  // namespace rondo::inline v0_1
