// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/wire.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/protocol/packs.hpp>
#include <rondo/protocol/two_hops.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <type_traits>

#if defined(__CUDACC__)
#include <rondo/device/codec_warp.cuh>
#endif
#if !defined(__CUDA_ARCH__)
#include <cstring>
#include <span>
#include <vector>
#endif

/// Work of staged protocols for elements that travel through a block codec: encoded from registers,
/// decoded into registers. A GPU shares the blocks among the warps of the group; on the host, where
/// this is only ever tested, the group's first thread does all. Both write the same bytes.
namespace rondo::inline v0_1::device::detail {

/// Encodes, sums and decodes the wires of one group's blocks.
template <class Codec, class Group>
class coder {
 public:
  using format = typename Codec::format;
  static_assert(!codec::detail::has_header<format>,
                "rondo: device: this codec has one scale for the whole message, which takes a pass "
                "over all values before the first is encoded; use one with a scale per block, or "
                "rondo::codec::device::encode");
  /// Values that one warp takes at a time.
  static constexpr std::size_t grain = format::block < 256 ? 256 : format::block;

  RONDO_HOST_DEVICE coder(const Codec& codec, Group& group, const codec::context& where)
      : codec_{codec}, group_{group}, where_{where} {}

  /// to(0) .., = values(first) .. values(first + count - 1)
  template <class T, class Places, class Values>
  RONDO_HOST_DEVICE void encode(const Places& to, int targets, const Values& values,
                                std::size_t first, std::size_t count) const {
#if defined(__CUDA_ARCH__)
    using lanes = codec::warp<Codec>;
    const auto told = message(false, first);
    each_tile(count, [&](std::size_t at) {
      typename lanes::tile_type tile;
      fill<T>(tile, values, at, first, count);
      lanes::turn(tile, at, count, told);
      lanes::encode_tile_to(to, targets, tile, at, count, told);
    });
#else
    if (group_.thread_rank() == 0) {
      std::vector<float> plain(count);
      for (std::size_t i = 0; i < count; ++i) {
        plain[i] = static_cast<float>(static_cast<T>(values(first + i)));
      }
      codec_.encode(plain, wire(to(0), count), context_at(false, first));
      copy(to, targets, count);
    }
#endif
  }

  /// to(0) .., = the sum of source(0) .. source(sources - 1), in that order, divided by `divisor`.
  template <class Source, class Places>
  RONDO_HOST_DEVICE void sum(const Source& source, int sources, const Places& to, int targets,
                             float divisor, std::size_t first, std::size_t count) const {
#if defined(__CUDA_ARCH__)
    using lanes = codec::warp<Codec>;
    const auto told = message(true, first);
    each_tile(count, [&](std::size_t at) {
      typename lanes::tile_type sum = {};
      for (int rank = 0; rank < sources; ++rank) {
        typename lanes::tile_type tile;
        lanes::decode_tile(source(rank), at, count, tile, told);
#pragma unroll
        for (unsigned i = 0; i < lanes::per_lane; ++i) {
          sum[i] += tile[i];
        }
      }
#pragma unroll
      for (unsigned i = 0; i < lanes::per_lane; ++i) {
        sum[i] = codec::detail::divide_sum(sum[i], divisor);
      }
      lanes::pad(at, codec::detail::round_up(count, codec::detail::granule_of<format>), sum);
      lanes::encode_tile_to(to, targets, sum, at, count, told);
    });
#else
    if (group_.thread_rank() == 0) {
      std::vector<std::span<const std::byte>> wires;
      for (int rank = 0; rank < sources; ++rank) {
        wires.push_back(wire(source(rank), count));
      }
      codec_.encode_sum(wires, count, wire(to(0), count), context_at(true, first), divisor);
      copy(to, targets, count);
    }
#endif
  }

  /// use(first + i, value i of the sum, in order, of `sources` wires, divided by `divisor`)
  template <class T, class Source, class Use>
  RONDO_HOST_DEVICE void decode(const Source& source, int sources, float divisor, const Use& use,
                                std::size_t first, std::size_t count) const {
#if defined(__CUDA_ARCH__)
    using lanes = codec::warp<Codec>;
    const auto told = message(false, first);
    each_tile(count, [&](std::size_t at) {
      typename lanes::tile_type sum;
      lanes::decode_tile(source(0), at, count, sum, told);
      for (int rank = 1; rank < sources; ++rank) {
        typename lanes::tile_type tile;
        lanes::decode_tile(source(rank), at, count, tile, told);
#pragma unroll
        for (unsigned i = 0; i < lanes::per_lane; ++i) {
          sum[i] += tile[i];
        }
      }
      lanes::turn_back(sum, told);
#pragma unroll
      for (unsigned i = 0; i < lanes::per_lane; ++i) {
        sum[i] = codec::detail::divide_sum(sum[i], divisor);
      }
      hand_out<T>(sum, use, at, first, count);
    });
#else
    if (group_.thread_rank() == 0) {
      std::vector<float> plain(count, 0.0f);
      codec_.decode(wire(source(0), count), plain);
      for (int rank = 1; rank < sources; ++rank) {
        codec_.decode_add(wire(source(rank), count), plain);
      }
      for (std::size_t i = 0; i < count; ++i) {
        use(first + i, static_cast<T>(plain[i] / divisor));
      }
    }
#endif
  }

 private:
  [[nodiscard]] RONDO_HOST_DEVICE codec::context context_at(bool of_sum, std::size_t first) const {
    codec::context here = where_;
    here.first += first;
    here.of_sum = of_sum;
    return here;
  }

#if defined(__CUDA_ARCH__)
  [[nodiscard]] RONDO_HOST_DEVICE auto message(bool of_sum, std::size_t first) const {
    if constexpr (requires { codec_.begin(where_); }) {
      return codec_.begin(context_at(of_sum, first));
    } else {
      return codec::detail::message_of<format>{};
    }
  }
  /// Elements that a lane loads or stores together: one by one where a pack is more than its eight.
  template <class T>
  static constexpr unsigned packed_width =
      protocol::pack_width<T> <= codec::warp<Codec>::width ? protocol::pack_width<T> : 1u;
  /// tile = values(first + at) .., in packs where a lane's neighbours are all there and the
  /// callable gives packs.
  template <class T, class Values>
  __device__ static void fill(typename codec::warp<Codec>::tile_type& tile, const Values& values,
                              std::size_t at, std::size_t first, std::size_t count) {
    using lanes = codec::warp<Codec>;
    constexpr unsigned width = packed_width<T>;
#pragma unroll
    for (unsigned i = 0; i < lanes::per_lane; i += lanes::width) {
      const std::size_t begin = at + i / lanes::width * lanes::stride;
#pragma unroll
      for (unsigned k = 0; k < lanes::width; k += width) {
        if (begin + lanes::width <= count) {
          const auto some = protocol::pack_from<T, width>(values, first + begin + k);
#pragma unroll
          for (unsigned e = 0; e < width; ++e) {
            tile[i + k + e] = static_cast<float>(some.value[e]);
          }
        } else {
#pragma unroll
          for (unsigned e = 0; e < width; ++e) {
            const std::size_t j = begin + k + e;
            tile[i + k + e] =
                j < count ? static_cast<float>(static_cast<T>(values(first + j))) : 0.0f;
          }
        }
      }
    }
    lanes::pad_with_first(at, count, tile);
  }
  /// use(first + at, tile's) .., in the same way.
  template <class T, class Use>
  __device__ static void hand_out(const typename codec::warp<Codec>::tile_type& tile,
                                  const Use& use, std::size_t at, std::size_t first,
                                  std::size_t count) {
    using lanes = codec::warp<Codec>;
    constexpr unsigned width = packed_width<T>;
#pragma unroll
    for (unsigned i = 0; i < lanes::per_lane; i += width) {
      const std::size_t begin = at + i / lanes::width * lanes::stride + i % lanes::width;
      protocol::pack<T, width> some;
#pragma unroll
      for (unsigned e = 0; e < width; ++e) {
        some.value[e] = static_cast<T>(tile[i + e]);
      }
      if (begin + width <= count) {
        protocol::pack_to(use, first + begin, some);
      } else {
#pragma unroll
        for (unsigned e = 0; e < width; ++e) {
          if (begin + e < count) {
            use(first + begin + e, some.value[e]);
          }
        }
      }
    }
  }
  /// body(at) for the calling lane's place in each tile of the group's warps.
  template <class Body>
  RONDO_HOST_DEVICE void each_tile(std::size_t count, const Body& body) const {
    using lanes = codec::warp<Codec>;
    static_assert(lanes::values == grain);
    const std::size_t warps = group_.size() / 32;  // threads behind the last whole one only watch
    const std::size_t mine = group_.thread_rank() / 32;
    for (std::size_t tile = mine; mine < warps && tile * grain < count; tile += warps) {
      body(lanes::index(tile * grain));
    }
  }
#else
  [[nodiscard]] auto wire(std::byte* at, std::size_t count) const {
    return std::span<std::byte>{at, codec_.wire_bytes(count)};
  }
  [[nodiscard]] auto wire(const std::byte* at, std::size_t count) const {
    return std::span<const std::byte>{at, codec_.wire_bytes(count)};
  }
  template <class Places>
  void copy(const Places& to, int targets, std::size_t count) const {
    for (int t = 1; t < targets; ++t) {
      std::memcpy(to(t), to(0), codec_.wire_bytes(count));
    }
  }
#endif

  const Codec& codec_;
  Group& group_;
  codec::context where_;
};

/// What a sum of decoded values is divided by.
template <class Operation>
[[nodiscard]] RONDO_HOST_DEVICE float codec_divisor_of(int ranks) {
  static_assert(std::is_same_v<Operation, op::sum> || std::is_same_v<Operation, op::average>,
                "rondo: device: a codec goes with op::sum or op::average");
  return rondo::detail::divisor_of<Operation>(ranks);
}

/// For `two_hops`: encoded, exchanged, decoded and summed and encoded in registers, decoded.
template <protocol::access How, class T, class Codec, class Group, class From, class To>
struct coded_all_reduce {
  static constexpr protocol::access how = How;
  static constexpr std::size_t grain = coder<Codec, Group>::grain;
  static constexpr bool stages_own = true;

  const coder<Codec, Group>& coding;
  const From& from;
  const To& to;
  float divisor;
  int size;

  [[nodiscard]] RONDO_HOST_DEVICE static std::size_t bytes(std::size_t count) {
    return Codec::wire_bytes(count);
  }
  RONDO_HOST_DEVICE void stage(std::byte* place, std::size_t first, std::size_t count) const {
    coding.template encode<T>([place](int) { return place; }, 1, from, first, count);
  }
  template <class Source, class Results>
  RONDO_HOST_DEVICE void fold(const Source& source, const Results& result, int targets,
                              std::size_t first, std::size_t count) const {
    coding.sum(source, size, result, targets, divisor, first, count);
  }
  RONDO_HOST_DEVICE void use(const std::byte* place, std::size_t first, std::size_t count,
                             int) const {
    coding.template decode<T>([place](int) { return place; }, 1, 1.0f, to, first, count);
  }
};

/// For `one_hop`; `from(peer)` and `take(source, first, count)` as in `plain_exchange`, where
/// sources are wires.
template <bool SameForAll, class T, class Codec, class Group, class From, class Take>
struct coded_exchange {
  static constexpr protocol::access how =
      SameForAll ? protocol::access::pull : protocol::access::push;
  static constexpr bool same_for_all = SameForAll;
  static constexpr std::size_t grain = coder<Codec, Group>::grain;

  const coder<Codec, Group>& coding;
  const From& from;
  const Take& take;
  int giver = -1;

  [[nodiscard]] RONDO_HOST_DEVICE static std::size_t bytes(std::size_t count) {
    return Codec::wire_bytes(count);
  }
  [[nodiscard]] RONDO_HOST_DEVICE bool gives(int self) const { return giver < 0 || giver == self; }
  template <class Places>
  RONDO_HOST_DEVICE void stage(const Places& place, int targets, int peer, std::size_t first,
                               std::size_t count) const {
    coding.template encode<T>(place, targets, from(peer), first, count);
  }
  template <class Source>
  RONDO_HOST_DEVICE void use(const Source& source, std::size_t first, std::size_t count) const {
    take(source, first, count);
  }
};

}  // namespace rondo::inline v0_1::device::detail
