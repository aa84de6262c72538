// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/statistic.hpp>
#include <rondo/codec/detail/tile.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/vectorize.hpp>

#include <algorithm>
#include <limits>
#include <span>
#include <type_traits>

namespace rondo::inline v0_1::codec {

/// Integers whose scale all ranks share, so that a sum of integers is the integer of the sum: any
/// schedule and any network that adds integers will do, nothing is decoded on the way, and the
/// result is exact but for one rounding per rank (THC: Li et al. 2024, NSDI; FP8-LM: Peng et al.
/// 2023, arXiv:2310.18313):
///
///     all_reduce(comm, gradient, shared_scale<8>{}, ring{});
///
/// That is two collectives, a maximum of block magnitudes and the sum, which may be made by hand:
///
///     shared_scale<8> codec;
///     std::vector<float> absmax(codec.blocks(n));
///     std::vector<std::int16_t> sums(n);
///     codec.observe(gradient, absmax);
///     all_reduce(comm, absmax, op::max{});
///     codec.encode(gradient, absmax, sums);
///     all_reduce(comm, sums);
///     codec.decode(sums, absmax, gradient);
///
/// A block that holds a NaN or an infinity on any rank is NaN on all. The wire has `Sum` integers,
/// so that no hop can overflow: 16 bits for codes of more than 5.
template <int Bits, std::size_t Block = 128,
          class Sum = std::conditional_t<(Bits > 5), std::int16_t, std::int8_t>>
struct shared_scale {
  static_assert(Bits >= 2 && Bits <= 16 && std::is_signed_v<Sum> && std::is_integral_v<Sum>);
  static constexpr policy kind = policy::codec;
  static constexpr std::size_t block = Block;
  static constexpr bool is_linear = true;
  static constexpr bool carries_nan = true;
  static constexpr int highest = (1 << (Bits - 1)) - 1;
  static_assert(sizeof(Sum) <= 4 && (std::numeric_limits<Sum>::max)() >= highest,
                "rondo: codec::shared_scale: Sum has 32 bits at most, and room for one rank's "
                "codes");
  /// With more, a sum may overflow.
  static constexpr int max_ranks = static_cast<int>((std::numeric_limits<Sum>::max)()) / highest;

  [[nodiscard]] static constexpr std::size_t blocks(std::size_t count) {
    return detail::divide_up(count, Block);
  }

  /// absmax[b] = the largest magnitude in block b.
  template <buffer Values>
  static void observe(const Values& values, std::span<float> absmax) {
    const auto from = readable(values);
    require_scales(absmax.size(), from.size());
    for_each_block(from,
                   [absmax](std::size_t b, std::size_t, const tile_type& tile) RONDO_INLINE_BODY {
                     const auto seen = detail::largest_magnitude::observe(tile);
                     absmax[b] = seen.finite() ? seen.value() : detail::float_of(detail::nan_bits);
                   });
  }

  /// sums[i] = values[i] as an integer, ready to be summed over the ranks.
  template <buffer Values>
  static void encode(const Values& values, std::span<const float> absmax, std::span<Sum> sums) {
    const auto from = readable(values);
    require_scales(absmax.size(), from.size());
    require_sums(sums.size(), from.size());
    for_each_block(from, [absmax, sums](std::size_t b, std::size_t count,
                                        const tile_type& tile) RONDO_INLINE_BODY {
      const float scale = scale_of(absmax[b]);
      const float inverse = detail::inverse_or_zero(scale);
      const bool poisoned = detail::magnitude_of(scale) >= detail::infinity_bits;
      Sum codes[Block];
      for (std::size_t i = 0; i < Block; ++i) {
        const std::int32_t code = detail::nearest_integer(detail::multiply(tile[i], inverse));
        const std::int32_t raised = code < -highest ? -highest : code;
        codes[i] = static_cast<Sum>(raised > highest ? highest : raised);
      }
      for (std::size_t i = 0; i < count; ++i) {
        sums[b * Block + i] = poisoned ? Sum{0} : codes[i];
      }
    });
  }

  /// values[i] = sums[i] times the scale of its block, divided by `divisor`, such as ranks.
  template <writable_buffer Values>
  static void decode(std::span<const Sum> sums, std::span<const float> absmax, Values&& values,
                     float divisor = 1) {
    const auto out = writable(values);
    require_scales(absmax.size(), out.size());
    require_sums(sums.size(), out.size());
    using stored = typename detail::stored_as<element_of<Values>>::type;
    vectorized([=]() RONDO_INLINE_BODY {
      for (std::size_t first = 0; first < out.size(); first += Block) {
        const float scale = scale_of(absmax[first / Block]);
        const std::size_t last = (std::min)(first + Block, out.size());
        for (std::size_t i = first; i < last; ++i) {
          const auto value = static_cast<stored>(
              detail::divide_sum(detail::multiply(static_cast<float>(sums[i]), scale), divisor));
          std::memcpy(static_cast<void*>(out.data() + i), &value, sizeof(value));
        }
      }
    });
  }

  /// out = the sum of the ranks' values by `divisor`. `ranks` has `size()`, `memory(bytes)`, and
  /// `sum(span)` and `largest(span)`, which replace their argument by the result over all ranks.
  /// Errors: more than `max_ranks` are refused.
  template <buffer In, writable_buffer Out, class Ranks>
  static void all_reduce(const In& in, Out&& out, const Ranks& ranks, float divisor = 1) {
    const auto from = readable(in);
    if (ranks.size() > max_ranks) {
      refuse("codec::shared_scale: sums of " + std::to_string(ranks.size()) +
             " ranks may overflow; got room for " + std::to_string(max_ranks) +
             ", take fewer bits or a wider Sum");
    }
    std::byte* const memory =
        ranks.memory(blocks(from.size()) * sizeof(float) + from.size() * sizeof(Sum));
    const std::span<float> absmax{reinterpret_cast<float*>(memory), blocks(from.size())};
    const std::span<Sum> sums{reinterpret_cast<Sum*>(memory + absmax.size_bytes()), from.size()};
    observe(from, absmax);
    ranks.largest(absmax);
    encode(from, absmax, sums);
    ranks.sum(sums);
    decode(sums, absmax, out, divisor);
  }

  /// |sum - decoded| is at most half a step per rank, and what floats lose of so large codes.
  [[nodiscard]] static float max_error(float block_absmax, int ranks) {
    const auto n = static_cast<float>(ranks);
    return scale_of(block_absmax) * n * (0.5f + static_cast<float>(highest) * 0x1p-21f);
  }

 private:
  using tile_type = float[Block];

  [[nodiscard]] RONDO_ALWAYS_INLINE static float scale_of(float absmax) {
    const float scale = absmax / static_cast<float>(highest);
    const bool subnormal = absmax > 0 && scale < detail::smallest_normal;
    return subnormal ? detail::smallest_normal : scale;
  }

  template <class T, class Body>
  static void for_each_block(std::span<const T> from, const Body& body) {
    vectorized([=]() RONDO_INLINE_BODY {
      for (std::size_t first = 0; first < from.size(); first += Block) {
        const std::size_t count = (std::min)(Block, from.size() - first);
        tile_type tile;
        if (count == Block) {
          detail::load(from.data() + first, tile);
        } else {
          for (std::size_t i = 0; i < Block; ++i) {
            tile[i] = i < count ? detail::value_at(from.data() + first, i) : 0.0f;
          }
        }
        body(first / Block, count, tile);
      }
    });
  }

  static void require_scales(std::size_t got, std::size_t count) {
    if (got < blocks(count)) {
      refuse("codec::shared_scale: got " + std::to_string(got) + " magnitudes; " +
             std::to_string(count) + " values need " + std::to_string(blocks(count)) +
             ", one per block");
    }
  }
  static void require_sums(std::size_t got, std::size_t count) {
    if (got < count) {
      refuse("codec::shared_scale: got room for " + std::to_string(got) + " integers; needs " +
             std::to_string(count) + ", one per value");
    }
  }
};

}  // namespace rondo::inline v0_1::codec
