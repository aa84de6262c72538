// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/block.hpp>
#include <rondo/codec/concept.hpp>
#include <rondo/protocol/packs.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Codecs in the registers of a warp, for kernels of your own: encode what the kernel has just
/// computed, decode what it is about to use. The bytes are those that the host writes; wires are
/// aligned to 16 bytes.
namespace rondo::inline v0_1::codec {

/// How a warp shares the blocks of a codec. A lane holds eight neighbouring values at a time; as
/// many lanes as a block has such eights share it, at most 32. A block of more than 256 values
/// takes several rounds: value `round * 256 + lane * 8 + k` is `tile[round * 8 + k]`.
///
/// | call | who must call | where the result is valid |
/// |---|---|---|
/// | `index`, `load`, `store` | any lane | the calling lane |
/// | `encode`, `encode_tile`, `turn`, `turn_back` | all 32 lanes of the warp, together | the wire |
/// | `pad` | all 32 lanes of the warp, together | the calling lane |
/// | `decode` | any lane; all 32 together for a rotated codec | the calling lane |
///
///     using warp = rondo::codec::warp<rondo::codec::int8<128>>;
///     for (std::size_t first = warp::values * my_warp; first < count; first += ...) {
///       float tile[warp::per_lane];
///       const std::size_t at = warp::index(first);
///       ... fill tile with values at .. at + 7, zeros past the end ...
///       warp::encode(tile, at, count, wire);
///     }
template <class Codec>
struct warp {
  using format = typename Codec::format;
  using wire = typename Codec::wire;
  using scale_type = typename format::scale_type;
  using message = detail::message_of<format>;

  static constexpr unsigned width = 8;
  static constexpr unsigned lanes = format::block / width < 32 ? format::block / width : 32;
  static constexpr unsigned rounds = format::block / (width * lanes);
  /// Values that a lane holds.
  static constexpr unsigned per_lane = width * rounds;
  /// Values that a warp takes at a time.
  static constexpr std::size_t values = 32u * per_lane;
  static_assert((lanes & (lanes - 1)) == 0,
                "rondo: codec::warp: the block must be 8, 16, 32, 64, 128 or a multiple of 256");

  using tile_type = float[per_lane];

  /// The first of the calling lane's values, where the warp's begin at `first`.
  [[nodiscard]] __device__ static std::size_t index(std::size_t first) {
    return first + lane() * width;
  }
  /// Where the values of a later round begin.
  static constexpr std::size_t stride = std::size_t{lanes} * width;

  /// tile = values[at ..], and what the host pads with past `count`.
  template <class T>
  __device__ static void load(const T* from, std::size_t at, std::size_t count, tile_type& tile) {
#pragma unroll
    for (unsigned round = 0; round < rounds; ++round) {
      load_eight(from, at + round * stride, count, tile + round * width);
    }
    pad_with_first(at, count, tile);
  }

  /// tile = value(at) .., and what the host pads with past `count`; for values that are computed.
  template <class Value>
  __device__ static void fill(const Value& value, std::size_t at, std::size_t count,
                              tile_type& tile) {
#pragma unroll
    for (unsigned i = 0; i < per_lane; ++i) {
      tile[i] = position(at, i) < count ? static_cast<float>(value(position(at, i))) : 0.0f;
    }
    pad_with_first(at, count, tile);
  }

  /// take(index, value) for the lane's values from `at` on, up to `count`.
  template <class Take>
  __device__ static void visit(const tile_type& tile, std::size_t at, std::size_t count,
                               const Take& take) {
#pragma unroll
    for (unsigned i = 0; i < per_lane; ++i) {
      if (position(at, i) < count) {
        take(position(at, i), tile[i]);
      }
    }
  }

  /// Past `count`, any tile becomes what the host pads a short last block with.
  __device__ static void pad(std::size_t at, std::size_t count, tile_type& tile) {
    float with = 0;
    if constexpr (requires { format::pads_with_first; }) {
      with = __shfl_sync(all, tile[0], static_cast<int>(lane() & ~(lanes - 1)));
    }
#pragma unroll
    for (unsigned i = 0; i < per_lane; ++i) {
      tile[i] = position(at, i) < count ? tile[i] : with;
    }
  }
  /// The same for a tile of zeros past `count`, which most formats are padded with.
  __device__ static void pad_with_first([[maybe_unused]] std::size_t at,
                                        [[maybe_unused]] std::size_t count,
                                        [[maybe_unused]] tile_type& tile) {
    if constexpr (requires { format::pads_with_first; } && !rotates) {
      pad(at, count, tile);
    }
  }

  /// values[at ..] = fold(values[at ..], tile), up to `count`.
  template <class T, class Fold>
  __device__ static void store(const tile_type& tile, std::size_t at, std::size_t count, T* to,
                               const Fold& fold) {
#pragma unroll
    for (unsigned round = 0; round < rounds; ++round) {
      store_eight(tile + round * width, at + round * stride, count, to, fold);
    }
  }

  /// Rotates, where the codec does, finds the scale and writes the lane's part of the wire of
  /// `count` values.
  __device__ static void encode(tile_type& tile, std::size_t at, std::size_t count, std::byte* to,
                                const message& told = {}) {
    turn(tile, at, count, told);
    encode_tile(tile, at, count, to, told);
  }

  /// The same for values that are rotated already, such as a sum of decoded tiles that
  /// `pad` has been over.
  __device__ static void encode_tile(const tile_type& tile, std::size_t at,
                                     std::size_t values_given, std::byte* to,
                                     const message& told = {}) {
    encode_tile_to([to](int) { return to; }, 1, tile, at, values_given, told);
  }

  /// The same into several wires at once: `to(0)` up to `to(targets - 1)`.
  template <class To>
  __device__ static void encode_tile_to(const To& to, int targets, const tile_type& tile,
                                        std::size_t at, std::size_t values_given,
                                        const message& told = {}) {
    const std::size_t count = detail::round_up(values_given, detail::granule_of<format>);
    const std::size_t b = at / format::block;
    const std::size_t first = b * format::block;
    const scale_type scale = share_scale(tile, first < count ? count - first : 0, told);
    if (first >= count) {
      return;
    }
    if ((lane() & (lanes - 1)) == 0) {
      for (int t = 0; t < targets; ++t) {
        wire::write_scale(to(t), b, scale);
      }
    }
#pragma unroll
    for (unsigned round = 0; round < rounds; ++round) {
      float eight[width];
      copy(tile + round * width, eight);
      std::uint8_t codes[bits];
      const std::size_t place = at - first + round * stride;
      detail::pack_tile<format>(eight, scale, codes, told, first + place);
      for (int t = 0; t < targets; ++t) {
        put(codes, wire::payload(to(t), count, b), place, stored_bytes(count, first));
      }
    }
  }

  /// tile = the lane's values from `at` on of a wire of `count`, still rotated. Past the
  /// end it is what zero bits stand for: not zeros in every format.
  __device__ static void decode_tile(const std::byte* from, std::size_t at,
                                     std::size_t values_given, tile_type& tile,
                                     const message& told = {}) {
    const std::size_t count = detail::round_up(values_given, detail::granule_of<format>);
    const std::size_t b = at / format::block;
    const std::size_t first = b * format::block;
    if (first >= count) {
#pragma unroll
      for (unsigned i = 0; i < per_lane; ++i) {
        tile[i] = 0;
      }
      return;
    }
    const scale_type scale = wire::read_scale(from, b);
#pragma unroll
    for (unsigned round = 0; round < rounds; ++round) {
      std::uint8_t codes[bits];
      get(codes, wire::payload(from, count, b), at - first + round * stride,
          stored_bytes(count, first));
      float eight[width];
      detail::unpack_tile<format>(codes, scale, eight, told);
#pragma unroll
      for (unsigned k = 0; k < width; ++k) {
        tile[round * width + k] = eight[k];
      }
    }
  }

  /// tile = the lane's values from `at` on of a wire of `count`.
  __device__ static void decode(const std::byte* from, std::size_t at, std::size_t count,
                                tile_type& tile, const message& told = {}) {
    decode_tile(from, at, count, tile, told);
    turn_back(tile, told);
  }

  __device__ static void turn(tile_type& tile, const message& told) {
    if constexpr (rotates) {
      flip_and_scale(tile, told);
      hadamard(tile);
    }
  }
  /// The same of values up to `count`: behind what is sent of them stands padding.
  __device__ static void turn(tile_type& tile, [[maybe_unused]] std::size_t at,
                              [[maybe_unused]] std::size_t count, const message& told) {
    turn(tile, told);
    if constexpr (requires { format::pads_with_first; } && rotates) {
      pad(at, detail::round_up(count, detail::granule_of<format>), tile);
    }
  }
  __device__ static void turn_back(tile_type& tile, const message& told) {
    if constexpr (rotates) {
      hadamard(tile);
      flip_and_scale(tile, told);
    }
  }

 private:
  static constexpr unsigned all = 0xffffffffu;
  static constexpr unsigned bits = static_cast<unsigned>(format::bits);
  static constexpr bool rotates = detail::granule_of<format> > 1;

  [[nodiscard]] __device__ static unsigned lane() {
    unsigned id;
    asm("mov.u32 %0, %%laneid;" : "=r"(id));
    return id;
  }
  [[nodiscard]] __device__ static std::size_t position(std::size_t at, unsigned i) {
    return at + i / width * stride + i % width;
  }
  __device__ static void copy(const float* from, float (&to)[width]) {
#pragma unroll
    for (unsigned k = 0; k < width; ++k) {
      to[k] = from[k];
    }
  }

  /// Any trivially copyable value of whole words, from another lane.
  template <class T>
  [[nodiscard]] __device__ static T from_lane_across(const T& mine, unsigned mask) {
    static_assert(sizeof(T) % 4 == 0);
    std::uint32_t words[sizeof(T) / 4];
    std::memcpy(words, &mine, sizeof(T));
#pragma unroll
    for (std::uint32_t& word : words) {
      word = __shfl_xor_sync(all, word, static_cast<int>(mask));
    }
    T theirs;
    std::memcpy(&theirs, words, sizeof(T));
    return theirs;
  }

  [[nodiscard]] __device__ static scale_type share_scale(const tile_type& tile, std::size_t left,
                                                         const message& told) {
    auto seen = format::statistic::observe(tile);
#pragma unroll
    for (unsigned mask = lanes / 2; mask > 0; mask /= 2) {
      seen = format::statistic::combine(seen, from_lane_across(seen, mask));
    }
    return detail::scale_of<format>(seen, left < format::block ? left : format::block, told);
  }

  /// The same sums and differences, in the same order, as detail::hadamard32.
  __device__ static void hadamard(tile_type& tile) {
#pragma unroll
    for (unsigned mask = 2; mask > 0; mask /= 2) {
      const bool upper = (lane() & mask) != 0;
#pragma unroll
      for (unsigned i = 0; i < per_lane; ++i) {
        const float other = __shfl_xor_sync(all, tile[i], static_cast<int>(mask));
        tile[i] = upper ? other - tile[i] : tile[i] + other;
      }
    }
#pragma unroll
    for (unsigned half = width / 2; half > 0; half /= 2) {
#pragma unroll
      for (unsigned i = 0; i < per_lane; ++i) {
        if ((i & half) == 0) {
          const float sum = tile[i] + tile[i + half];
          tile[i + half] = tile[i] - tile[i + half];
          tile[i] = sum;
        }
      }
    }
  }

  __device__ static void flip_and_scale(tile_type& tile, const message& told) {
#pragma unroll
    for (unsigned i = 0; i < per_lane; ++i) {
      tile[i] = format::flip_and_scale(tile[i], (lane() % 4) * width + i % width, told);
    }
  }

  /// Payload bytes of the block that begins at `first`.
  [[nodiscard]] __device__ static std::size_t stored_bytes(std::size_t count, std::size_t first) {
    return count - first >= format::block ? wire::block_bytes() : wire::tail_bytes(count);
  }

  /// Eight codes are `bits` bytes, in a plane or two, at the place of value `place` of the block.
  __device__ static void put(const std::uint8_t (&codes)[bits], std::byte* payload,
                             std::size_t place, std::size_t stored) {
    if constexpr (bits == 6) {
      put_plane<4>(codes, payload, place / 2, stored);
      put_plane<2>(codes + 4, payload, format::block / 2 + place / 4, stored);
    } else {
      put_plane<bits>(codes, payload, place * bits / 8, stored);
    }
  }
  __device__ static void get(std::uint8_t (&codes)[bits], const std::byte* payload,
                             std::size_t place, std::size_t stored) {
    if constexpr (bits == 6) {
      get_plane<4>(codes, payload, place / 2, stored);
      get_plane<2>(codes + 4, payload, format::block / 2 + place / 4, stored);
    } else {
      get_plane<bits>(codes, payload, place * bits / 8, stored);
    }
  }
  /// Whole planes go in one access: they are aligned to their own size.
  template <unsigned Bytes>
  struct alignas(Bytes) bytes_of {
    std::uint8_t byte[Bytes];
  };
  template <unsigned Bytes>
  __device__ static void put_plane(const std::uint8_t* codes, std::byte* payload, std::size_t at,
                                   std::size_t stored) {
    if (at + Bytes <= stored) {
      bytes_of<Bytes> packed;
      std::memcpy(&packed, codes, Bytes);
      *reinterpret_cast<bytes_of<Bytes>*>(payload + at) = packed;
    } else {
      for (unsigned i = 0; i < Bytes && at + i < stored; ++i) {
        payload[at + i] = static_cast<std::byte>(codes[i]);
      }
    }
  }
  template <unsigned Bytes>
  __device__ static void get_plane(std::uint8_t* codes, const std::byte* payload, std::size_t at,
                                   std::size_t stored) {
    if (at + Bytes <= stored) {
      const auto packed = *reinterpret_cast<const bytes_of<Bytes>*>(payload + at);
      std::memcpy(codes, &packed, Bytes);
    } else {
      for (unsigned i = 0; i < Bytes; ++i) {
        codes[i] = at + i < stored ? static_cast<std::uint8_t>(payload[at + i]) : 0;
      }
    }
  }

  template <class T>
  __device__ static void load_eight(const T* from, std::size_t at, std::size_t count, float* tile) {
    using stored = typename detail::stored_as<T>::type;
    struct alignas(16) eight {
      stored value[width];
    };
    if (at + width <= count && reinterpret_cast<std::uintptr_t>(from + at) % 16 == 0) {
      const auto all_eight = *reinterpret_cast<const eight*>(from + at);
#pragma unroll
      for (unsigned k = 0; k < width; ++k) {
        tile[k] = static_cast<float>(all_eight.value[k]);
      }
    } else {
#pragma unroll
      for (unsigned k = 0; k < width; ++k) {
        tile[k] = at + k < count ? detail::value_at(from, at + k) : 0.0f;
      }
    }
  }

  template <class T, class Fold>
  __device__ static void store_eight(const float* tile, std::size_t at, std::size_t count, T* to,
                                     const Fold& fold) {
    using stored = typename detail::stored_as<T>::type;
    struct alignas(16) eight {
      stored value[width];
    };
    if (at + width <= count && reinterpret_cast<std::uintptr_t>(to + at) % 16 == 0) {
      eight values = *reinterpret_cast<const eight*>(to + at);
#pragma unroll
      for (unsigned k = 0; k < width; ++k) {
        values.value[k] = static_cast<stored>(fold(static_cast<float>(values.value[k]), tile[k]));
      }
      protocol::store_words(to + at, values);
    } else {
      for (unsigned k = 0; k < width && at + k < count; ++k) {
        *reinterpret_cast<stored*>(to + at + k) =
            static_cast<stored>(fold(detail::value_at(to, at + k), tile[k]));
      }
    }
  }
};

}  // namespace rondo::inline v0_1::codec
