// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/automatic.hpp>
#include <rondo/collective/call_site.hpp>
#include <rondo/collective/compressed.hpp>
#include <rondo/collective/linear.hpp>
#include <rondo/collective/perform.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/protocol/one_shot.hpp>
#include <rondo/protocol/two_shot.hpp>
#include <rondo/version.hpp>

#include <cstddef>

namespace rondo::inline v0_1 {
namespace detail {

template <class Comm, class T, class Operation, class Algorithm>
struct all_reduce_job {
  Comm& comm;
  const T* in;
  T* out;
  std::size_t count;
  Operation operation;
  Algorithm algorithm;

  using folds = reduction<Operation, T>;
  using partial = typename folds::partial;
  static constexpr auto what = schedule::collective::all_reduce;

  template <class Turn>
  void operator()(Turn& turn) const {
    const folds with{operation, comm.size()};
    if constexpr (is_native<Algorithm>) {
      turn.native(schedule::make<what>{}, *this);
    } else if constexpr (shares_memory<Turn> && (is_automatic<Algorithm> || is_direct<Algorithm>)) {
      direct(turn, with);
    } else if constexpr (is_automatic<Algorithm>) {
      choose_all_reduce(turn, count * sizeof(partial),
                        [&](const auto& chosen) { scheduled(turn, chosen, with); });
    } else {
      scheduled(turn, resolved(algorithm, comm), with);
    }
  }

 private:
  template <class Turn>
  void direct(Turn& turn, const folds& with) const {
    protocol::one_thread alone;
    const std::size_t most = turn.stage_bytes() / sizeof(T);  // 0: an element fills more than a stage
    const bool one = std::is_same_v<Algorithm, one_shot> ||
                     (is_automatic<Algorithm> && prefers_one_shot(turn, count * sizeof(T)));
    if (!one || most == 0) {
      protocol::two_shot_all_reduce(alone, turn, in, out, count, with);
      return;
    }
    std::size_t done = 0;
    do {  // a call with no elements still meets its peers
      const std::size_t some = smaller(count - done, most);
      protocol::one_shot_all_reduce(alone, turn, in + done, out + done, some, with);
      done += some;
      turn.advance();
    } while (done < count);
  }

  /// Partial results that are not of type T travel as they are: they are folded in place in scratch
  /// of their own, and lowered once, at the end.
  template <class Turn, class Chosen>
  void scheduled(Turn& turn, const Chosen& chosen, const folds& with) const {
    const auto& program = program_of<what>(comm, chosen, 0);
    const chunking cut = chunking::even(count, program.chunks);
    const fold_partials<folds> fold{with};
    if constexpr (std::is_same_v<partial, T>) {
      run_program(comm, turn, program, in, out, cut, cut, fold);
      for (std::size_t i = 0; folds_finish<folds> && i < count; ++i) {
        out[i] = with.lower(out[i]);
      }
    } else {
      auto* wide = reinterpret_cast<partial*>(comm.widened().get(count * sizeof(partial)));
      for (std::size_t i = 0; i < count; ++i) {
        ::new (static_cast<void*>(wide + i)) partial(folds::lift(in[i]));
      }
      run_program(comm, turn, program, static_cast<const partial*>(wide), wide, cut, cut, fold);
      for (std::size_t i = 0; i < count; ++i) {
        out[i] = with.lower(wide[i]);
      }
    }
  }
};

struct all_reduce_call {
  template <class Comm, buffer Values, class... Given>
    requires(!begins_with_buffer<Given...>)
  static auto make(source_location where, Comm& comm, Values& values, const Given&... given) {
    static_assert(writable_buffer<Values>, "rondo: all_reduce in place needs a writable buffer");
    return start(where, comm, readable(values), writable(values), given...);
  }
  template <class Comm, buffer In, writable_buffer Out, class... Given>
  static auto make(source_location where, Comm& comm, const In& in, Out& out,
                   const Given&... given) {
    return start(where, comm, readable(in), writable(out), given...);
  }

 private:
  template <class Comm, class T, class... Given>
  static auto start(source_location where, Comm& comm, std::span<const T> in, std::span<T> out,
                    const Given&... given) {
    check_policies<
        allow<policy::operation, policy::algorithm, policy::codec, policy::async>, Given...>();
    check_count("all_reduce", "the output", out.size(), in.size(), comm.rank());
    const auto operation = choose<policy::operation>(op::sum{}, given...);
    const auto algorithm = choose<policy::algorithm>(automatic{}, given...);
    using operation_type = std::remove_const_t<decltype(operation)>;
    using algorithm_type = std::remove_const_t<decltype(algorithm)>;
    const auto codec = choose<policy::codec>(nothing_given{}, given...);
    using codec_type = std::remove_const_t<decltype(codec)>;
    static constexpr signature what{"all_reduce", type_name<T>(), operation_name<operation_type>(),
                                    algorithm_type::name, codec_name<codec_type>()};
    const call made{&what, in.size(), -1, where, parameters_of(algorithm)};
    if constexpr (number_given<policy::codec, Given...> == 0) {
      return launch(comm, made,
                    all_reduce_job<Comm, T, operation_type, algorithm_type>{
                        comm, in.data(), out.data(), in.size(), operation, algorithm},
                    given...);
    } else if constexpr (codec::linear_codec<codec_type>) {
      call coded = made;
      if constexpr (requires { codec.parameters(); }) {
        coded.parameters = coded.parameters * 31 + codec.parameters();
      }
      return launch(comm, coded,
                    linear_all_reduce_job<Comm, T, operation_type, algorithm_type, codec_type>{
                        comm, in.data(), out.data(), in.size(), operation, algorithm, codec},
                    given...);
    } else {
      check_codec<operation_type, algorithm_type, codec_type>();
      call coded = made;  // a codec's own parameters show in the size of its wire
      coded.parameters = coded.parameters * 31 + codec.wire_bytes(in.size());
      return launch(comm, coded,
                    compressed_all_reduce_job<Comm, T, operation_type, algorithm_type, codec_type>{
                        comm, in.data(), out.data(), in.size(), operation, algorithm, codec},
                    given...);
    }
  }
};

}  // namespace detail

/// Folds the ranks' buffers element by element and gives every rank the result.
///
///     all_reduce(comm, values)                         in place
///     all_reduce(comm, in, out)                        in: [count], out: [count]
///     policies: an operation (sum), an algorithm (automatic), a codec (none), async{}
///
/// Every rank calls it, with the same count, type, operation and algorithm. All ranks get the same
/// bits. `one_shot`, `two_shot` and what `automatic` picks on thread ranks fold in rank order; the
/// other algorithms in the order of their schedule. 16-bit floats fold in fp32.
///
/// Cost per rank, n ranks, B bytes: two_shot and ring move 2 (n-1)/n B; one_shot (n-1) B in one
/// latency. Errors: mismatch, timeout, revoked; error_code::invalid_argument for unequal buffers.
RONDO_COLLECTIVE(all_reduce);

}  // namespace rondo::inline v0_1
