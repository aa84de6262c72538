// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The MX formats against published vectors: pytorch/ao, test/prototype/mx_formats/test_mx_tensor.py
// and torchao/testing/_mxfp8_test_utils.py.
#include <rondo/codec/microscaling.hpp>

#include "catch.hpp"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace rondo;
using codec::mx_scale;

struct encoded_block {
  unsigned scale;
  std::vector<unsigned> elements;
};

template <class Codec>
encoded_block encode(const std::vector<float>& block) {
  const Codec codec{};
  std::vector<std::byte> wire(codec.wire_bytes(block.size()));
  codec.encode(block, wire);
  encoded_block got{std::to_integer<unsigned>(wire[0]), {}};
  for (std::size_t i = 0; i < block.size(); ++i) {
    got.elements.push_back(std::to_integer<unsigned>(wire[16 + i]));
  }
  return got;
}

struct vector {
  unsigned scale;
  std::uint32_t bits[32];
  unsigned e4m3[32];
};

constexpr vector vectors[] = {
    {0,
     {0x005db96b, 0x004dc2ee, 0x00330d28, 0x005e466f, 0x005769ee, 0x000664ba, 0x001a31d3,
      0x004225f1, 0x005848c8, 0x005f22dd, 0x0019e6f4, 0x00008133, 0x003caa88, 0x0038af06,
      0x0052924f, 0x002e664c, 0x0070edf1, 0x00444536, 0x006ebc5e, 0x00136f96, 0x00599a30,
      0x0047a041, 0x001ffd92, 0x005fba55, 0x000105d4, 0x0073bdec, 0x0045285b, 0x00462deb,
      0x005d98b6, 0x00455013, 0x005b6f07, 0x0068b7bc},
     {60, 58, 53, 60, 59, 29, 45, 56, 59, 60, 45, 4,  55, 54, 58, 52,
      62, 57, 62, 42, 59, 57, 48, 60, 8,  62, 57, 57, 60, 57, 59, 61}},
    {0,
     {0x00650000, 0x00030000, 0x002f0000, 0x00360000, 0x00240000, 0x00130000, 0x00460000,
      0x004f0000, 0x00230000, 0x005f0000, 0x001c0000, 0x00780000, 0x00540000, 0x005e0000,
      0x00140000, 0x005c0000, 0x00120000, 0x002a0000, 0x00620000, 0x003a0000, 0x00030000,
      0x001a0000, 0x00400000, 0x00560000, 0x003c0000, 0x00560000, 0x00340000, 0x00170000,
      0x003d0000, 0x00460000, 0x003b0000, 0x004a0000},
     {61, 20, 52, 54, 49, 42, 57, 58, 49, 60, 46, 63, 58, 60, 42, 60,
      41, 50, 60, 54, 20, 45, 56, 59, 55, 59, 53, 44, 55, 57, 55, 57}},
    {119,
     {0x00800000, 0x3f670661, 0x3f6bf3c5, 0x3f64c5ed, 0x3ea6618a, 0x3f4faa61, 0x3da87200,
      0x3f3abb49, 0x3ee066a8, 0x3daf7020, 0x3dca3008, 0x3d038150, 0x3f17fc6f, 0x3ea36870,
      0x3e8a1882, 0x3f79db49, 0x3eb200c2, 0x3f2b2c8f, 0x3ed2eede, 0x3f4d31b2, 0x3f26327c,
      0x3f510ea6, 0x3f216c55, 0x3ec7e496, 0x3f712157, 0x3eedbfdc, 0x3e4d7e9c, 0x3f27d525,
      0x3ee0ef76, 0x3e0448e8, 0x3f10be89, 0x3ec484c4},
     {0,   118, 119, 118, 106, 117, 91,  116, 110, 91,  93,  80,  113, 106, 105, 120,
      107, 115, 109, 117, 114, 117, 114, 108, 119, 111, 101, 114, 110, 96,  113, 108}}};

}  // namespace

TEST_CASE("microscaling: MXFP8 blocks rounded up are those of torchao") {
  for (const auto& expected : vectors) {
    std::vector<float> block(32);
    std::memcpy(block.data(), expected.bits, sizeof(expected.bits));
    const auto got = encode<codec::mxfp8<>>(block);
    CHECK(got.scale == expected.scale);
    CHECK(std::equal(got.elements.begin(), got.elements.end(), expected.e4m3));
  }
}

TEST_CASE("microscaling: scales are rounded up as torchao's are") {
  constexpr std::pair<std::uint32_t, unsigned> rounded[] = {{0, 0},
                                                            {4194304, 0},
                                                            {8388607, 1},
                                                            {528482304, 63},
                                                            {1065353215, 127},
                                                            {1065353217, 128},
                                                            {1602224129, 192},
                                                            {2130706433, 255},
                                                            {2139095039, 255}};
  for (const auto& [bits, byte] : rounded) {
    CAPTURE(bits);
    CHECK(codec::detail::e8m0::not_below(bit_cast<float>(bits)).byte == byte);
  }
}

TEST_CASE("microscaling: the corner cases of MXFP8 are those of torchao") {
  struct corner {
    float all;
    float first;  ///< the block's first value
    unsigned floor_scale;
    unsigned floor_first;
    unsigned floor_rest;
    unsigned up_scale;
    unsigned up_first;
    unsigned up_rest;
  };
  const float infinity = HUGE_VALF;
  const float nan = std::nanf("");
  const float tiny = FLT_TRUE_MIN;
  const float above_3_5 = bit_cast<float>(0x40600001u);
  const float below_512 = bit_cast<float>(0x43ffffffu);
  const corner corners[] = {
      {0, 0, 0, 0x00, 0x00, 0, 0x00, 0x00},
      {FLT_MIN, FLT_MIN, 0, 0x40, 0x40, 0, 0x40, 0x40},
      {1, infinity, 255, 0x7f, 0x7f, 255, 0x7f, 0x7f},
      {1, nan, 255, 0x7f, 0x7f, 255, 0x7f, 0x7f},
      {448, 448, 127, 0x7e, 0x7e, 127, 0x7e, 0x7e},
      {-448, -448, 127, 0xfe, 0xfe, 127, 0xfe, 0xfe},
      {FLT_MAX, FLT_MAX, 246, 0x7e, 0x7e, 247, 0x78, 0x78},
      {-FLT_MAX, -FLT_MAX, 246, 0xfe, 0xfe, 247, 0xf8, 0xf8},
      {tiny, tiny, 0, 0x00, 0x00, 0, 0x00, 0x00},
      {-tiny, -tiny, 0, 0x80, 0x80, 0, 0x80, 0x80},
      {0x1p-133f, 0x1p-133f, 0, 0x08, 0x08, 0, 0x08, 0x08},
      {1, tiny, 119, 0x00, 0x78, 119, 0x00, 0x78},
      {1, FLT_MAX, 246, 0x7e, 0x00, 247, 0x78, 0x00},
      {above_3_5, above_3_5, 120, 0x7e, 0x7e, 121, 0x76, 0x76},
      {below_512, below_512, 127, 0x7e, 0x7e, 128, 0x78, 0x78},
      {nan, nan, 255, 0x7f, 0x7f, 255, 0x7f, 0x7f},
      {480, 480, 127, 0x7e, 0x7e, 128, 0x77, 0x77},
      {-480, -480, 127, 0xfe, 0xfe, 128, 0xf7, 0xf7},
  };
  for (const auto& c : corners) {
    CAPTURE(c.all, c.first);
    std::vector<float> block(32, c.all);
    block[0] = c.first;
    const auto floor = encode<codec::mxfp8<mx_scale::floor>>(block);
    CHECK(floor.scale == c.floor_scale);
    CHECK(floor.elements[0] == c.floor_first);
    CHECK(std::count(floor.elements.begin() + 1, floor.elements.end(), c.floor_rest) == 31);
    const auto up = encode<codec::mxfp8<>>(block);
    CHECK(up.scale == c.up_scale);
    CHECK(up.elements[0] == c.up_first);
    CHECK(std::count(up.elements.begin() + 1, up.elements.end(), c.up_rest) == 31);
  }
}

TEST_CASE("microscaling: MXINT8 counts in 64ths of its scale") {
  std::vector<float> block(32, 0.0f);
  block[0] = 1.984375f;
  block[1] = -1.0f;
  block[2] = 1.0f / 64;
  const auto got = encode<codec::mxint8<>>(block);
  CHECK(got.scale == 127);
  CHECK(got.elements[0] == 127);
  CHECK(got.elements[1] == 0x100 - 64);
  CHECK(got.elements[2] == 1);
}

TEST_CASE("microscaling: MXFP4 has two values to a byte, the first in the low half") {
  const std::vector<float> block{6, -0.5f, 3, 0, 1, 1.5f, -2, 4};
  const auto got = encode<codec::mxfp4<>>(block);
  CHECK(got.scale == 127);
  CHECK(got.elements[0] == 0x97);
  CHECK(got.elements[1] == 0x05);
  CHECK(got.elements[2] == 0x32);
  CHECK(got.elements[3] == 0x6c);
}
