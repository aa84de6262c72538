// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// How much of a signal is left: on one trip, and after a two-shot all-reduce.
#include <rondo/codec/asymmetric.hpp>
#include <rondo/codec/cast.hpp>
#include <rondo/codec/float8.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/codec/microscaling.hpp>
#include <rondo/codec/nvfp4.hpp>
#include <rondo/codec/sign.hpp>

#include "catch.hpp"
#include "samples.hpp"

#include <vector>

namespace {

using namespace rondo;
constexpr std::size_t count = 65536;

template <class Codec>
double one_trip(const Codec& codec, const std::vector<float>& values) {
  std::vector<std::byte> wire(codec.wire_bytes(values.size()));
  codec.encode(values, wire);
  std::vector<float> got(values.size());
  codec.decode(wire, got);
  return samples::sqnr(values, got);
}

/// Every rank encodes its own values, the owner of a chunk sums and encodes again: at least so many
/// dB are left at every number of ranks from 2 to 64.
template <class Codec>
void check_two_shot(const Codec& codec, double decibel) {
  std::vector<double> exact(count, 0.0);
  std::vector<std::vector<std::byte>> wires;
  std::vector<std::byte> sum(codec.wire_bytes(count));
  std::vector<float> got(count);
  for (std::size_t rank = 0; rank < 64; ++rank) {
    const auto values = samples::gaussian(count, 100 + rank);
    wires.emplace_back(codec.wire_bytes(count));
    codec.encode(values, wires.back());
    for (std::size_t i = 0; i < count; ++i) {
      exact[i] += double{values[i]};
    }
    if (rank == 0) {
      continue;
    }
    const std::vector<std::span<const std::byte>> views(wires.begin(), wires.end());
    codec.encode_sum(views, count, sum);
    codec.decode(sum, got);
    CAPTURE(rank + 1);
    CHECK(samples::sqnr(std::vector<float>(exact.begin(), exact.end()), got) >= decibel);
  }
}

}  // namespace

TEST_CASE("quality: one trip, in dB, on Gaussian data, heavy tails and outlier channels") {
  const auto gaussian = samples::gaussian(count, 1);
  const auto student = samples::student(count, 2);
  const auto outliers = samples::outliers(count, 3);
  const auto expect = [&](const char* name, const auto& codec, double on_gaussian,
                          double on_student, double on_outliers) {
    CAPTURE(name);
    CHECK(one_trip(codec, gaussian) > on_gaussian);
    CHECK(one_trip(codec, student) > on_student);
    CHECK(one_trip(codec, outliers) > on_outliers);
  };
  expect("cast<bfloat16>", codec::cast<bfloat16>{}, 55, 55, 55);
  expect("cast<half>", codec::cast<half>{}, 73, 73, 73);
  expect("int8<128>", codec::int8<128>{}, 43.7, 35.0, 32.5);
  expect("int8<32>", codec::int8<32>{}, 45.3, 40.0, 38.5);
  expect("int6<32>", codec::int6<32>{}, 33.0, 28.0, 26.0);
  expect("int4<32>", codec::int4<32>{}, 21.2, 16.5, 17.5);
  expect("int8_asymmetric<32>", codec::int8_asymmetric<32>{}, 46.6, 42.0, 44.0);
  expect("int4_asymmetric<32>", codec::int4_asymmetric<32>{}, 22.0, 18.0, 19.0);
  expect("fp8_e4m3<128>", codec::fp8_e4m3<128>{}, 31.7, 31.7, 37.0);
  expect("fp8_e5m2<128>", codec::fp8_e5m2<128>{}, 25.7, 25.7, 31.0);
  expect("mxfp8", codec::mxfp8<>{}, 31.4, 31.0, 31.5);
  expect("mxfp6_e2m3", codec::mxfp6_e2m3<>{}, 30.9, 28.5, 27.0);
  expect("mxfp6_e3m2", codec::mxfp6_e3m2<>{}, 25.3, 25.0, 24.0);
  expect("mxfp4", codec::mxfp4<>{}, 18.7, 16.0, 16.0);
  expect("mxint8", codec::mxint8<>{}, 41.5, 37.0, 35.5);
  expect("nvfp4", codec::nvfp4{}, 20.3, 20.0, 21.0);
  expect("sign<2048>", codec::sign<2048>{}, 4.3, 1.5, 0.8);
}

TEST_CASE("quality: a two-shot all-reduce loses 3 dB, however many ranks there are") {
  check_two_shot(codec::int8<32>{}, 42.3);
  check_two_shot(codec::int4<32>{}, 18.1);
  check_two_shot(codec::mxfp8<>{}, 28.0);
}
