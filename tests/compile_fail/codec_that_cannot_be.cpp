// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: codec: a block is a multiple of 8 values
// expect-error: rondo: codec: a scale is stored as float or bfloat16
// expect-error: rondo: codec::sign: a block is a multiple of 256 values
// expect-error: rondo: codec::cast: the wire is float, half or bfloat16
// expect-error: rondo: codec::rotated: a codec with a header, such as nvfp4
// expect-error: rondo: codec::lossless_bfloat16: takes bfloat16 values only
// expect-error: rondo: codec: values must be float, double, half or bfloat16
#include <rondo/codec.hpp>

#include <vector>

#ifdef RONDO_CONTROL
constexpr std::size_t block = 16;
constexpr std::size_t bits = 512;
using scale = rondo::bfloat16;
using wire_value = rondo::half;
using turned = rondo::codec::int4<32>;
using given = rondo::bfloat16;
using taken = rondo::half;
#else
constexpr std::size_t block = 12;
constexpr std::size_t bits = 128;
using scale = rondo::half;
using wire_value = double;
using turned = rondo::codec::nvfp4;
using given = float;
using taken = int;
#endif

template <class Codec>
std::size_t bytes_of(const Codec& codec) {
  return codec.wire_bytes(100);
}
std::size_t of_short_blocks() { return bytes_of(rondo::codec::int8<block>{}); }
std::size_t of_half_scales() { return bytes_of(rondo::codec::int4<32, scale>{}); }
std::size_t of_few_bits() { return bytes_of(rondo::codec::sign<bits>{}); }
std::size_t of_doubles() { return bytes_of(rondo::codec::cast<wire_value>{}); }
std::size_t of_turned() { return bytes_of(rondo::codec::rotated<turned>{turned{}, 1}); }

void send(const std::vector<given>& values, std::span<std::byte> wire) {
  rondo::codec::lossless_bfloat16{}.encode(values, wire);
}

void receive(std::span<const std::byte> wire, std::vector<taken>& values) {
  rondo::codec::int8<128>{}.decode(wire, values);
}
