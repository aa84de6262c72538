// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/core/parameters.hpp>

#include <cstdint>
#include <numeric>
#include <span>
#include <string>

namespace rondo::inline v0_1::codec {

/// One codec for runs of fewer than `threshold` values, another for the rest: small tensors are
/// often the sensitive ones (norms, biases), and gain little from compression.
template <codec Short, codec Long>
struct mixed_by_size {
  static constexpr std::size_t block = std::lcm(Short::block, Long::block);
  static constexpr bool lossy = traits<Short>::lossy || traits<Long>::lossy;
  static constexpr bool needs_state = traits<Short>::needs_state || traits<Long>::needs_state;
  static constexpr bool unbiased = (traits<Short>::unbiased || !traits<Short>::lossy) &&
                                   (traits<Long>::unbiased || !traits<Long>::lossy);
  static constexpr bool carries_nan = traits<Short>::carries_nan && traits<Long>::carries_nan;

  Short for_short;
  Long for_long;
  std::size_t threshold = 0;

  constexpr mixed_by_size(const Short& below, const Long& from, std::size_t threshold_values)
      : for_short{below}, for_long{from}, threshold{threshold_values} {}

  [[nodiscard]] constexpr std::size_t wire_bytes(std::size_t count) const {
    return count < threshold ? for_short.wire_bytes(count) : for_long.wire_bytes(count);
  }
  [[nodiscard]] std::uint64_t parameters() const {
    return mixed_parameters(parameters_of(for_short), parameters_of(for_long),
                            std::uint64_t{threshold});
  }
  /// What is missing to encode `count` values, of either codec that may meet them: a collective
  /// cuts what is long, and its chunks may be short ones.
  [[nodiscard]] std::string lacking(std::size_t count) const {
    std::string missing = lacking_of(for_short, count);
    return missing.empty() && count >= threshold ? lacking_of(for_long, count) : missing;
  }
  template <buffer Values>
  void encode(const Values& values, std::span<std::byte> to, const context& where = {}) const {
    choose(std::size(values), [&](const auto& codec) { codec.encode(values, to, where); });
  }
  template <writable_buffer Values>
  void decode(std::span<const std::byte> from, Values&& values) const {
    choose(std::size(values), [&](const auto& codec) { codec.decode(from, values); });
  }
  void decode_add(std::span<const std::byte> from, std::span<float> sum) const {
    choose(sum.size(), [&](const auto& codec) { codec.decode_add(from, sum); });
  }
  void decode_subtract(std::span<const std::byte> from, std::span<float> rest) const {
    choose(rest.size(), [&](const auto& codec) { codec.decode_subtract(from, rest); });
  }
  void encode_sum(std::span<const std::span<const std::byte>> wires, std::size_t count,
                  std::span<std::byte> to, const context& where = {}, float divisor = 1) const {
    choose(count, [&](const auto& codec) { codec.encode_sum(wires, count, to, where, divisor); });
  }

 private:
  template <class Codec>
  [[nodiscard]] static std::string lacking_of(const Codec& codec, std::size_t count) {
    if constexpr (requires { codec.lacking(count); }) {
      return codec.lacking(count);
    } else {
      return {};
    }
  }

  template <class Action>
  void choose(std::size_t count, const Action& action) const {
    if (count < threshold) {
      action(for_short);
    } else {
      action(for_long);
    }
  }
};

}  // namespace rondo::inline v0_1::codec
