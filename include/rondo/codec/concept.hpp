// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

/// A codec says what a run of values looks like on the wire. Its size there depends on the count
/// alone, so every rank knows the length of every message without being told.
namespace rondo::inline v0_1::codec {

/// Where a run of values stands in the collective. Codecs with a memory or with random numbers
/// need it to encode; decoding never does.
struct context {
  std::uint64_t step = 0;   ///< which call of a training run this is
  std::uint32_t rank = 0;   ///< who encodes
  std::uint64_t first = 0;  ///< index of the run's first value in the whole buffer
  /// Set where a chunk's owner encodes the sum that it sends back to all.
  bool of_sum = false;
  /// Where partial sums are encoded anew on their way: which of the rank's messages of the call
  /// this is, from 1 on, and `first` counts from the message's own first value.
  std::uint32_t hop = 0;
};

/// What every codec offers, and all that a collective uses of most.
///  - `block`: values that must not be parted; a chunk begins on a multiple of it.
///  - `wire_bytes(count)`: for any count, 0 too; a multiple of 16. More values may be fewer bytes.
///    rondo's own say `detail::no_wire` of a count that no buffer has, where bytes would wrap:
///    every call that is given such a count refuses it, as any wire that is too short.
///  - `encode(values, wire, context)`, `decode(wire, values)`, `decode_add(wire, sum)`.
/// One with a memory also has `lacking(count)`: a string that says what is missing to encode
/// `count` values, empty if nothing is. Collectives ask before any byte moves. One that states
/// `sums_together` also has `encode_sum(wires, count, wire, context, divisor)`: decodes wires of
/// `count` values each, adds them in the order given, divides by `divisor`, and encodes that.
template <class C>
concept codec = requires(const C& c, std::span<const float> values, std::span<float> decoded,
                         std::span<const std::byte> wire, std::span<std::byte> encoded,
                         context where) {
  { C::block } -> std::convertible_to<std::size_t>;
  { c.wire_bytes(std::size_t{}) } -> std::convertible_to<std::size_t>;
  c.encode(values, encoded, where);
  c.decode(wire, decoded);
  c.decode_add(wire, decoded);
};

/// A codec whose wire is plain numbers, which any all-reduce may sum without decoding: it makes the
/// all-reduce itself, of those that `ranks` offers (see `detail::ranks_of_call`).
template <class C>
concept linear_codec = requires {
  requires C::is_linear;
};

/// What the compiler knows about a codec. A codec states what differs from the defaults as
/// `static constexpr bool` members of the same names.
template <codec C>
struct traits {
#define RONDO_CODEC_TRAIT(name, otherwise)       \
  static constexpr bool name = [] {              \
    if constexpr (requires { bool{C::name}; }) { \
      return C::name;                            \
    } else {                                     \
      return otherwise;                          \
    }                                            \
  }()
  /// Decoded values differ from the encoded ones.
  RONDO_CODEC_TRAIT(lossy, true);
  /// What was lost is kept in memory that the user owns, one cell per value.
  RONDO_CODEC_TRAIT(needs_state, false);
  /// The mean over random draws is the value itself.
  RONDO_CODEC_TRAIT(unbiased, false);
  /// A NaN or an infinity makes its whole block NaN, and no other block.
  RONDO_CODEC_TRAIT(carries_nan, false);
  /// The user asked for encoding anew at every hop of a ring or a tree.
  RONDO_CODEC_TRAIT(requantises_per_hop, false);
  /// The owner of a chunk gathers all wires and sums them in one `encode_sum`, for that is faster
  /// than one after another.
  RONDO_CODEC_TRAIT(sums_together, false);
#undef RONDO_CODEC_TRAIT
  /// The codec states its bound: `max_error(block_absmax)`, for finite values.
  static constexpr bool states_bound = requires(const C& c) { c.max_error(1.0f); };
};

/// A codec made of blocks and without a memory: there are kernels for it.
template <class C>
concept has_kernels = codec<C> && requires {
  typename C::format;
} && !traits<C>::needs_state;

/// The bits of a codec's wire per value, for long runs.
template <codec C>
[[nodiscard]] constexpr double bits_per_value(const C& c) {
  constexpr std::size_t many = std::size_t{1} << 24;
  return 8.0 * static_cast<double>(c.wire_bytes(many)) / static_cast<double>(many);
}

namespace detail {

[[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t divide_up(std::size_t value, std::size_t by) {
  return value / by + (value % by != 0 ? 1 : 0);
}
[[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t round_up(std::size_t value,
                                                               std::size_t granule) {
  return divide_up(value, granule) * granule;
}

/// Sections of a wire begin on multiples of this, for vector loads on a GPU.
inline constexpr std::size_t wire_alignment = 16;

/// More values than any buffer has, and so few that sizes of up to 32 bytes a value do not wrap.
inline constexpr std::size_t most_values = ~std::size_t{0} / 64;
/// Bytes that no wire has, as many as the largest object.
inline constexpr std::size_t no_wire = ~std::size_t{0} / 2 / wire_alignment * wire_alignment;

inline void require_wire(std::string_view what, std::size_t got, std::size_t needed,
                         std::size_t count) {
  if (got < needed) {
    refuse(std::string{what} + ": the wire has " + std::to_string(got) + " bytes; " +
           std::to_string(count) + " values need " + std::to_string(needed) +
           "; size it with wire_bytes(count)");
  }
}

[[noreturn]] inline void corrupt(const std::string& what) {
  raise(error{error_code::corrupt_data, what + "; was it made by another codec?"});
}

}  // namespace detail
}  // namespace rondo::inline v0_1::codec
