// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A wire format of one's own: TernGrad's three levels -s, 0, s, two bits each (Wen et al. 2017,
// arXiv:1705.07878). State the format; the codec, its loops, its tails and its sums follow.
#include <rondo/codec.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

// begin: format
struct ternary_format {
  static constexpr std::size_t block = 256;  // values to a scale
  static constexpr int bits = 2;
  using scale_type = float;
  using statistic = rondo::codec::largest_magnitude;

  static float scale_of(const statistic& seen, std::size_t) { return seen.value(); }
  static bool is_poison(float scale) { return !std::isfinite(scale); }

  template <std::size_t N>
  static void pack(const float (&x)[N], float scale, std::uint8_t (&payload)[N / 4]) {
    std::uint8_t codes[N];
    for (std::size_t i = 0; i < N; ++i) {
      codes[i] = x[i] > scale / 2 ? 1 : x[i] < -scale / 2 ? 2 : 0;
    }
    rondo::codec::pack<bits>(codes, payload);
  }
  template <std::size_t N>
  static void unpack(const std::uint8_t (&payload)[N / 4], float scale, float (&x)[N]) {
    std::uint8_t codes[N];
    rondo::codec::unpack<bits>(payload, codes);
    for (std::size_t i = 0; i < N; ++i) {
      x[i] = codes[i] == 1 ? scale : codes[i] == 2 ? -scale : 0 * scale;
    }
  }
};
using ternary = rondo::codec::block_codec<ternary_format>;
// end: format
static_assert(rondo::codec::codec<ternary>);

int main() {
  std::vector<float> gradient(1000);
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    gradient[i] = static_cast<float>(i % 7) - 3;
  }

  const ternary codec;
  std::vector<std::byte> wire(codec.wire_bytes(gradient.size()));
  codec.encode(gradient, wire);
  std::vector<float> received(gradient.size());
  codec.decode(wire, received);
  std::printf("%zu values in %zu bytes; %g %g %g %g became %g %g %g %g\n", gradient.size(),
              wire.size(), double{gradient[0]}, double{gradient[1]}, double{gradient[2]},
              double{gradient[3]}, double{received[0]}, double{received[1]}, double{received[2]},
              double{received[3]});

  // It composes with what the library has: here, nothing that three levels lose is lost for good.
  std::vector<float> residual(gradient.size(), 0.0f);
  const rondo::codec::error_feedback with_memory{codec, residual};
  with_memory.encode(gradient, wire);
  codec.decode(wire, received);
  return received[1] + residual[1] == gradient[1] ? 0 : 1;
}
