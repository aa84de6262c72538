// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/core/float16.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

/// Codecs behind an interface: what holds for all of them is tested by code that is compiled once.
namespace every {

using rondo::bfloat16;
using rondo::half;

class codec {
 public:
  using bytes = std::span<const std::byte>;
  using room = std::span<std::byte>;

  virtual ~codec() = default;

  [[nodiscard]] virtual std::string name() const = 0;
  [[nodiscard]] virtual std::size_t block() const = 0;
  [[nodiscard]] virtual std::size_t wire_bytes(std::size_t count) const = 0;
  [[nodiscard]] virtual bool carries_nan() const = 0;
  /// Of a block with this largest magnitude, in a message with that one.
  [[nodiscard]] virtual float max_error(float absmax, float absmax_of_all) const = 0;

  /// Values that the codec does not take are a std::logic_error.
  virtual void encode(std::span<const float> values, room to) const = 0;
  virtual void encode(std::span<const double> values, room to) const = 0;
  virtual void encode(std::span<const half> values, room to) const = 0;
  virtual void encode(std::span<const bfloat16> values, room to) const = 0;

  virtual void decode(bytes from, std::span<float> values) const = 0;
  virtual void decode(bytes from, std::span<double> values) const = 0;
  virtual void decode(bytes from, std::span<half> values) const = 0;
  virtual void decode(bytes from, std::span<bfloat16> values) const = 0;
  virtual void decode_add(bytes from, std::span<float> sum) const = 0;
  virtual void decode_subtract(bytes from, std::span<float> rest) const = 0;

  [[nodiscard]] virtual bool sums_wires() const = 0;
  virtual void encode_sum(std::span<const bytes> wires, std::size_t count, room to,
                          float divisor) const = 0;

  /// Of a block format: tiles of 8 values, as a GPU's lanes hold them, are observed, packed and
  /// unpacked one by one, and compared with the block as a whole. How many differ.
  [[nodiscard]] virtual unsigned tiles_that_differ(std::span<const float> block) const = 0;
};

using list = std::vector<std::unique_ptr<const codec>>;

/// Made of blocks.
[[nodiscard]] list integers();
[[nodiscard]] list asymmetric_integers();
[[nodiscard]] list scaled_floats();
[[nodiscard]] list microscaling();
/// Not made of blocks, and wrappers.
[[nodiscard]] list casts();
[[nodiscard]] list wrappers();
[[nodiscard]] list sparse_and_lossless();

[[nodiscard]] inline list joined(list all, list more) {
  for (auto& one : more) {
    all.push_back(std::move(one));
  }
  return all;
}
[[nodiscard]] inline list block_codecs() {
  return joined(joined(integers(), asymmetric_integers()), joined(scaled_floats(), microscaling()));
}
[[nodiscard]] inline list codecs() { return joined(block_codecs(), casts()); }
[[nodiscard]] inline list codecs_and_wrappers() {
  return joined(codecs(), joined(wrappers(), sparse_and_lossless()));
}

}  // namespace every
