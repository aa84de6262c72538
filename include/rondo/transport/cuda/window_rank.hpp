// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/extremes.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/device/report.hpp>
#include <rondo/device/window.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/cuda/detail/call_in_kernel.hpp>
#include <rondo/transport/cuda/detail/profile.hpp>
#include <rondo/transport/cuda/window_costs.hpp>
#include <rondo/transport/cuda/window_options.hpp>
#include <rondo/transport/keepsake.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::cuda {

/// One rank of a window, the same wherever the window's memory comes from: what the user's kernels
/// take, and a communicator for calls of the host's.
///
///     rank.launch({.stream = stream}, kernel, arguments...);  // kernel(device::window, ...)
///     rondo::all_reduce(rank, gradient, rondo::op::average{}, rondo::codec::int8<128>{},
///                       rondo::on{stream});
///
/// Each call of the host's is one kernel on the call's stream. Buffers are `device_span`s. A call
/// enqueues and returns; it waits for nothing, and after the first call of a kind on a stream it
/// allocates nothing, so that it may be captured in a CUDA graph. It makes all_reduce,
/// reduce_scatter, all_gather, all_to_all, broadcast and barrier, with equal counts, any type that
/// can be copied as bytes, any operation that compiles for the device, block codecs and casts.
///
///  - `one_shot`  packets where they fit, else one round through staging
///  - `two_shot`  without a codec, from inputs to outputs where they lie, if this rank's peers can
///                reach them: everywhere in one process, and in the window's heap; else through
///                staging. Buffers of a call are reachable on all ranks or on none.
///  - `ring`      through staging
///  - none        by `window_options::costs`: packets for few bytes, else two_shot
///
/// Each stream takes a channel of the window, in the order of first use, which is the same on all
/// ranks; `window_options::channels` says how many there are. Kernels of the user's that may run
/// beside calls of the host's take channels behind those.
///
/// A stream is known by its handle, which CUDA may give to another one later (the id that it gives
/// once cannot be asked for while the stream is captured). So streams of calls live as long as the
/// window; of those that do not, all ranks destroy theirs at the same place between calls, when
/// what is on them has ended.
///
/// Errors: a kernel that ended reports to the host; `check()` and the next call throw it: `timeout`
/// and `mismatch` with the rank at fault. error_code::invalid_argument for unequal counts, and for
/// a stream more than there are channels.
/// Cost: one launch a call, and a look at a word of the host's memory for each rank.
///
/// `Launch` runs a call on all threads of some blocks: `most_blocks<Call>()`, `certain_blocks()`
/// whatever the call, and `launch(window, blocks, stream, call)`; for kernels of the user's,
/// `shape_type` and `run(shape, slots, window, kernel, arguments...)`.
template <class Launch>
class window_rank {
 public:
  static constexpr bool device_memory = true;

  /// `handle` is of channel 0 and says its rank.
  window_rank(const device::window::parts& handle, const window_options& with, Launch launch)
      : handle_{handle},
        with_{with},
        launch_{launch},
        certain_blocks_{smaller(with.slot_count, launch.certain_blocks())} {}
  window_rank(const window_rank&) = delete;
  window_rank& operator=(const window_rank&) = delete;

  [[nodiscard]] int rank() const noexcept { return handle_.rank; }
  [[nodiscard]] int size() const noexcept { return handle_.shape.ranks; }
  [[nodiscard]] int node_size() const noexcept { return size(); }
  /// Blocks that a rank may have in one launch.
  [[nodiscard]] unsigned slot_count() const noexcept { return with_.slot_count; }

  /// The argument of a kernel that the caller launches. Block blockIdx.x of gridDim.x is a slot.
  /// Errors: error_code::invalid_argument for a channel that the window was not made with.
  [[nodiscard]] device::window handle(unsigned channel = 0) const {
    return on_channel(handle_, with_, channel);
  }

  /// Enqueues `kernel(window, arguments...)` on the rank's GPU; every rank does, with as many
  /// blocks. What the shape leaves open is filled in: state the blocks where GPUs differ.
  /// Errors: as `check()`; error_code::invalid_argument for blocks that do not all run at once, and
  /// as `handle()`; error_code::transport for what CUDA refuses.
  template <class By = Launch, class... P>
  void launch(const typename By::shape_type& wanted, void (*kernel)(device::window, P...),
              std::type_identity_t<P>... arguments) const {
    check();
    launch_.template run<P...>(wanted, slot_count(), handle(wanted.channel), kernel, arguments...);
  }
  template <class By = Launch, class... P>
  void launch(void (*kernel)(device::window, P...), std::type_identity_t<P>... arguments) const {
    launch(typename By::shape_type{}, kernel, arguments...);
  }

  /// This rank's `window_options::heap_bytes`, as the host passes them to kernels: zeroed, aligned
  /// to 128 bytes, at the same offset from the begin of every rank's window.
  [[nodiscard]] std::byte* heap() const noexcept {
    return handle_.memory[rank()] + handle_.shape.heap();
  }

  /// Errors: what kernels that have ended reported; a late rank as `timeout`, a rank in another
  /// call as `mismatch`. A window that has failed does not recover: make another.
  void check() const { device::raise_if_any(handle_.reports, size(), handle_.patience_ns); }

  /// What a call of so many elements, without a codec, is expected to take; the same on all ranks.
  template <class T>
  [[nodiscard]] window_forecast forecast(std::size_t count) const {
    const std::size_t bytes = count * sizeof(T);
    window_forecast made{};
    made.few = fewest_blocks<T>(count);
    made.many = with_.costs.blocks_for(bytes, with_.slot_count);
    made.fits = fits_packets<T>(made.few, count);
    const auto size = static_cast<double>(bytes);
    made.packets_seconds = with_.costs.packets(size, this->size(), made.few);
    made.two_shot_seconds = with_.costs.two_shot(size, this->size(), made.many);
    made.packets = made.fits && made.packets_seconds <= made.two_shot_seconds;
    return made;
  }

  /// This rank on one stream: what `on{stream}` makes of it.
  class enqueued {
   public:
    static constexpr bool device_memory = true;

    enqueued(window_rank& in, CUstream_st* stream)
        : in_{in}, stream_{stream}, channel_{in.channel_of(stream)} {}

    [[nodiscard]] int rank() const noexcept { return in_.rank(); }
    [[nodiscard]] int size() const noexcept { return in_.size(); }
    [[nodiscard]] int node_size() const noexcept { return in_.node_size(); }

    /// Enqueues one collective call. `Job` is one of rondo/collective.
    template <class Job>
    void collective(const call& made, const Job& job) {
      static_assert(
          requires { Job::what; },
          "rondo: a window makes collectives of values and block codecs; shared_scale and "
          "low_rank need a communicator");
      in_.check();
      const detail::profile::range seen{in_.ranges_, made};
      make(job);
    }

    /// Enqueues a kernel that makes one collective of `rondo::device`, with callables, of `count`
    /// elements of T for each rank: `body(group, window)`, a value that is copied to the device.
    template <class T, class Body>
    void kernel(const call& made, std::size_t count, const Body& body) {
      in_.check();
      const detail::profile::range seen{in_.ranges_, made};
      const window_forecast picked = in_.template forecast<T>(count);
      enqueue(body, picked.packets ? picked.few : picked.many);
    }

   private:
    using collective_kind = schedule::collective;

    /// Elements go as they are.
    template <class Job>
    static constexpr bool is_plain =
        device::detail::is_plain<decltype(detail::codec_of(std::declval<const Job&>()))>;

    template <class Job>
    void make(const Job& job) const {
      constexpr auto what = Job::what;
      if constexpr (what == collective_kind::barrier) {
        using nothing = detail::call_in_kernel<what, std::byte, automatic, op::sum, codec::exact>;
        enqueue(nothing{}, 1);  // the stream orders what is before and behind it
      } else if constexpr (what == collective_kind::all_reduce) {
        all_reduce(job);
      } else {
        static_assert(what == collective_kind::reduce_scatter ||
                          what == collective_kind::all_gather ||
                          what == collective_kind::all_to_all || what == collective_kind::broadcast,
                      "rondo: no kernel makes this collective over a window; use all_reduce, "
                      "reduce_scatter, all_gather, all_to_all, broadcast or barrier, or an "
                      "nccl::communicator");
        exchange(job);
      }
    }

    template <class Job>
    [[nodiscard]] window_forecast forecast_of(std::size_t count) const {
      auto made = in_.template forecast<std::remove_pointer_t<decltype(Job::out)>>(count);
      made.fits = made.fits && is_plain<Job>;
      made.packets = made.packets && is_plain<Job>;
      return made;
    }

    template <class Job>
    void all_reduce(const Job& job) const {
      using given = decltype(detail::algorithm_of(job));
      const device_span in{job.in, job.count};
      const device_span out{job.out, job.count};
      const window_forecast picked = forecast_of<Job>(job.count);
      if constexpr (!std::is_same_v<given, automatic> && !std::is_same_v<given, two_shot>) {
        run<given>(job, in, out, picked.fits ? picked.few : picked.many);
      } else if constexpr (!is_plain<Job>) {
        run<two_shot>(job, in, out, picked.many);
      } else {
        if constexpr (std::is_same_v<given, automatic>) {
          if (picked.packets) {
            run<one_shot>(job, in, out, picked.few);
            return;
          }
        }
        if (in_.reachable(in) && in_.reachable(out)) {
          run<two_shot>(job, in, out, picked.many);
        } else {
          run<device::two_shot_push>(job, in, out, picked.many);
        }
      }
    }

    /// The collectives in which every rank gives a part to every rank.
    template <class Job>
    void exchange(const Job& job) const {
      constexpr auto what = Job::what;
      using given = decltype(detail::algorithm_of(job));
      const auto [count, equal] = detail::parts_of(job);
      if (!equal) {
        refuse(
            "cuda: a kernel over a window takes as many elements for each rank; leave out "
            "counts{}, or use an nccl::communicator",
            rank());
      }
      constexpr bool gives_to_each =
          what == collective_kind::reduce_scatter || what == collective_kind::all_to_all;
      constexpr bool gets_of_each =
          what == collective_kind::all_gather || what == collective_kind::all_to_all;
      const auto ranks = static_cast<std::size_t>(size());
      const device_span in{job.in, gives_to_each ? ranks * count : count};
      const device_span out{job.out, gets_of_each ? ranks * count : count};
      const window_forecast picked = forecast_of<Job>(count);
      const unsigned blocks = picked.packets ? picked.few : picked.many;
      if constexpr (!std::is_same_v<given, automatic>) {
        run<given>(job, in, out, picked.fits ? picked.few : picked.many);
      } else if (in_.reachable(in)) {
        run<automatic>(job, in, out, blocks);
      } else {
        run<one_shot>(job, in, out, blocks);
      }
    }

    template <class Algorithm, class Job, class T>
    void run(const Job& job, device_span<const T> in, device_span<T> out, unsigned blocks) const {
      using operation = decltype(detail::operation_of(job));
      using codec_type = decltype(detail::codec_of(job));
      enqueue(
          detail::call_in_kernel<Job::what, T, Algorithm, operation, codec_type>{
              in, out, detail::operation_of(job), detail::codec_of(job), detail::root_of(job)},
          blocks);
    }

    template <class Call>
    void enqueue(const Call& what, unsigned blocks) const {
      static_assert(
          std::is_trivially_copyable_v<Call>,
          "rondo: the operation and the codec of a call are copied to the device as bytes");
      struct room {  // of this call alone
        unsigned blocks;
      };
      const room most = in_.kept_.template get<room>(
          0, [&] { return room{in_.launch_.template most_blocks<Call>()}; });
      in_.launch_(in_.handle(channel_), smaller(blocks, most.blocks), stream_, what);
    }

    window_rank& in_;
    CUstream_st* stream_;
    unsigned channel_;
  };

  [[nodiscard]] enqueued on(CUstream_st* stream) { return {*this, stream}; }

 private:
  /// Whether the packets of so many blocks carry so many elements at once.
  template <class T>
  [[nodiscard]] bool fits_packets(unsigned blocks, std::size_t count) const {
    return device::detail::fits_packets<T>(device::window{handle_}.as_slot(0, blocks), count);
  }
  /// The fewest that do, of those that run at once whatever the kernel is, or all of these: the
  /// forecast is of the grid that is launched.
  template <class T>
  [[nodiscard]] unsigned fewest_blocks(std::size_t count) const {
    const std::size_t each =
        larger(protocol::elements_in_words<T>(handle_.shape.inbox_words), std::size_t{1});
    const std::size_t least = larger((count + each - 1) / each, std::size_t{1});
    auto blocks = static_cast<unsigned>(smaller(least, std::size_t{certain_blocks_}));
    while (blocks < certain_blocks_ && !fits_packets<T>(blocks, count)) {
      ++blocks;  // shares are cut at lines of memory
    }
    return blocks;
  }

  /// Whether peers load and store the whole of a buffer of this rank's.
  template <class T>
  [[nodiscard]] bool reachable(device_span<T> buffer) const {
    const auto begin = reinterpret_cast<std::uintptr_t>(handle_.memory[rank()]);
    const auto at = reinterpret_cast<std::uintptr_t>(buffer.data());
    return handle_.reaches_everything ||
           (at >= begin && at + buffer.size_bytes() <= begin + handle_.shape.bytes());
  }

  [[nodiscard]] unsigned channel_of(CUstream_st* stream) {
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      if (streams_[i] == stream) {
        return static_cast<unsigned>(i);
      }
    }
    if (streams_.size() == with_.channels) {
      refuse("cuda: calls on " + std::to_string(streams_.size() + 1) +
                 " streams, but the window has " + std::to_string(with_.channels) +
                 " channels; make it with window_options{.channels}",
             rank());
    }
    streams_.push_back(stream);
    return static_cast<unsigned>(streams_.size() - 1);
  }

  device::window::parts handle_;
  window_options with_;
  Launch launch_;
  unsigned certain_blocks_;
  std::vector<CUstream_st*> streams_{};
  keepsakes kept_{};
  detail::profile ranges_{};
};

}  // namespace rondo::inline v0_1::cuda
