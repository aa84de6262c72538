// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/transport/detail/landing.hpp>
#include <rondo/transport/nccl/detail/native.hpp>
#include <rondo/transport/nccl/detail/state.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::nccl::detail {

/// One call of one rank: everything that it does is enqueued on one stream, NCCL's messages and the
/// work between them, which `Work` does.
template <class Work>
class turn {
 public:
  turn(state& in, const call& made, cudaStream_t stream)
      : in_{in}, call_{made}, stream_{stream}, number_{in.calls_made} {}
  turn(const turn&) = delete;
  turn& operator=(const turn&) = delete;

  [[nodiscard]] int rank() const noexcept { return in_.rank; }
  [[nodiscard]] int size() const noexcept { return in_.size; }
  [[nodiscard]] ncclComm_t raw() const noexcept { return in_.raw; }
  [[nodiscard]] cudaStream_t stream() const noexcept { return stream_; }
  [[nodiscard]] stream_memory& memory() { return in_.memory_of(stream_); }
  [[nodiscard]] std::uint64_t word() const noexcept { return std::uint64_t{number_} << 32; }

  /// A round costs kernel launches, whatever it carries.
  static constexpr bool rounds_are_dear = true;

  /// Whether `automatic` is NCCL's own collective.
  template <class Job>
  static constexpr bool native_first = is_native_as_meant<Job>;

  /// The same collective as NCCL makes it.
  template <class What, class Job>
  void native(What what, const Job& job) {
    static_assert(can_be_native<Job>,
                  "rondo: NCCL does not fold this type with this operation; leave out native{}, or "
                  "use a type and an operation that docs/nccl.md lists");
    run_native(*this, what, job);
  }

  /// body(i) for i < count, on the device.
  template <class Body>
  void each(std::size_t count, const Body& body) {
    require_own_group();
    if (count != 0) {
      Work::each(count, body, stream_);
    }
  }

  void copy(void* into, const void* from, std::size_t bytes) {
    require_own_group();
    if (bytes != 0 && into != from) {
      check(cudaMemcpyAsync(into, from, bytes, cudaMemcpyDeviceToDevice, stream_),
            "cudaMemcpyAsync");
    }
  }

  /// How many wires `encode_sum` takes.
  static constexpr int fused_wires = Work::fused_wires;

  template <class Codec, class T>
  void encode(const Codec& with, const T* values, std::size_t count, std::byte* to,
              const codec::context& where) {
    require_own_group();
    Work::encode(with, values, count, to, where, stream_);
  }
  template <class Codec, class T>
  void decode(const Codec& with, const std::byte* from, T* values, std::size_t count) {
    require_own_group();
    Work::decode(with, from, values, count, stream_);
  }
  template <class Codec>
  void decode_add(const Codec& with, const std::byte* from, float* sums, std::size_t count) {
    require_own_group();
    Work::decode_add(with, from, sums, count, stream_);
  }
  template <class Codec, class WireOf>
  void encode_sum(const Codec& with, const WireOf& wire_of, int ranks, std::size_t count,
                  std::byte* to, const codec::context& where, float divisor) {
    require_own_group();
    Work::encode_sum(with, wire_of, ranks, count, to, where, divisor, stream_);
  }

  /// One round of messages; `arrived(k, bytes)` enqueues what is to be done with message k.
  template <class Out, class In, class Arrived>
  void exchange(const Out& out, const In& in, const Arrived& arrived) {
    require_own_group();
    const std::size_t needed = rondo::detail::landing_bytes(in, alignment);
    std::byte* const landing = needed == 0 ? nullptr : memory().landing.get(needed);
    grouped([&] {
      for (const auto& one : out) {
        send_bytes(one.peer, one.data, one.bytes);
      }
      rondo::detail::each_landing(in, landing, alignment,
                                  [&](std::size_t, const auto& one, std::byte* into) {
                                    receive_bytes(one.peer, into, one.bytes);
                                  });
    });
    rondo::detail::each_landing(
        in, landing, alignment,
        [&](std::size_t which, const auto&, std::byte* into) { arrived(which, into); });
  }

  void send_bytes(int peer, const void* data, std::size_t bytes) {
    check(ncclSend(data, bytes, ncclUint8, peer, raw(), stream_), "ncclSend");
  }
  void receive_bytes(int peer, void* data, std::size_t bytes) {
    check(ncclRecv(data, bytes, ncclUint8, peer, raw(), stream_), "ncclRecv");
  }

  void send(int peer, std::uint64_t tag, std::uint64_t, const std::byte* data, std::size_t bytes) {
    require_no_tag(tag);
    send_bytes(peer, data, bytes);
  }
  void receive(int peer, std::uint64_t tag, std::uint64_t, std::byte* data, std::size_t bytes) {
    require_no_tag(tag);
    receive_bytes(peer, data, bytes);
  }

  /// NCCL begins none of the calls that `calls` makes before it knows them all.
  template <class Calls>
  void grouped(const Calls& calls) {
    check(ncclGroupStart(), "ncclGroupStart");
    struct open {
      state& in;
      bool ended = false;
      explicit open(state& of) : in{of} { in.grouping = true; }
      ~open() {
        in.grouping = false;
        if (!ended) {
          static_cast<void>(ncclGroupEnd());
          in.end_dead();
        }
      }
    } own{in_};
    calls();
    own.ended = true;
    const ncclResult_t result = ncclGroupEnd();
    in_.grouping = false;
    check(result, "ncclGroupEnd");
  }

  void check(ncclResult_t result, const char* what) {
    if (result == ncclInProgress) {
      result = in_.grouping || in_.groups->here() ? ncclSuccess : in_.settled();
    }
    if (result != ncclSuccess) {
      in_.fail(result, described(what));
    }
  }
  void check(cudaError_t result, const char* what) {
    if (result != cudaSuccess) {
      cuda::require(result, described(what).c_str(), rank());
    }
  }

  /// Ends the communicator on this rank, then throws.
  [[noreturn]] void fail(error_code code, int culprit, const std::string& message) {
    in_.die("rondo: " + message);
    raise_as(code, message, culprit);
  }

 private:
  static constexpr std::size_t alignment = 256;  ///< of messages that land side by side

  /// A group begins its messages at its end: what is between them would come too early.
  void require_own_group() const {
    if (in_.groups->here()) {
      refuse(call_.describe() + " on rank " + std::to_string(rank()) +
                 " takes several steps, and cannot be one of a group; make it outside",
             rank());
    }
  }
  void require_no_tag(std::uint64_t tag) const {
    if (tag != 0) {
      refuse(call_.describe() + " on rank " + std::to_string(rank()) +
                 ": NCCL's messages have no tags, they match in order; leave out the tag",
             rank());
    }
  }
  [[nodiscard]] std::string described(const char* what) const {
    return std::string{what} + " in " + call_.describe() + " on rank " + std::to_string(rank());
  }

  state& in_;
  const call& call_;
  cudaStream_t stream_;
  std::uint32_t number_;
};

}  // namespace rondo::inline v0_1::nccl::detail
