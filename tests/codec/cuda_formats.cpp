// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The conversions of CUDA's headers, which work in plain C++, as an oracle.
#include <rondo/codec/detail/minifloat.hpp>
#include <rondo/codec/microscaling.hpp>

#include "catch.hpp"
#include "samples.hpp"

#if __has_include(<cuda_fp8.h>) && __has_include(<cuda_fp6.h>) && __has_include(<cuda_fp4.h>)

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <cuda_fp4.h>
#include <cuda_fp6.h>
#include <cuda_fp8.h>
#pragma GCC diagnostic pop

#include <array>
#include <bit>
#include <cmath>
#include <cstdint>

namespace {

using namespace rondo::codec::detail;

template <class Format>
struct cuda;
template <>
struct cuda<e4m3> {
  static unsigned encode(float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E4M3); }
  static float decode(unsigned char code) {
    return __half2float(__half{__nv_cvt_fp8_to_halfraw(code, __NV_E4M3)});
  }
};
template <>
struct cuda<e5m2> {
  static unsigned encode(float x) { return __nv_cvt_float_to_fp8(x, __NV_SATFINITE, __NV_E5M2); }
  static float decode(unsigned char code) {
    return __half2float(__half{__nv_cvt_fp8_to_halfraw(code, __NV_E5M2)});
  }
};
template <>
struct cuda<e2m3> {
  static unsigned encode(float x) { return __nv_cvt_float_to_fp6(x, __NV_E2M3, cudaRoundNearest); }
  static float decode(unsigned char code) {
    return __half2float(__half{__nv_cvt_fp6_to_halfraw(code, __NV_E2M3)});
  }
};
template <>
struct cuda<e3m2> {
  static unsigned encode(float x) { return __nv_cvt_float_to_fp6(x, __NV_E3M2, cudaRoundNearest); }
  static float decode(unsigned char code) {
    return __half2float(__half{__nv_cvt_fp6_to_halfraw(code, __NV_E3M2)});
  }
};
template <>
struct cuda<e2m1> {
  static unsigned encode(float x) { return __nv_cvt_float_to_fp4(x, __NV_E2M1, cudaRoundNearest); }
  static float decode(unsigned char code) {
    return __half2float(__half{__nv_cvt_fp4_to_halfraw(code, __NV_E2M1)});
  }
};

float next(float x, int steps) {
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(x) + static_cast<std::uint32_t>(steps));
}

}  // namespace

TEMPLATE_TEST_CASE("CUDA's formats: every code decodes alike", "", e4m3, e5m2, e2m3, e3m2, e2m1) {
  for (unsigned code = 0; code < (1u << TestType::bits); ++code) {
    CAPTURE(code);
    const float ours = TestType::decode(code);
    const float theirs = cuda<TestType>::decode(static_cast<unsigned char>(code));
    CHECK((std::isnan(ours) ? std::isnan(theirs)
                            : ours == theirs && std::signbit(ours) == std::signbit(theirs)));
  }
}

TEMPLATE_TEST_CASE("CUDA's formats: every value where a code changes encodes alike", "", e4m3, e5m2,
                   e2m3, e3m2, e2m1) {
  unsigned wrong = 0;
  const auto compare = [&](float value) {
    wrong += TestType::encode(value) != cuda<TestType>::encode(value);
    wrong += TestType::encode(-value) != cuda<TestType>::encode(-value);
  };
  const unsigned codes = TestType::bits == 8 ? 0x7bu : (1u << (TestType::bits - 1)) - 1u;
  for (unsigned code = 0; code < codes; ++code) {
    const float middle = (TestType::decode(code) + TestType::decode(code + 1)) / 2;
    for (int steps = -2; steps <= 2; ++steps) {
      compare(next(middle, steps));
    }
  }
  samples::random draw{1};
  for (int i = 0; i < 200000; ++i) {
    const float value = std::bit_cast<float>(static_cast<std::uint32_t>(draw.bits()) & 0x7fffffffu);
    if (!std::isnan(value)) {
      compare(value);
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("CUDA's formats: powers of two are rounded up alike") {
  const auto theirs = [](float x) {
    return static_cast<unsigned>(__nv_cvt_float_to_e8m0(x, __NV_NOSAT, cudaRoundPosInf));
  };
  unsigned wrong = 0;
  for (std::uint32_t bits = 0; bits < 0x7f800000u; bits += 0x00400000u) {
    for (const std::uint32_t near : {bits, bits + 1, bits + 0x003fffffu}) {
      const float value = std::bit_cast<float>(near);
      wrong += e8m0::not_below(value).byte != theirs(value);
    }
  }
  CHECK(wrong == 0);
  for (unsigned byte = 0; byte < 255; ++byte) {
    CHECK(double{e8m0{static_cast<std::uint8_t>(byte)}.value()} ==
          std::ldexp(1.0, static_cast<int>(byte) - 127));
    CHECK(double{e8m0{static_cast<std::uint8_t>(byte)}.inverse()} ==
          std::ldexp(1.0, 127 - static_cast<int>(byte)));
  }
}

TEST_CASE("CUDA's formats: 16-bit floats are rondo's, in files that nvcc does not compile, too") {
  for (unsigned code = 0; code < 0x10000; ++code) {
    const auto bits = static_cast<std::uint16_t>(code);
    const auto theirs = static_cast<__half>(rondo::half::from_bits(bits));
    const auto brain = static_cast<__nv_bfloat16>(rondo::bfloat16::from_bits(bits));
    if (std::bit_cast<std::uint16_t>(theirs) != bits || rondo::half{theirs}.bits != bits ||
        std::bit_cast<std::uint16_t>(brain) != bits || rondo::bfloat16{brain}.bits != bits) {
      FAIL(code);
    }
  }
  CHECK(value_at(std::array{__half{1.5f}}.data(), 0) == 1.5f);
  CHECK(value_at(std::array{__nv_bfloat16{-3.0f}}.data(), 0) == -3.0f);
}

#else

TEST_CASE("CUDA's formats: skipped, for there is no CUDA toolkit to compare with") {
  WARN("cuda_fp8.h, cuda_fp6.h and cuda_fp4.h were not found: nothing was compared");
}

#endif
