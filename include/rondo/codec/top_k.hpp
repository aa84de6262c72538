// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/codec/detail/arithmetic.hpp>
#include <rondo/codec/detail/tile.hpp>
#include <rondo/core/error.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

namespace rondo::inline v0_1::codec {

/// Sends the values of largest magnitude and nothing of the others: in every segment of 65,536
/// values the `fraction` largest, at least one. Of equal magnitudes the first go. 48 bits per value
/// sent. For training inside `error_feedback` (Lin et al. 2018, arXiv:1712.01887; Stich et al.
/// 2018, arXiv:1809.07599).
///
/// Per segment the wire has the places, 16 bits each and ascending, and then the floats.
struct top_k {
  static constexpr std::size_t block = 1;
  static constexpr std::size_t segment = 65536;

  double fraction = 0.01;

  constexpr top_k() = default;
  /// Errors: a fraction that is not above 0, or is above 1.
  constexpr explicit top_k(double of_values) : fraction{of_values} {
    if (!(fraction > 0 && fraction <= 1)) {
      refuse("codec::top_k: a fraction of " + std::to_string(fraction) +
             "; expected more than 0, and 1 at most");
    }
  }

  [[nodiscard]] std::size_t wire_bytes(std::size_t count) const {
    return count <= detail::most_values
               ? count / segment * segment_bytes(segment) + segment_bytes(count % segment)
               : detail::no_wire;
  }

  [[nodiscard]] std::uint64_t parameters() const { return std::bit_cast<std::uint64_t>(fraction); }

  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& = {}) const {
    const auto from = readable(values);
    detail::require_wire("codec::top_k::encode", to.size(), wire_bytes(from.size()), from.size());
    std::byte* begin = to.data();
    for (std::size_t first = 0; first < from.size(); first += segment) {
      const std::size_t count = (std::min)(segment, from.size() - first);
      encode_segment(from.data() + first, count, begin);
      begin += segment_bytes(count);
    }
  }

  /// Errors: `corrupt_data` where a place lies past the end.
  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    const auto out = writable(values);
    using element = element_of<Values>;
    using stored = typename detail::stored_as<element>::type;
    if (out.empty()) {
      return;
    }
    std::memset(static_cast<void*>(out.data()), 0, out.size_bytes());
    for_each_sent(from, out.size(), [out](std::size_t i, float value) {
      const auto kept = static_cast<stored>(value);
      std::memcpy(static_cast<void*>(out.data() + i), &kept, sizeof(kept));
    });
  }
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    for_each_sent(from, sum.size(), [sum](std::size_t i, float value) { sum[i] += value; });
  }
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    for_each_sent(from, rest.size(), [rest](std::size_t i, float value) { rest[i] -= value; });
  }

  /// The largest of the sum, divided by `divisor`. Allocates one float per value.
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& where = {}, float divisor = 1) const {
    detail::require_wire("codec::top_k::encode_sum", to.size(), wire_bytes(count), count);
    std::vector<float> sum(count, 0.0f);
    for (const auto& wire : wires) {
      decode_add(wire, sum);
    }
    for (float& value : sum) {
      value /= divisor;
    }
    encode(sum, to, where);
  }

  /// What is not sent is lost.
  [[nodiscard]] static float max_error(float absmax) { return absmax; }

 private:
  [[nodiscard]] std::size_t sent_of(std::size_t count) const {
    const double wanted = std::ceil(fraction * static_cast<double>(count));
    if (!(wanted > 1)) {
      return (std::min)(count, std::size_t{1});
    }
    return wanted < static_cast<double>(count) ? static_cast<std::size_t>(wanted) : count;
  }
  [[nodiscard]] static std::size_t values_begin(std::size_t sent) {
    return detail::round_up(sent * sizeof(std::uint16_t), sizeof(float));
  }
  [[nodiscard]] std::size_t segment_bytes(std::size_t count) const {
    const std::size_t sent = sent_of(count);
    return detail::round_up(values_begin(sent) + sent * sizeof(float), detail::wire_alignment);
  }

  template <class T>
  void encode_segment(const T* from, std::size_t count, std::byte* to) const {
    const std::size_t sent = sent_of(count);
    const auto [least, above] = threshold(from, count, sent);
    std::size_t equal_left = sent - above;
    std::memset(to, 0, segment_bytes(count));
    std::byte* const values = to + values_begin(sent);
    std::size_t k = 0;
    for (std::size_t i = 0; i < count && k < sent; ++i) {
      const float value = detail::value_at(from, i);
      const std::uint32_t magnitude = detail::magnitude_of(value);
      if (magnitude < least || (magnitude == least && equal_left == 0)) {
        continue;
      }
      equal_left -= magnitude == least ? 1 : 0;
      const auto place = static_cast<std::uint16_t>(i);
      std::memcpy(to + k * sizeof(place), &place, sizeof(place));
      std::memcpy(values + k * sizeof(value), &value, sizeof(value));
      ++k;
    }
  }

  struct cut {
    std::uint32_t least;  ///< bits of the smallest magnitude that is sent
    std::size_t above;    ///< how many are larger
  };

  /// The rank-th largest magnitude, by counting digits from the highest on: no scratch memory.
  template <class T>
  [[nodiscard]] static cut threshold(const T* from, std::size_t count, std::size_t rank) {
    constexpr int shifts[] = {20, 10, 0};
    std::uint32_t prefix = 0;
    std::uint32_t prefix_mask = 0;
    std::size_t above = 0;
    for (const int shift : shifts) {
      std::uint32_t counts[2048] = {};
      const std::uint32_t digit_mask = shift == 20 ? 2047u : 1023u;
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t magnitude = detail::magnitude_of(detail::value_at(from, i));
        if ((magnitude & prefix_mask) == prefix) {
          ++counts[(magnitude >> shift) & digit_mask];
        }
      }
      std::uint32_t digit = digit_mask;
      while (above + counts[digit] < rank) {
        above += counts[digit];
        --digit;
      }
      prefix |= digit << shift;
      prefix_mask |= digit_mask << shift;
    }
    return {prefix, above};
  }

  template <class Action>
  void for_each_sent(std::span<const std::byte> from, std::size_t size,
                     const Action& action) const {
    detail::require_wire("codec::top_k::decode", from.size(), wire_bytes(size), size);
    const std::byte* begin = from.data();
    for (std::size_t first = 0; first < size; first += segment) {
      const std::size_t count = (std::min)(segment, size - first);
      const std::size_t sent = sent_of(count);
      for (std::size_t k = 0; k < sent; ++k) {
        std::uint16_t place = 0;
        float value = 0;
        std::memcpy(&place, begin + k * sizeof(place), sizeof(place));
        std::memcpy(&value, begin + values_begin(sent) + k * sizeof(value), sizeof(value));
        if (place >= count) {
          detail::corrupt("codec::top_k::decode: place " + std::to_string(place) +
                          " in a segment of " + std::to_string(count) + " values");
        }
        action(first + place, value);
      }
      begin += segment_bytes(count);
    }
  }
};

}  // namespace rondo::inline v0_1::codec
