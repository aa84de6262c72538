// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/block_decoder.hpp>
#include <rondo/codec/detail/block_encoder.hpp>
#include <rondo/codec/detail/convert.hpp>
#include <rondo/codec/wire.hpp>

#include <algorithm>
#include <span>

/// What every format made of blocks with a scale has in common: the loops over its wire.
namespace rondo::inline v0_1::codec {

/// The codec made of a block format. A `Format` states, for host and device alike,
///  - `block`, `bits`: values that share a scale, and bits per value in the payload;
///  - `scale_type`: what is stored per block, trivially copyable;
///  - `statistic`: with `observe(tile)` and `combine(a, b)`, and `scale_of(statistic, count)`;
///  - `pack(tile, scale, payload)` and `unpack(payload, scale, tile)` for a tile of any N values;
///    or in their place, and faster, `code_of(value, factor)` with `factor_of(scale)`, of which the
///    low `bits` are sent, and `value_of(code, step)` with `step_of(scale)`;
///  - `is_poison(scale)`: the scale says that the block held a NaN or an infinity.
/// and may have a `message` that `begin(context)` makes for each call, a `survey` of all values
/// before the first is encoded, and `turn` and `turn_back`, applied to tiles on either side.
/// The codec offers the whole interface for spans of float, double, half and bfloat16.
template <class Format>
class block_codec : public Format {
 public:
  using format = Format;
  using wire = wire_layout<Format>;
  static constexpr std::size_t block = Format::block;
  static constexpr bool carries_nan = true;

  constexpr block_codec() = default;
  constexpr explicit block_codec(const Format& of) : Format{of} {}

  /// Bytes of the wire of `count` values.
  [[nodiscard]] RONDO_HOST_DEVICE static constexpr std::size_t wire_bytes(std::size_t count) {
    return count <= detail::most_values ? wire::bytes(detail::round_up(count, granule))
                                        : detail::no_wire;
  }

  /// Encodes `values` (float, double, half or bfloat16) into the first `wire_bytes` of `to`, all
  /// of which are written. Errors: a wire too short is refused.
  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& where = {}) const {
    const auto from = readable(values);
    encode_values(from, to, where);
  }

  /// values = what the wire says.
  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    decode_to(from, writable(values), detail::replace_fold{});
  }

  /// sum += what the wire says, in fp32.
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    decode_to(from, sum, detail::add_fold{});
  }

  /// rest -= what the wire says, in fp32.
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    decode_to(from, rest, detail::subtract_fold{});
  }

  /// Decodes wires of `count` values each, sums them in the order given in fp32, divides the
  /// sum by `divisor` and encodes it, group by group: nothing but wires touches memory.
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& where = {}, float divisor = 1) const {
    for (const auto& from : wires) {
      detail::require_wire("codec::encode_sum", from.size(), wire_bytes(count), count);
    }
    const sum_of_wires sum{wires, detail::round_up(count, granule), divisor};
    encode_from({.maker = &sum, .make = sum_of_wires::make}, count, to, where);
  }

 private:
  using message = detail::message_of<Format>;
  using encoder = detail::block_encoder<Format>;
  using decoder = detail::block_decoder<Format>;
  using group = detail::block_group<Format>;
  static constexpr std::size_t granule = group::granule;
  static constexpr bool turns = group::turns;

  template <class T>
  void encode_values(std::span<const T> from, std::span<std::byte> to, const context& where) const {
    typename encoder::source source{.maker = &from, .make = group_of_values<T>};
    if constexpr (std::is_same_v<T, float> && !turns) {
      source.values = from.data();
      source.in_place = from.size() / group::values * group::values;
    }
    encode_from(source, from.size(), to, where);
  }

  /// `maker` is a std::span<const T>.
  template <class T>
  static void group_of_values(const void* maker, std::size_t index,
                              [[maybe_unused]] const message& told, float* to) {
    const auto& from = *static_cast<const std::span<const T>*>(maker);
    const std::size_t here = (std::min)(group::values, from.size() - index);
    detail::load_run(from.data() + index, here, to);
    if constexpr (turns) {  // zeros up to the granule are sent; what stands behind is not seen
      std::fill(to + here, to + group::values, 0.0f);
      turn(to, told);
      group::pad(to, (std::min)(group::values, detail::round_up(here, granule)));
    } else if (here < group::values) {
      group::pad(to, here);
    }
  }

  struct sum_of_wires {
    std::span<const std::span<const std::byte>> wires;
    std::size_t count;
    float divisor;

    /// Added in the order of the wires.
    static void make(const void* maker, std::size_t index, const message&, float* to) {
      const auto& sum = *static_cast<const sum_of_wires*>(maker);
      std::fill(to, to + group::values, 0.0f);
      decoder::decode(sum.wires, sum.count, index / block, 1, to, detail::add_fold{});
      if (sum.divisor != 1) {
        detail::divide_run(to, group::values, sum.divisor);
      }
      if (const std::size_t here = sum.count - index; here < group::values) {
        group::pad(to, here);
      }
    }
  };

  void encode_from(const typename encoder::source& from, std::size_t values,
                   std::span<std::byte> to, const context& where) const {
    detail::require_wire("codec::encode", to.size(), wire_bytes(values), values);
    if (wire_bytes(values) != 0) {
      const std::size_t count = detail::round_up(values, granule);
      encoder::encode(*this, from, count, to.data(), where);
      wire::zero_gaps(to.data(), count);
    }
  }

  template <class T, class Fold>
  void decode_to(std::span<const std::byte> from, std::span<T> values, const Fold& fold) const {
    const std::size_t size = values.size();
    detail::require_wire("codec::decode", from.size(), wire_bytes(size), size);
    const std::size_t count = detail::round_up(size, granule);
    const typename decoder::wires wires{&from, 1};
    const std::size_t groups = size / group::values;
    alignas(64) float room[group::values];
    if constexpr (std::is_same_v<T, float> && !turns) {
      decoder::decode(wires, count, 0, groups, values.data(), fold);
      if (const auto last = values.subspan(groups * group::values); !last.empty()) {
        std::copy(last.begin(), last.end(), room);
        std::fill(room + last.size(), room + group::values, 0.0f);
        decoder::decode(wires, count, groups * group::blocks, 1, room, fold);
        std::copy_n(room, last.size(), last.begin());
      }
    } else {
      [[maybe_unused]] message told;
      if constexpr (turns) {
        told = Format::begin(context{});  // turning back needs nothing that depends on the context
      }
      for (std::size_t index = 0; index < size; index += group::values) {
        decoder::decode(wires, count, index / block, 1, room, detail::replace_fold{});
        if constexpr (turns) {
          turn_back(room, told);
        }
        const std::size_t here = (std::min)(group::values, size - index);
        detail::store_run(room, here, values.data() + index, fold);
      }
    }
  }

  static void turn(float* values, const message& told) {
    vectorized<registers::of_64_bytes>([=]() RONDO_INLINE_BODY {
      for (auto& tile : *reinterpret_cast<typename group::tiles*>(values)) {
        Format::turn(tile, told);
      }
    });
  }
  static void turn_back(float* values, const message& told) {
    vectorized<registers::of_64_bytes>([=]() RONDO_INLINE_BODY {
      for (auto& tile : *reinterpret_cast<typename group::tiles*>(values)) {
        Format::turn_back(tile, told);
      }
    });
  }
};

}  // namespace rondo::inline v0_1::codec
