// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/core/float16.hpp>
#include <rondo/core/vectorize.hpp>

#include "catch.hpp"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

enum class form { portable, avx2, avx512 };

/// False if this machine or this build has no such form.
template <class Body>
bool run_as(form how, const Body& body) {
  switch (how) {
    case form::portable:
      rondo::detail::compiled_apart(body);
      return true;
    case form::avx2:
#if RONDO_HAS_AVX2_TWIN
      if (rondo::detail::has_avx2()) {
        rondo::detail::compiled_for_avx2(body);
        return true;
      }
#endif
      return false;
    case form::avx512:
#if RONDO_HAS_AVX512_TWIN
      if (rondo::detail::has_avx512()) {
        rondo::detail::compiled_for_avx512(body);
        return true;
      }
#endif
      return false;
  }
  return false;
}

/// Zeros, subnormals, ties, the largest, infinities, and NaN both quiet and signalling.
constexpr std::array<std::uint16_t, 24> corners{
    0x0000, 0x8000, 0x0001, 0x8001, 0x007f, 0x0080, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0x3f80, 0x3f81,
    0xbf80, 0x4300, 0x7bff, 0x7c00, 0xfc00, 0x7c01, 0x7e00, 0x7f7f, 0x7f80, 0xff80, 0x7f81, 0xffc0};

/// All codes, folded with one.
template <class T>
struct against {
  T corner;
  std::vector<T> codes = std::vector<T>(0x10000);
  std::vector<T> sums = codes;
  std::vector<float> scaled = std::vector<float>(0x10000);  // and added: to be rounded twice

  explicit against(std::uint16_t bits) : corner{T::from_bits(bits)} {
    for (std::size_t i = 0; i < codes.size(); ++i) {
      codes[i] = T::from_bits(static_cast<std::uint16_t>(i));
    }
  }

  bool run(form how) {
    return run_as(how, [this]() RONDO_INLINE_BODY {
      const T* const from = codes.data();
      T* const to = sums.data();
      float* const product = scaled.data();
      const float with = corner;
      const std::size_t count = codes.size();
      RONDO_INDEPENDENT_ITERATIONS
      for (std::size_t i = 0; i < count; ++i) {
        to[i] = T{float{from[i]} + with};
        product[i] = float{from[i]} * 1.1f + with;
      }
    });
  }

  /// One element after another, each rounded to float in memory.
  [[nodiscard]] std::size_t wrong() const {
    std::size_t found = 0;
    for (std::size_t i = 0; i < codes.size(); ++i) {
      volatile float value = codes[i];
      volatile float sum = value + float{corner};
      volatile float product = value * 1.1f;
      volatile float scaled_and_added = product + float{corner};
      const bool is_nan = std::isnan(float{scaled_and_added});
      found += !same(sums[i], T{float{sum}}, value);
      found += is_nan ? !std::isnan(scaled[i]) : scaled[i] != scaled_and_added;
    }
    return found;
  }

 private:
  /// Of two NaNs a processor keeps the first, and a compiler may put either first.
  [[nodiscard]] bool same(T got, T expected, float value) const {
    if (std::isnan(value) && std::isnan(float{corner})) {
      return std::isnan(float{got});
    }
    return got.bits == expected.bits;
  }
};

}  // namespace

TEMPLATE_TEST_CASE("vectorize: every form gives the bits of plain code, for every code", "",
                   rondo::bfloat16, rondo::half) {
  for (const std::uint16_t corner : corners) {
    against<TestType> all{corner};
    for (const form how : {form::portable, form::avx2, form::avx512}) {
      if (all.run(how)) {
        CAPTURE(corner, static_cast<int>(how));
        CHECK(all.wrong() == 0);
      }
    }
  }
}

TEST_CASE("vectorize: a body runs once, whatever it asks for") {
  int runs = 0;
  rondo::vectorized([&] { ++runs; });
  rondo::vectorized<rondo::registers::of_64_bytes>([&] { ++runs; });
  CHECK(runs == 2);
}
