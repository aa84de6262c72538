// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/rondo.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <span>
#include <vector>

// Built for the machine at hand, where a compiler may fuse a multiply with an add: an operation
// that does both must give all ranks the same bits, wherever their buffers lie.
namespace {

template <class T>
std::uint16_t bits_of(T value) {
  std::uint16_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

/// Elements that rank 0 and another rank got different bits for, in `calls` calls of `count`
/// elements, where the outputs of odd ranks are one element off.
template <class T, class Algorithm>
std::size_t differing(int ranks, std::size_t count, std::size_t calls, Algorithm algorithm) {
  std::vector<std::vector<T>> all(static_cast<std::size_t>(ranks));
  rondo::threads::run(ranks, [&](auto& comm) {
    std::mt19937 random{static_cast<unsigned>(comm.rank())};
    std::uniform_real_distribution<float> values{-2, 2};
    std::vector<T> in(count);
    std::vector<T> out(count + 1);
    const std::span<T> to{out.data() + comm.rank() % 2, count};
    auto& seen = all[static_cast<std::size_t>(comm.rank())];
    for (std::size_t call = 0; call < calls; ++call) {
      for (T& one : in) {
        one = static_cast<T>(values(random));
      }
      rondo::all_reduce(
          comm, in, to, [](float a, float b) { return a * 1.1F + b; }, algorithm);
      seen.insert(seen.end(), to.begin(), to.end());
    }
  });
  std::size_t found = 0;
  for (const auto& one : all) {
    REQUIRE(one.size() == count * calls);
    for (std::size_t i = 0; i < one.size(); ++i) {
      found += bits_of(one[i]) != bits_of(all[0][i]) ? 1 : 0;
    }
  }
  return found;
}

}  // namespace

// A fused multiply changes one result in some 10,000 after rounding to 16 bits.
TEMPLATE_TEST_CASE("16-bit floats: the same bits on all ranks, however outputs are aligned", "",
                   rondo::half, rondo::bfloat16) {
  CHECK(differing<TestType>(2, 1, 200000, rondo::one_shot{}) == 0);
  CHECK(differing<TestType>(2, 2, 100000, rondo::one_shot{}) == 0);
  CHECK(differing<TestType>(2, 200, 500, rondo::one_shot{}) == 0);
  CHECK(differing<TestType>(3, 33, 1000, rondo::one_shot{}) == 0);
  CHECK(differing<TestType>(3, 7, 1000, rondo::two_shot{}) == 0);
}
