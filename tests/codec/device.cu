// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Bytes made on the device are those made on the host.
#include <rondo/codec.hpp>
#include <rondo/transport/cuda/codec.cuh>

#include "cuda/check.hpp"
#include "samples.hpp"

#include <cstring>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

template <class T>
class device_array {
 public:
  explicit device_array(std::size_t count) : size_{count} {
    REQUIRE(cudaMalloc(&data_, count * sizeof(T) + 16) == cudaSuccess);
  }
  explicit device_array(const std::vector<T>& values) : device_array(values.size()) {
    REQUIRE(cudaMemcpy(data_, values.data(), size_ * sizeof(T), cudaMemcpyDefault) == cudaSuccess);
  }
  device_array(const device_array&) = delete;
  ~device_array() { cudaFree(data_); }

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::vector<T> on_host() const {
    std::vector<T> values(size_);
    REQUIRE(cudaMemcpy(values.data(), data_, size_ * sizeof(T), cudaMemcpyDefault) == cudaSuccess);
    return values;
  }

 private:
  T* data_ = nullptr;
  std::size_t size_;
};

/// Every bit pattern may occur, so there are NaNs, infinities and subnormals in most places.
std::vector<float> any_bits(std::size_t count) {
  samples::random draw{7};
  std::vector<float> values(count);
  for (float& value : values) {
    value = bit_cast<float>(static_cast<std::uint32_t>(draw.bits()));
  }
  return values;
}

bool same(const std::vector<float>& a, const std::vector<float>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool both_nan = a[i] != a[i] && b[i] != b[i];
    if (!both_nan && std::memcmp(&a[i], &b[i], sizeof(float)) != 0) {
      return false;
    }
  }
  return a.size() == b.size();
}

template <class Codec>
void compare(const Codec& codec, const std::vector<float>& values) {
  const std::size_t count = values.size();
  CAPTURE(count);
  const codec::context where{.step = 3, .rank = 1, .first = 4096};
  bytes expected(codec.wire_bytes(count));
  codec.encode(values, expected, where);

  const device_array<float> input{values};
  const device_array<std::byte> wire{expected.size()};
  codec::device::encode(codec, input.data(), count, wire.data(), nullptr, where);
  CHECK(wire.on_host() == expected);

  std::vector<float> decoded(count);
  codec.decode(expected, decoded);
  const device_array<float> output{count};
  codec::device::decode(codec, wire.data(), output.data(), count, nullptr);
  CHECK(same(output.on_host(), decoded));

  codec.decode_add(expected, decoded);
  codec::device::decode_add(codec, wire.data(), output.data(), count, nullptr);
  CHECK(same(output.on_host(), decoded));

  const std::span<const std::byte> wires[] = {expected, expected, expected};
  bytes sum(expected.size());
  codec.encode_sum(wires, count, sum, where, 3.0f);
  const device_array<std::byte> fused{expected.size()};
  const codec::device::wire_set set{{wire.data(), wire.data(), wire.data()}, 3};
  codec::device::encode_sum(codec, set, count, fused.data(), nullptr, where, 3.0f);
  CHECK(fused.on_host() == sum);
}

template <class Codec>
void compare_all(const Codec& codec) {
  for (const std::size_t count : {1u, 7u, 8u, 31u, 33u, 255u, 257u, 2047u, 2049u, 100003u}) {
    compare(codec, samples::student(count, count));
  }
  compare(codec, any_bits(1 << 16));
  compare(codec, samples::gaussian(1 << 24, 1));
}

}  // namespace

TEST_CASE("device: integer codecs write the host's bytes") {
  compare_all(codec::int8<128>{});
  compare_all(codec::int6<32>{});
  compare_all(codec::int4<32>{});
  compare_all(codec::int4_asymmetric<32>{});
}

TEST_CASE("device: floating-point codecs write the host's bytes") {
  compare_all(codec::fp8_e4m3<128>{});
  compare_all(codec::mxfp8<>{});
  compare_all(codec::mxfp6_e2m3<>{});
  compare_all(codec::mxfp4<>{});
  compare_all(codec::nvfp4{});
}

TEST_CASE("device: sign, rotated and stochastic codecs write the host's bytes") {
  compare_all(codec::sign<2048>{});
  compare_all(codec::rotated{codec::int4<32>{}, 5});
  compare_all(codec::rotated{codec::int8_asymmetric<128>{}, 6});
  compare_all(codec::stochastic{codec::int8<128>{}, 5});
}
