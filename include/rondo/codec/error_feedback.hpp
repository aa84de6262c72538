// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/arithmetic.hpp>
#include <rondo/codec/detail/tile.hpp>
#include <rondo/core/parameters.hpp>
#include <rondo/core/vectorize.hpp>

#include <cstdint>
#include <span>
#include <string>

namespace rondo::inline v0_1::codec {

/// Sends each value together with what earlier calls left unsent, and remembers what this one
/// leaves: nothing is lost, only late. It is what lets 1- and 2-bit codecs and top_k train (Seide
/// et al. 2014; Karimireddy et al. 2019, arXiv:1901.09847).
///
/// The memory is the user's: one float per value of the whole buffer, zero at first. Saving and
/// restoring a run means copying it. It belongs to one tensor on one rank; when the number of ranks
/// changes, see `rescale_residual`. A second memory of the same size, of which a rank uses the
/// chunks whose sums it encodes, makes that half of a two-shot exact in the same sense; without it,
/// sums go out uncorrected.
///
/// A value that is not finite reaches all ranks, if the codec carries NaN, and is then forgotten.
template <codec Codec>
struct error_feedback {
  static constexpr std::size_t block = Codec::block;
  static constexpr bool needs_state = true;
  static constexpr bool lossy = traits<Codec>::lossy;
  static constexpr bool carries_nan = traits<Codec>::carries_nan;
  static constexpr bool sums_together = traits<Codec>::sums_together;

  Codec codec;
  std::span<float> residual;
  std::span<float> residual_of_sum{};

  error_feedback(const Codec& inner, std::span<float> memory, std::span<float> memory_of_sum = {})
      : codec{inner}, residual{memory}, residual_of_sum{memory_of_sum} {}

  [[nodiscard]] std::size_t wire_bytes(std::size_t count) const { return codec.wire_bytes(count); }
  [[nodiscard]] std::uint64_t parameters() const { return parameters_of(codec); }

  /// What is missing to encode values up to `count` of a buffer.
  [[nodiscard]] std::string lacking(std::size_t count) const {
    if (residual.size() < count) {
      return too_short("residual", residual.size(), count);
    }
    if (!residual_of_sum.empty() && residual_of_sum.size() < count) {
      return too_short("residual_of_sum", residual_of_sum.size(), count);
    }
    return {};
  }

  /// Errors: refused where the memory does not reach to the last value.
  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& where = {}) const {
    const auto from = readable(values);
    const auto memory = memory_for(where, from.size());
    if (memory.empty()) {
      codec.encode(from, to, where);
      return;
    }
    for_each(memory, [first = from.data()](std::size_t i, float left)
                         RONDO_INLINE_BODY { return left + detail::value_at(first, i); });
    encode_memory(memory, to, where);
  }

  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    codec.decode(from, values);
  }
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    codec.decode_add(from, sum);
  }
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    codec.decode_subtract(from, rest);
  }

  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& where = {}, float divisor = 1) const {
    context of_sum = where;
    of_sum.of_sum = true;
    const auto memory = memory_for(of_sum, count);
    if (memory.empty()) {
      codec.encode_sum(wires, count, to, of_sum, divisor);
      return;
    }
    if (divisor != 1) {
      for_each(memory,
               [divisor](std::size_t, float left) RONDO_INLINE_BODY { return left * divisor; });
    }
    for (const auto& wire : wires) {
      codec.decode_add(wire, memory);
    }
    if (divisor != 1) {
      for_each(memory,
               [divisor](std::size_t, float sum) RONDO_INLINE_BODY { return sum / divisor; });
    }
    encode_memory(memory, to, of_sum);
  }

 private:
  /// The cells of these values; none where sums have no memory.
  [[nodiscard]] std::span<float> memory_for(const context& where, std::size_t count) const {
    const auto whole = where.of_sum ? residual_of_sum : residual;
    if (where.of_sum && whole.empty()) {
      return {};
    }
    if (whole.size() < count || where.first > whole.size() - count) {
      const std::size_t most = ~std::size_t{0};  // where no number tells how many
      const std::size_t needed = where.first > most - count ? most : where.first + count;
      refuse(too_short(where.of_sum ? "residual_of_sum" : "residual", whole.size(), needed));
    }
    return whole.subspan(where.first, count);
  }

  [[nodiscard]] static std::string too_short(const char* which, std::size_t got,
                                             std::size_t needed) {
    return std::string{"codec::error_feedback: "} + which + " holds " + std::to_string(got) +
           " floats; needs " + std::to_string(needed) + ", one per value of the whole buffer";
  }

  /// The memory holds what to send; afterwards, what is left of it.
  void encode_memory(std::span<float> memory, std::span<std::byte> to, const context& where) const {
    codec.encode(std::span<const float>{memory}, to, where);
    codec.decode_subtract(to, memory);
    for_each(memory, [](std::size_t, float left) RONDO_INLINE_BODY {
      const std::uint32_t bits = detail::bits_of(left);
      return detail::float_of(
          detail::select((bits & detail::magnitude_mask) < detail::infinity_bits, bits, 0));
    });
  }

  template <class Body>
  static void for_each(std::span<float> memory, const Body& body) {
    float* const first = memory.data();
    const std::size_t count = memory.size();
    vectorized([=]() RONDO_INLINE_BODY {
      for (std::size_t i = 0; i < count; ++i) {
        first[i] = body(i, first[i]);
      }
    });
  }
};

/// Fits a residual to another number of ranks, where gradients are averaged: what it owes the
/// average of `from_ranks` is worth the same in that of `to_ranks`.
inline void rescale_residual(std::span<float> residual, int from_ranks, int to_ranks) {
  if (from_ranks <= 0 || to_ranks <= 0) {
    refuse("codec::rescale_residual: got " + std::to_string(from_ranks) + " and " +
           std::to_string(to_ranks) + " ranks; both must be positive");
  }
  const auto factor = static_cast<float>(static_cast<double>(to_ranks) / from_ranks);
  for (float& value : residual) {
    value *= factor;
  }
}

}  // namespace rondo::inline v0_1::codec
