// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/transport/detail/check_color.hpp>
#include <rondo/transport/detail/failure_texts.hpp>
#include <rondo/transport/nccl/detail/kernels.hpp>
#include <rondo/transport/nccl/detail/state.hpp>
#include <rondo/transport/nccl/detail/turn.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::nccl {

/// A communicator and a stream: what collectives with `on{stream}` are made of.
template <class Work>
class enqueued {
 public:
  static constexpr bool device_memory = true;

  enqueued(detail::state& in, cudaStream_t stream) : in_{&in}, stream_{stream} {}

  [[nodiscard]] int rank() const noexcept { return in_->rank; }
  [[nodiscard]] int size() const noexcept { return in_->size; }
  [[nodiscard]] int node_size() const noexcept { return in_->with.node_size; }

  /// Enqueues one collective call.
  template <class Body>
  void collective(const call& made, const Body& body) {
    in_->require_alive();
    const cuda::detail::profile::range seen{in_->ranges, made};
    ++in_->calls_made;
    using turn_type = detail::turn<Work>;
    static_assert(exchanging<turn_type> && messaging<turn_type> && works_elsewhere<turn_type>);
    turn_type now{*in_, made, stream_};
    body(now);
  }
  /// Enqueues one send or receive.
  template <class Body>
  void message(const call& made, const Body& body) {
    collective(made, body);
  }

  [[nodiscard]] detail::device_arena& scratch() { return in_->memory_of(stream_).scratch; }
  [[nodiscard]] detail::device_arena& widened() { return in_->memory_of(stream_).widened; }
  /// Memory for a call that is composed of others, which leave it alone.
  [[nodiscard]] detail::device_arena& between() { return in_->memory_of(stream_).between; }
  [[nodiscard]] keepsakes& kept() noexcept { return in_->kept; }

 private:
  detail::state* in_;
  cudaStream_t stream_;
};

/// The ranks of an NCCL communicator, as rondo uses them: buffers are `device_span`s, calls take
/// `on{stream}`, enqueue and return.
///
///     rondo::nccl::communicator comm{nccl_comm};  // the user's own ncclComm_t, which it stays
///     rondo::all_reduce(comm, rondo::device_span{gradient, count}, rondo::op::average{},
///                       rondo::on{stream});
///
/// What NCCL can do itself is NCCL's own call. All else, and every algorithm asked for by name, is
/// a schedule of rondo's over groups of ncclSend and ncclRecv, with kernels on the same stream
/// between them. Nothing waits for the device; after the first call of a shape on a stream nothing
/// is allocated, and the calls may be captured in a CUDA graph. A graph replays on the scratch of
/// the stream that it was captured on: do not use both at once. A stream is known by its handle,
/// which CUDA may give to another one later: destroy one when the calls on it have ended.
///
/// The device of the communicator must be current where calls are made. One thread at a time.
///
/// Errors: what NCCL reports, at the call or from an earlier one, as error_code::transport with
/// operation, rank, call site and NCCL's own text; `revoked` for calls after that. NCCL does not
/// compare the calls of its ranks: if they do not agree, they hang or are wrong, as with NCCL.
///
/// `Work` does the work between messages: kernels or, in tests without a GPU, the host.
template <class Work>
class basic_communicator {
 public:
  static constexpr bool device_memory = true;
  using work = Work;

  /// Wraps the user's communicator, which must outlive it, and does not own it.
  /// Errors: error_code::transport for a library older than the headers, with both versions.
  explicit basic_communicator(ncclComm_t theirs, const options& with = {})
      : basic_communicator{theirs, false, with} {}

  /// Takes over a communicator, and destroys it at its end.
  [[nodiscard]] static basic_communicator adopt(ncclComm_t ours, const options& with = {}) {
    return {ours, true, with};
  }

  [[nodiscard]] int rank() const noexcept { return state_->rank; }
  [[nodiscard]] int size() const noexcept { return state_->size; }
  [[nodiscard]] int node_size() const noexcept { return state_->with.node_size; }
  [[nodiscard]] int device() const noexcept { return state_->device; }
  /// NCCL's own handle; null after `abort`.
  [[nodiscard]] ncclComm_t raw() const noexcept { return state_->raw; }

  /// This communicator on one stream. `all_reduce(comm.on(stream), values)` is
  /// `all_reduce(comm, values, on{stream})`.
  [[nodiscard]] enqueued<Work> on(cudaStream_t stream) { return {*state_, stream}; }

  /// Has NCCL begin all calls that `calls` makes at once: sends and receives that need each other,
  /// or many collectives that are NCCL's own, of this communicator and of those that were split
  /// from it. Calls that take several steps are refused inside, on each of these.
  /// What `calls` throws ends the group with the calls that were made before, which NCCL begins:
  /// peers that made more wait for this rank, so throw on all ranks at the same place, or abort.
  template <class Calls>
  void group(const Calls& calls) {
    state_->require_alive();
    detail::check(ncclGroupStart(), "ncclGroupStart", rank());
    struct open {
      detail::state& in;
      bool ended = false;
      explicit open(detail::state& of) : in{of} { in.groups->open(); }
      ~open() {
        if (!ended) {
          in.groups->close();
          static_cast<void>(ncclGroupEnd());
          in.end_dead();
        }
      }
    } own{*state_};
    calls();
    own.ended = true;
    state_->groups->close();
    const ncclResult_t result = state_->settled(ncclGroupEnd());
    if (result != ncclSuccess) {
      state_->fail(result, "ncclGroupEnd");
    }
  }

  /// Whether the calling thread is in a group of this communicator, of one that was split from it,
  /// or that it was split from.
  [[nodiscard]] bool grouping() const { return state_->groups->here(); }

  /// The host waits for all that is on `stream` by now, and asks NCCL meanwhile. Errors: what NCCL
  /// reports; `timeout` after `options::deadline`, which ends the communicator.
  void wait(cudaStream_t stream) { state_->wait(stream); }

  /// A communicator of those ranks that give the same `color`, ordered by `key`, then by rank.
  /// Collective. Errors: a negative color is refused.
  [[nodiscard]] basic_communicator split(int color, int key = 0) {
    rondo::detail::check_color(color, rank());
    state_->require_alive();
    return derived("ncclCommSplit", [&](ncclComm_t* made, ncclConfig_t* config) {
      return ncclCommSplit(raw(), color, key, made, config);
    });
  }

#if NCCL_VERSION_CODE >= 22700
  /// The communicator of all ranks but the `lost` ones, in the old order. Collective among those
  /// that stay. What this one has under way is ended first, as it may wait for the lost ranks.
  /// After an error that this rank has seen: with `options::abort_on_error = false` alone.
  [[nodiscard]] basic_communicator shrink(std::span<const int> lost) {
    if (raw() == nullptr) {
      state_->require_alive();
    }
    std::vector<int> ranks(lost.begin(), lost.end());
    for (const int one : ranks) {
      if (one < 0 || one >= size() || one == rank()) {
        refuse("shrink: rank " + std::to_string(rank()) + " was told that rank " +
                   std::to_string(one) + " of " + std::to_string(size()) +
                   " is lost; pass other ranks of this communicator",
               rank());
      }
    }
    auto survivors = derived("ncclCommShrink", [&](ncclComm_t* made, ncclConfig_t* config) {
      return ncclCommShrink(raw(), ranks.data(), static_cast<int>(ranks.size()), made, config,
                            NCCL_SHRINK_ABORT);
    });
    state_->die("nccl: " + rondo::detail::text_of_leaving(rank()));
    return survivors;
  }
#endif

  /// Ends the communicator on this rank, and what it has under way. A wrapped handle is gone, too.
  void abort() { state_->abort(); }

 private:
  friend class window;  // whose memory is registered with the state

  template <class... Groups>
  basic_communicator(ncclComm_t raw, bool owns, const options& with, const Groups&... groups)
      : state_{std::make_unique<detail::state>(raw, owns, with, groups...)} {}

  template <class Make>
  [[nodiscard]] basic_communicator derived(const char* what, const Make& make) {
    struct handle {
      ncclComm_t raw = nullptr;
      ~handle() {
        if (raw != nullptr) {
          static_cast<void>(ncclCommAbort(raw));
        }
      }
    } made;
    options with = state_->with;
    with.config.commName = nullptr;
    with.node_size = 1;  // which ranks of a node are among them, NCCL does not say
    const ncclResult_t result = state_->settled(make(&made.raw, &with.config));
    if (result != ncclSuccess) {
      state_->fail(result, what);
    }
    return {std::exchange(made.raw, nullptr), true, with, state_->groups};
  }

  std::unique_ptr<detail::state> state_;
};

/// The ranks of an NCCL communicator, with kernels for the work between messages: a file whose
/// calls need them is compiled by nvcc.
using communicator = basic_communicator<detail::kernels>;

}  // namespace rondo::inline v0_1::nccl
