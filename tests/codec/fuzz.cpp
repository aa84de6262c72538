// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// For libFuzzer: the first byte picks a codec, the next two a number of values, the rest is the
// wire.
//
//   codec_fuzz -max_total_time=600       (built where Clang has libFuzzer; see docs/codecs.md)
#include "any_wire.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t head = 3;
  if (size < head) {
    return 0;
  }
  static const every::list codecs = every::codecs_and_wrappers();
  const auto& chosen = *codecs[data[0] % codecs.size()];
  const std::size_t count = (data[1] | (static_cast<std::size_t>(data[2]) << 8)) % 5000;
  const std::span<const std::byte> wire{reinterpret_cast<const std::byte*>(data) + head,
                                        size - head};
  any_wire::decode(chosen, wire, count);
  return 0;
}
