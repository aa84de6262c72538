// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/codec/cast.hpp>
#include <rondo/codec/integer.hpp>
#include <rondo/transport/cuda/detail/cast_values.hpp>

#include "catch.hpp"

#include <cmath>
#include <cstddef>
#include <cstring>
#include <span>
#include <string>
#include <vector>

// Collectives with a codec on an NCCL communicator: the same bits as on thread ranks, where codecs
// are tested on their own.
namespace {

using namespace ranks;
using rondo::on;

cudaStream_t stream = nullptr;
const rondo::codec::int8<32> codec{};

std::vector<float> values(int rank, std::size_t count) {
  std::vector<float> made(count);
  for (std::size_t i = 0; i < count; ++i) {
    made[i] = std::sin(static_cast<float>(i) + 10.f * static_cast<float>(rank)) * 3.f;
  }
  return made;
}

/// What `body(comm, take)` hands to `take` on each rank.
template <class Run, class Body>
std::vector<std::vector<float>> results(const Run& run, int size, const Body& body) {
  std::vector<std::vector<float>> all(static_cast<std::size_t>(size));
  run(size, [&](auto& comm) {
    body(comm, [&](const std::vector<float>& made) {
      all[static_cast<std::size_t>(comm.rank())] = made;
    });
  });
  return all;
}
const auto nccl_ranks = [](int size, const auto& body) { CHECK(run(size, body) == ""); };
const auto thread_ranks = [](int size, const auto& body) { rondo::threads::run(size, body); };

constexpr std::size_t counts[] = {0, 1, 31, 100, 3000};
constexpr int sizes[] = {1, 2, 3, 4, 6};

}  // namespace

TEST_CASE("nccl: all_reduce with a codec has the bits of thread ranks") {
  for (const int size : sizes) {
    for (const std::size_t count : counts) {
      CAPTURE(size, count);
      const auto here = [&](const auto& how) {
        return results(nccl_ranks, size, [&](auto& comm, const auto& take) {
          auto mine = values(comm.rank(), count);
          rondo::all_reduce(comm, span_of(mine), how, codec, on{stream});
          take(mine);
        });
      };
      const auto expected = [&](const auto& how) {
        return results(thread_ranks, size, [&](auto& comm, const auto& take) {
          auto mine = values(comm.rank(), count);
          rondo::all_reduce(comm, mine, how, codec);
          take(mine);
        });
      };
      CHECK(here(rondo::one_shot{}) == expected(rondo::one_shot{}));
      CHECK(here(rondo::two_shot{}) == expected(rondo::two_shot{}));
    }
  }
}

TEST_CASE("nccl: an average with a codec is the sum of all, by their number") {
  const auto got = results(nccl_ranks, 4, [&](auto& comm, const auto& take) {
    auto mine = std::vector<float>(64, static_cast<float>(comm.rank() + 1));
    rondo::all_reduce(comm, span_of(mine), rondo::op::average{}, codec, on{stream});
    take(mine);
  });
  for (const auto& one : got) {
    CHECK(std::abs(one[63] - 2.5f) < 0.05f);
    CHECK(one == got[0]);
  }
}

TEST_CASE("nccl: the other collectives with a codec have the bits of thread ranks") {
  for (const int size : sizes) {
    CAPTURE(size);
    const auto n = static_cast<std::size_t>(size);
    const auto calls = [&](auto& comm, const auto& take, const auto& buffer, const auto&... how) {
      const auto whole = values(comm.rank(), 70 * n);
      std::vector<float> part(70);
      std::vector<float> all(70 * n);
      std::vector<float> swapped(70 * n);
      auto in = buffer(whole);
      auto out = buffer(part);
      rondo::reduce_scatter(comm, in, out, codec, how...);
      const auto mine = values(comm.rank(), 70);
      auto own = buffer(mine);
      auto gathered = buffer(all);
      rondo::all_gather(comm, own, gathered, codec, how...);
      auto from_each = buffer(swapped);
      rondo::all_to_all(comm, in, from_each, codec, how...);
      part.insert(part.end(), all.begin(), all.end());
      part.insert(part.end(), swapped.begin(), swapped.end());
      take(part);
    };
    const auto got = results(nccl_ranks, size, [&](auto& comm, const auto& take) {
      calls(
          comm, take, [](auto& values) { return span_of(values); }, on{stream});
    });
    const auto expected = results(thread_ranks, size, [&](auto& comm, const auto& take) {
      calls(comm, take, [](auto& values) { return std::span{values}; });
    });
    CHECK(got == expected);
  }
}

namespace {

/// What kernels do of a cast, element by element, is what the codec does.
template <class Wire>
void check_cast() {
  namespace kernel = rondo::cuda::detail;
  constexpr std::size_t count = 700;
  constexpr int ranks = 3;
  const rondo::codec::cast<Wire> cast{};
  std::vector<Wire> wires[ranks];
  const Wire* at[ranks];
  std::vector<std::span<const std::byte>> all;
  for (int rank = 0; rank < ranks; ++rank) {
    const auto from = values(rank, count);
    std::vector<std::byte> expected(cast.wire_bytes(count));
    cast.encode(from, expected);
    auto& wire = wires[rank];
    wire.resize(expected.size() / sizeof(Wire));
    for (std::size_t i = 0; i < count; ++i) {
      kernel::cast_value<float, Wire>{from.data(), wire.data()}(i);
    }
    all.push_back(std::as_bytes(std::span<const Wire>{wire}));
    at[rank] = wire.data();
    CHECK(std::memcmp(wire.data(), expected.data(), count * sizeof(Wire)) == 0);
  }
  for (const float divisor : {1.f, 3.f}) {
    std::vector<std::byte> expected(cast.wire_bytes(count));
    cast.encode_sum(all, count, expected, {}, divisor);
    std::vector<Wire> summed(count);
    for (std::size_t i = 0; i < count; ++i) {
      kernel::sum_casts<Wire, ranks>{{at[0], at[1], at[2]}, ranks, divisor, summed.data()}(i);
    }
    CHECK(std::memcmp(summed.data(), expected.data(), count * sizeof(Wire)) == 0);
  }
  std::vector<float> decoded(count, 1.f);
  std::vector<float> added(count, 1.f);
  std::vector<float> expected(count, 1.f);
  cast.decode_add(all[1], expected);
  for (std::size_t i = 0; i < count; ++i) {
    kernel::add_cast<Wire>{at[1], added.data()}(i);
    kernel::cast_value<Wire, float>{at[1], decoded.data()}(i);
  }
  CHECK(added == expected);
  cast.decode(all[1], expected);
  CHECK(decoded == expected);
}

}  // namespace

TEST_CASE("nccl: kernels of a cast have the bits of the host") {
  check_cast<rondo::half>();
  check_cast<rondo::bfloat16>();
  check_cast<float>();
}
