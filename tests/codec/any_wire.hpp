// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec.hpp>

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
namespace codec = rondo::codec;
using bytes = std::span<const std::byte>;

enum class outcome { decoded, corrupt };

/// Calls visit(number, codec) for each codec.
template <class Visit>
void for_each_codec(const Visit& visit) {
  unsigned number = 0;
  const auto each = [&](const auto&... codecs) { (visit(number++, codecs), ...); };
  each(codec::exact{}, codec::cast<rondo::bfloat16>{}, codec::cast<half>{}, codec::int8<128>{},
       codec::int6<32>{}, codec::int4<32>{}, codec::int2<32>{}, codec::int8_asymmetric<32>{},
       codec::int4_asymmetric<32>{}, codec::fp8_e4m3<128>{}, codec::fp8_e5m2<128>{},
       codec::mxfp8<>{}, codec::mxfp6_e2m3<>{}, codec::mxfp6_e3m2<>{}, codec::mxfp4<>{},
       codec::mxint8<>{}, codec::nvfp4{}, codec::sign<256>{},
       codec::rotated{codec::int4<32>{}, 7}, codec::stochastic{codec::int8<32>{}, 7},
       codec::mixed_by_size{codec::exact{}, codec::int8<32>{}, 100}, codec::top_k{0.1},
       codec::lossless_bfloat16{});
}
inline constexpr unsigned codecs = 23;

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
template <class Codec>
outcome decode(const Codec& with, bytes given, std::size_t count) {
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
      outcome_of([&] { with.decode(wire, std::span<half>{halves.get(), count}); }),
      outcome_of([&] { with.decode_add(wire, values); }),
      outcome_of([&] { with.decode_subtract(wire, values); }),
      outcome_of([&] {
        if constexpr (requires { with.encode_sum({}, count, std::span<std::byte>{}); }) {
          const bytes wires[] = {wire, wire};
          const std::unique_ptr<std::byte[]> sum{new std::byte[size]()};
          with.encode_sum(wires, count, std::span<std::byte>{sum.get(), size});
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
