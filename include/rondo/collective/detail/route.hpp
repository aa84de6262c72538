// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/buffer.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

/// Where a call's buffers are: in memory of the host, or of devices, whose calls go to a stream.
namespace rondo::inline v0_1::detail {

/// A team of rondo/tensor/team.hpp: ranks as layers take them, around a communicator.
template <class Ranks>
concept wraps_communicator = requires(const Ranks& ranks) {
  Ranks::axis;
  ranks.comm();
};

/// Takes the streams out of a call's arguments and the pointers out of its device spans: `Left`
/// arguments are still to be looked at, and go to the end.
template <class Call, std::size_t Left, class Comm, class... Arguments>
auto route_each(source_location where, Comm& comm, Arguments&... arguments);

template <class Call, std::size_t Left, class Comm, class First, class... Rest>
auto route_first(source_location where, Comm& comm, First& first, Rest&... rest) {
  using given = std::remove_const_t<First>;
  if constexpr (std::is_same_v<given, on>) {
    return route_each<Call, Left - 1>(where, comm, rest...);
  } else if constexpr (is_device_span<given>) {
    std::span<typename given::element_type> values{first.data(), first.size()};
    return route_each<Call, Left - 1>(where, comm, rest..., values);
  } else {
    static_assert(!buffer<given>,
                  "rondo: these ranks are GPUs; pass device_span{pointer, count} for memory of the "
                  "device");
    return route_each<Call, Left - 1>(where, comm, rest..., first);
  }
}

template <class Call, std::size_t Left, class Comm, class... Arguments>
auto route_each(source_location where, Comm& comm, Arguments&... arguments) {
  if constexpr (Left == 0) {
    return Call::make(where, comm, arguments...);
  } else {
    return route_first<Call, Left>(where, comm, arguments...);
  }
}

template <class Given>
inline constexpr bool counts_of_temporary = std::is_same_v<Given, counts<true>>;

/// Arguments as they were given, `T` for temporaries: what is begun reads and writes its buffers
/// later.
template <class... Given>
consteval void check_lifetimes() {
  static_assert(
      (!(counts_of_temporary<std::remove_cvref_t<Given>> && std::is_reference_v<Given>)&&...),
      "rondo: counts{} was made from a list that was a temporary, and is gone; keep the "
      "list");
  if constexpr (number_given<policy::async, std::remove_cvref_t<Given>...> == 1) {
    static_assert((!(buffer<Given> && !is_device_span<std::remove_cvref_t<Given>> &&
                     ends_with_statement<Given>)&&...),
                  "rondo: async{}: a buffer is a temporary, which would be gone before wait() "
                  "returns");
    static_assert((!counts_of_temporary<std::remove_cv_t<Given>> && ...),
                  "rondo: async{}: a list of counts{} is a temporary, which would be gone before "
                  "wait() returns");
  }
}

/// False of a call whose first two arguments are buffers of different elements.
template <class In = void, class Out = void, class...>
consteval bool elements_agree() {
  if constexpr (buffer<In> && buffer<Out>) {
    return std::is_same_v<element_of<In>, element_of<Out>>;
  } else {
    return true;
  }
}

/// Makes the call where its buffers are. A call that is made by a team says so: `takes_team`.
template <class Call, class Comm, class... Arguments>
auto route(source_location where, Comm& comm, Arguments&... arguments) {
  constexpr int streams = number_given<policy::stream, std::remove_const_t<Arguments>...>;
  if constexpr (wraps_communicator<Comm> && !requires { Call::takes_team; }) {
    static_assert(!wraps_communicator<Comm>,
                  "rondo: a team is for layers; a collective takes its communicator: team.comm(), "
                  "or grid[\"axis\"]");
  } else if constexpr (!elements_agree<Arguments...>()) {
    static_assert(elements_agree<Arguments...>(),
                  "rondo: input and output must have the same element type");
  } else if constexpr (takes_device_memory<Comm>) {
    static_assert(
        begins_behind<Comm> || number_given<policy::async, std::remove_const_t<Arguments>...> == 0,
        "rondo: a call on a stream returns at once; leave out async{}, and wait for the "
        "stream or for an event on it");
    if constexpr (binds_stream<Comm>) {
      static_assert(streams <= 1, "rondo: two streams given");
      auto bound = comm.on(choose<policy::stream>(on{}, arguments...).stream);
      return route_each<Call, sizeof...(Arguments)>(where, bound, arguments...);
    } else {
      static_assert(streams == 0, "rondo: this communicator has its stream already");
      return route_each<Call, sizeof...(Arguments)>(where, comm, arguments...);
    }
  } else {
    static_assert((!is_device_span<std::remove_const_t<Arguments>> && ...) && streams == 0,
                  "rondo: these ranks do not reach device memory, and have no stream; make the "
                  "call on an nccl::communicator or a window of rondo/cuda.cuh");
    constexpr bool makes = requires { Call::make(where, comm, arguments...); };
    static_assert(makes,
                  "rondo: pass a communicator, then the buffers of this collective (an output must "
                  "not be const), then policies; a buffer is a contiguous range, such as "
                  "std::span{pointer, count}, or std::span{&value, 1} for one value");
    if constexpr (makes) {
      return Call::make(where, comm, arguments...);
    }
  }
}

}  // namespace rondo::inline v0_1::detail
