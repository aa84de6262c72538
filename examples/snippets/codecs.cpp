// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace {

/// Values as they are, with every call counted in memory that the user owns.
class counted {
 public:
  static constexpr bool lossy = false;
  static constexpr bool needs_state = true;
  explicit counted(std::span<int> calls) : calls_{calls} {}

  // begin: members
  static constexpr std::size_t block = 1;           // values that must not be parted
  std::size_t wire_bytes(std::size_t count) const;  // for any count, 0 too; a multiple of 16
  void encode(std::span<const float> values, std::span<std::byte> wire,
              const rondo::codec::context& where) const;  // step, rank, first value's index, ...
  void decode(std::span<const std::byte> wire, std::span<float> values) const;
  void decode_add(std::span<const std::byte> wire, std::span<float> sum) const;
  std::string lacking(std::size_t count) const;  // only with a memory: what is missing, or ""
                                                 // end: members

 private:
  std::span<int> calls_;
};

std::size_t counted::wire_bytes(std::size_t count) const { return (count + 3) / 4 * 16; }

void counted::encode(std::span<const float> values, std::span<std::byte> wire,
                     const rondo::codec::context&) const {
  ++calls_[0];
  std::fill(std::copy_n(std::as_bytes(values).begin(), values.size_bytes(), wire.begin()),
            wire.end(), std::byte{});
}

void counted::decode(std::span<const std::byte> wire, std::span<float> values) const {
  std::copy_n(wire.begin(), values.size_bytes(), std::as_writable_bytes(values).begin());
}

void counted::decode_add(std::span<const std::byte> wire, std::span<float> sum) const {
  std::vector<float> values(sum.size());
  decode(wire, values);
  std::transform(sum.begin(), sum.end(), values.begin(), sum.begin(), std::plus<>{});
}

std::string counted::lacking(std::size_t) const {
  return calls_.empty() ? "a place to count calls in" : "";
}

static_assert(rondo::codec::codec<counted>);

void alone() {
  std::vector<float> values(1000, 3.0f);
  std::vector<float> sum(1000, 1.0f);
  const float absmax = 3;
  // begin: alone
  const rondo::codec::int8<128> codec;                           // 128 values share a scale
  std::vector<std::byte> wire(codec.wire_bytes(values.size()));  // for any count, tails included
  codec.encode(values, wire);                                    // float, double, half, bfloat16
  codec.decode(wire, values);
  codec.decode_add(wire, sum);  // sum += decoded, in fp32
  // end: alone
  const std::vector<std::span<const std::byte>> wires{wire, wire};
  std::vector<std::byte> out(wire.size());
  // begin: alone
  codec.encode_sum(wires, values.size(), out);  // decode n wires, add, encode: one pass
  const float bound = codec.max_error(absmax);  // the stated bound, of a block's largest magnitude
  // end: alone
  check(std::abs(values[999] - 3) <= bound && std::abs(sum[0] - 4) <= bound, "a trip");
  codec.decode(out, values);
  check(std::abs(values[0] - 6) <= 4 * bound, "a sum of two wires");
}

}  // namespace

int main() {
  alone();
  rondo::threads::run(4, [](auto& comm) {
    std::vector<float> gradient(4096, static_cast<float>(comm.rank() + 1));
    // begin: codec
    rondo::all_reduce(comm, gradient, rondo::codec::int8<128>{});  // 1.03 bytes a value on the wire
    // end: codec
    check(std::abs(gradient[4095] - 10) < 0.2f, "a sum through int8");

    std::vector<float> values(4096, static_cast<float>(comm.rank() + 1));
    const std::vector<std::span<float>> buckets{std::span{values}.first(2048),
                                                std::span{values}.last(2048)};
    // begin: feedback
    std::vector<std::vector<float>> residuals;  // one per bucket, on each rank; kept between steps
    for (const auto& bucket : buckets) {
      residuals.emplace_back(bucket.size());
    }
    std::vector<rondo::pending> pending;  // a step:
    for (std::size_t b = 0; b < buckets.size(); ++b) {
      const rondo::codec::error_feedback sign{rondo::codec::sign<2048>{}, residuals[b]};
      pending.push_back(rondo::all_reduce(comm, buckets[b], sign, rondo::async{}));
    }
    for (auto& one : pending) {
      one.wait();  // until then bucket and residual belong to the call
    }
    // end: feedback
    check(std::abs(values[4095] - 10) < 0.2f, "a sum through sign");

    int calls[1]{};
    std::vector<float> whole(50, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, whole, counted{calls});
    check(whole[49] == 6 && calls[0] > 0, "a sum through a codec of one's own");
  });
}
