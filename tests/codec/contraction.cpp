// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Built for the machine at hand, where a compiler may fuse a multiply with an add, and so once more
// with loops that are compiled like any other code: a codec has the same bits from every build.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/low_rank.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <vector>

namespace {

using namespace rondo;
using values = std::vector<float>;

/// a * b, in memory before anything is added to it.
float product(float a, float b) {
  volatile float rounded = a * b;
  return rounded;
}

struct alone {
  void sum(std::span<float>) const {}
};

/// A column brought to length 1.
values of_length_one(values column) {
  double squares = 0;
  for (const float x : column) {
    squares += double{x} * double{x};
  }
  const double inverse = 1 / std::sqrt(squares);
  for (float& x : column) {
    x = static_cast<float>(double{x} * inverse);
  }
  return column;
}

}  // namespace

TEST_CASE("low_rank: products are rounded before they are added, in every build") {
  constexpr std::size_t rows = 37;
  constexpr std::size_t columns = 53;
  const values matrix = samples::gaussian(rows * columns, 3);
  codec::low_rank_memory<1> memory{rows, columns, 5};
  const auto basis = memory.basis();
  values q = of_length_one(values(basis.begin(), basis.end()));
  values p(rows, 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      p[r] += product(matrix[r * columns + c], q[c]);
    }
  }
  p = of_length_one(p);
  std::fill(q.begin(), q.end(), 0.0f);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < columns; ++c) {
      q[c] += product(matrix[r * columns + c], p[r]);
    }
  }
  values got(rows * columns);
  codec::low_rank{memory}.all_reduce(matrix, got, alone{});
  unsigned wrong = 0;
  for (std::size_t i = 0; i < got.size(); ++i) {
    wrong += got[i] != product(p[i / columns], q[i % columns]);
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("codecs: what is decoded is rounded before it is added, in every build", "",
                   codec::int8<128>, codec::int4<32>, codec::fp8_e4m3<128>) {
  const TestType with{};
  const values given = samples::gaussian(5000, 4);
  std::vector<std::byte> wire(with.wire_bytes(given.size()));
  with.encode(given, wire);
  values decoded(given.size());
  with.decode(wire, decoded);
  values sum = samples::gaussian(given.size(), 5);
  values expected = sum;
  with.decode_add(wire, sum);
  for (std::size_t i = 0; i < given.size(); ++i) {
    expected[i] += decoded[i];
  }
  CHECK(sum == expected);
}

TEST_CASE("asymmetric: a step's multiple is rounded before the offset is added, in every build") {
  const codec::int8_asymmetric<32> with{};
  constexpr std::size_t blocks = 100;
  const values given = samples::gaussian(32 * blocks, 6);
  std::vector<std::byte> wire(with.wire_bytes(given.size()));
  with.encode(given, wire);
  values got(given.size());
  with.decode(wire, got);
  unsigned wrong = 0;
  for (std::size_t b = 0; b < blocks; ++b) {
    float scale[2];  // offset and step
    std::memcpy(scale, wire.data() + b * sizeof(scale), sizeof(scale));
    for (std::size_t i = 0; i < 32; ++i) {
      const std::byte code = wire[blocks * sizeof(scale) + b * 32 + i];
      const float moved = product(static_cast<float>(std::to_integer<int>(code)), scale[1]);
      wrong += got[b * 32 + i] != moved + scale[0];
    }
  }
  CHECK(wrong == 0);
}
