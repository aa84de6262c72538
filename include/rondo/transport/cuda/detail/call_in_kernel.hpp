// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/cast.hpp>
#include <rondo/codec/concept.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/device.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

namespace rondo::inline v0_1::cuda::detail {

/// What a kernel runs for a collective call of the host's: the same call, of `rondo::device`. A
/// value that is copied to the device.
template <schedule::collective What, class T, class Algorithm, class Operation, class Codec>
struct call_in_kernel {
  device_span<const T> in;
  device_span<T> out;
  Operation operation;
  Codec codec;
  root from;

  template <class Group, class Window>
  RONDO_HOST_DEVICE void operator()(const Group& group, const Window& window) const {
    using schedule::collective;
    [[maybe_unused]] constexpr Algorithm algorithm{};
    // What failed is in the window's report, for the host.
    if constexpr (What == collective::all_reduce) {
      static_cast<void>(device::all_reduce(group, window, in, out, operation, algorithm, codec));
    } else if constexpr (What == collective::reduce_scatter) {
      static_cast<void>(
          device::reduce_scatter(group, window, in, out, operation, algorithm, codec));
    } else if constexpr (What == collective::all_gather) {
      static_cast<void>(device::all_gather(group, window, in, out, algorithm, codec));
    } else if constexpr (What == collective::all_to_all) {
      static_cast<void>(device::all_to_all(group, window, in, out, algorithm, codec));
    } else if constexpr (What == collective::broadcast) {
      static_cast<void>(device::broadcast(group, window, out, from, algorithm));
    } else {
      static_cast<void>(device::barrier(group, window));
    }
  }
};

template <class Codec>
consteval void check_codec_in_kernel() {
  static_assert(device::detail::is_plain<Codec> || codec::detail::is_cast<Codec> ||
                    codec::has_kernels<Codec>,
                "rondo: this codec has no kernels; on GPUs use a codec made of blocks: int8, int4, "
                "fp8_e4m3, ... or a cast");
}

/// What a job of the host's says, as a kernel's call takes it.
template <class Job>
[[nodiscard]] auto operation_of(const Job& job) {
  if constexpr (requires { job.operation; }) {
    return job.operation;
  } else if constexpr (requires { job.fold.reduction.operation; }) {
    return job.fold.reduction.operation;
  } else {
    return op::sum{};  // nothing is folded
  }
}
template <class Job>
[[nodiscard]] auto codec_of(const Job& job) {
  if constexpr (requires { job.codec.wire_bytes(std::size_t{1}); }) {
    check_codec_in_kernel<std::remove_const_t<decltype(Job::codec)>>();
    return job.codec;
  } else {
    return codec::exact{};
  }
}
template <class Job>
[[nodiscard]] auto algorithm_of(const Job& job) {
  if constexpr (requires { job.algorithm; }) {
    return job.algorithm;
  } else {
    return automatic{};
  }
}
template <class Job>
[[nodiscard]] root root_of(const Job& job) {
  if constexpr (requires { job.root; }) {
    return {job.root};
  } else {
    return {};
  }
}

/// How many elements each rank has in a job, or has for each rank, and whether all have as many.
struct equal_parts {
  std::size_t count;
  bool equal;
};
template <class Job>
[[nodiscard]] equal_parts parts_of(const Job& job) {
  if constexpr (requires { job.sent; }) {
    return {job.sent.block, job.sent.per_rank.empty() && job.received.per_rank.empty()};
  } else {
    return {job.count, true};
  }
}

}  // namespace rondo::inline v0_1::cuda::detail
