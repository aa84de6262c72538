// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "every_codec.hpp"

#include <rondo/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

/// Bytes that anybody may have sent, given to every decoder. Wires and values are allocated to the
/// byte, so that a sanitizer sees any step past them.
namespace any_wire {

using rondo::half;
using bytes = std::span<const std::byte>;

enum class outcome { decoded, corrupt };

template <class Decode>
outcome outcome_of(const Decode& decode) {
  try {
    decode();
    return outcome::decoded;
  } catch (const rondo::error& problem) {
    if (problem.code() != rondo::error_code::corrupt_data) {
      throw;
    }
    return outcome::corrupt;
  }
}

/// Decodes a wire of `count` values in every way there is; all must agree whether it can be.
inline outcome decode(const every::codec& with, bytes given, std::size_t count) {
  const std::size_t size = with.wire_bytes(count);
  const std::unique_ptr<std::byte[]> memory{new std::byte[size]()};
  if (const std::size_t here = given.size() < size ? given.size() : size; here != 0) {
    std::memcpy(memory.get(), given.data(), here);
  }
  const bytes wire{memory.get(), size};
  const std::unique_ptr<float[]> floats{new float[count]()};
  const std::unique_ptr<half[]> halves{new half[count]()};
  const std::span<float> values{floats.get(), count};
  const outcome first = outcome_of([&] { with.decode(wire, values); });
  const outcome others[] = {
      outcome_of([&] {
        with.decode(wire, std::span<half>{halves.get(), count});
      }),
      outcome_of([&] { with.decode_add(wire, values); }),
      outcome_of([&] { with.decode_subtract(wire, values); }), outcome_of([&] {
        if (with.sums_wires()) {
          const bytes wires[] = {wire, wire};
          const std::unique_ptr<std::byte[]> sum{new std::byte[size]()};
          with.encode_sum(wires, count, std::span<std::byte>{sum.get(), size}, 1);
        } else {
          with.decode(wire, values);
        }
      })};
  for (const outcome other : others) {
    if (other != first) {
      throw rondo::error{rondo::error_code::mismatch, "decoders disagree about a wire"};
    }
  }
  return first;
}

}  // namespace any_wire
