// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/constant_vector.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <string_view>

/// A collective as data: for each rank, the list of steps it makes. The same list is executed,
/// proved, simulated and drawn.
///
/// A rank has three memories, each cut into the same logical chunks 0 .. chunks-1:
///
///     input    what the caller gave (read only; may be the same bytes as the output)
///     output   what the caller gets
///     scratch  slots of one chunk each, the schedule's own
///
/// Steps carry a round. The steps of one round start together; a rank enters its next round when
/// all of them are complete, sends included. So within a round no step may write what another one
/// reads or writes; `prove` checks that, with input and output apart and as the same memory. Steps
/// are listed by ascending round, and a rank may have no steps in some rounds. Messages between two
/// ranks match in the order in which they are listed.
///
/// A collective in which a rank owns a chunk (reduce_scatter, all_gather, all_to_all, gather,
/// scatter) has `chunks == size`. Of input and output a program uses only the chunks that its
/// rank's caller has: all_gather and gather read input chunk `rank`, reduce_scatter and scatter
/// write output chunk `rank`, and reduce and gather (output), broadcast and scatter (input) need
/// the other one only at the root. In all_to_all input chunk d goes to rank d and output chunk s
/// comes from rank s. In place, chunk c of the input is chunk c of the output, and a copy onto
/// itself is no work.
namespace rondo::inline v0_1::schedule {

/// What ranks do together; schedule/collectives.hpp says what each ends with.
enum class collective : unsigned char {
  all_reduce,
  reduce_scatter,
  all_gather,
  all_to_all,
  reduce,
  broadcast,
  gather,
  scatter,
  barrier
};

/// As it is written in calls.
[[nodiscard]] constexpr std::string_view name_of(collective what) noexcept {
  constexpr std::string_view names[] = {"all_reduce", "reduce_scatter", "all_gather",
                                        "all_to_all", "reduce",         "broadcast",
                                        "gather",     "scatter",        "barrier"};
  return names[static_cast<unsigned char>(what)];
}

/// True of collectives that take an operation.
[[nodiscard]] constexpr bool folds(collective what) noexcept {
  return what == collective::all_reduce || what == collective::reduce_scatter ||
         what == collective::reduce;
}

/// A collective as a type, to choose among `generate` overloads.
template <collective What>
struct make {
  static constexpr collective what = What;
};

/// Where a run of chunks lies.
enum class region : unsigned char {
  nothing,
  input,
  output,
  scratch,
  wire  ///< the message that this step receives
};

/// `count` consecutive chunks beginning with chunk `first`. In scratch they lie packed from `slot`
/// on; in a schedule that is not `uniform` a scratch run is read back just as it was written, and
/// in a `uniform` one it is `count` slots of one size, whatever `first` says. A run of no chunks is
/// a message without data.
struct run {
  region where = region::nothing;
  int first = 0;
  int count = 1;
  int slot = 0;
  friend constexpr bool operator==(const run&, const run&) = default;
};

/// `count` chunks of the input from `first` on.
[[nodiscard]] constexpr run in_input(int first, int count = 1) {
  return {region::input, first, count, 0};
}
/// Likewise of the output.
[[nodiscard]] constexpr run in_output(int first, int count = 1) {
  return {region::output, first, count, 0};
}
/// Likewise in scratch, packed from `slot` on.
[[nodiscard]] constexpr run in_scratch(int slot, int first, int count = 1) {
  return {region::scratch, first, count, slot};
}
/// Likewise of the message that the step receives.
[[nodiscard]] constexpr run on_wire(int first, int count = 1) {
  return {region::wire, first, count, 0};
}

inline constexpr run no_data{region::nothing, 0, 0, 0};

enum class verb : unsigned char {
  send,          ///< left  -> peer
  receive,       ///< into  <- peer
  receive_fold,  ///< into  <- left + right, one of which is on the wire from peer
  fold,          ///< into  <- left + right
  copy           ///< into  <- left
};

/// As it is written here.
[[nodiscard]] constexpr std::string_view name_of(verb what) noexcept {
  constexpr std::string_view names[] = {"send", "receive", "receive_fold", "fold", "copy"};
  return names[static_cast<unsigned char>(what)];
}

/// True of steps that take another rank, too.
[[nodiscard]] constexpr bool is_message(verb what) noexcept {
  return what != verb::fold && what != verb::copy;
}

/// True of steps that fold.
[[nodiscard]] constexpr bool folds(verb what) noexcept {
  return what == verb::fold || what == verb::receive_fold;
}

/// One action of one rank. A fold keeps its operands' order: `left` holds the lower ranks wherever
/// the schedule folds in rank order.
struct step {
  verb what = verb::copy;
  int round = 0;
  int peer = -1;
  run into{};
  run left{};
  run right{};
  friend constexpr bool operator==(const step&, const step&) = default;
};

/// All that one rank does.
struct program {
  int chunks = 1;        ///< logical chunks of the vector, the same on every rank
  int slot_count = 0;    ///< scratch, in chunks
  bool uniform = false;  ///< true: chunks must be of equal size
  constant_vector<step> steps{};
  friend constexpr bool operator==(const program&, const program&) = default;
};

/// Whose program, of how many; `root` for the rooted collectives.
struct place {
  int rank = 0;
  int size = 1;
  int root = 0;
};

/// An algorithm that can make this collective: it has `generate(algorithm, make<What>, place)`.
template <class Algorithm, collective What>
concept generates = requires(Algorithm algorithm, place where) {
  { generate(algorithm, make<What>{}, where) } -> std::same_as<program>;
};

/// An algorithm in which the steps of rank r + k are those of rank r with every peer moved by k,
/// too: the same verbs, rounds and sizes, for k = `rotation(algorithm, make<What>)`. One rank in k
/// then stands for all, whatever the number of ranks, which k divides.
template <class Algorithm, collective What>
concept rotates = requires(Algorithm algorithm) {
  { rotation(algorithm, make<What>{}) } -> std::same_as<int>;
};

/// A schedule for all ranks, each row made when it is asked for.
template <class Algorithm, collective What>
struct generated {
  static constexpr collective what = What;
  Algorithm algorithm{};
  int size = 1;
  int root = 0;

  [[nodiscard]] constexpr program row(int rank) const {
    return generate(algorithm, make<What>{}, place{rank, size, root});
  }
};

/// A schedule written out, to edit, to mutate, or to write by hand.
struct table {
  collective what = collective::all_reduce;
  int size = 1;
  int root = 0;
  constant_vector<program> rows{};

  [[nodiscard]] constexpr const program& row(int rank) const {
    return rows[static_cast<std::size_t>(rank)];
  }
};

/// Anything that its readers accept: `generated`, `table`, or your own.
template <class Schedule>
concept readable = requires(const Schedule& schedule, int rank) {
  { schedule.what } -> std::convertible_to<collective>;
  { schedule.size } -> std::convertible_to<int>;
  { schedule.root } -> std::convertible_to<int>;
  { schedule.row(rank) } -> std::convertible_to<program>;
};

}  // namespace rondo::inline v0_1::schedule
