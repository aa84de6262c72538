// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What a codec saves on a slow link: an all-reduce of 64 MiB of floats between ranks that are
// threads here, over ports of 1 GB/s each way.
//
//   link [ranks [MiB [GB/s]]]      1000 GB/s show what the ranks need without a link
#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/throttled.hpp>

#include "../../tests/codec/samples.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using namespace rondo;

struct setting {
  int ranks = 2;
  std::size_t count = std::size_t{64} << 18;
  double bytes_per_second = 1e9;
};

/// Milliseconds of `call(comm, gradient)` on all ranks, in place: the median of nine, after one to
/// warm up.
template <class Call>
double milliseconds(const setting& with, const testing::link& over, const Call& call) {
  std::vector<double> times;
  threads::run(with.ranks, [&](auto& comm) {
    testing::throttled apart{comm, over};
    const auto given = samples::gaussian(with.count, static_cast<std::uint64_t>(comm.rank()));
    std::vector<float> gradient;
    for (int i = 0; i < 10; ++i) {
      gradient = given;
      barrier(comm);
      const auto begin = std::chrono::steady_clock::now();
      call(apart, gradient);
      barrier(comm);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      if (comm.rank() == 0 && i > 0) {
        times.push_back(took.count());
      }
    }
  });
  std::nth_element(times.begin(), times.begin() + 4, times.end());
  return times[4];
}

/// What the link alone needs for so many bytes per value.
double floor_of(const setting& with, double bits) {
  const double share = 2.0 * (with.ranks - 1) / with.ranks;
  return 1e3 * share * static_cast<double>(with.count) * bits / 8 / with.bytes_per_second;
}

}  // namespace

int main(int argc, char** argv) {
  setting with;
  with.ranks = argc > 1 ? std::atoi(argv[1]) : with.ranks;
  with.count = argc > 2 ? static_cast<std::size_t>(std::atoi(argv[2])) << 18 : with.count;
  with.bytes_per_second = argc > 3 ? std::atof(argv[3]) * 1e9 : with.bytes_per_second;
  const testing::link over{with.ranks, with.bytes_per_second};
  std::printf(
      "two_shot all_reduce of %zu MiB on %d ranks, %.1f GB/s each way\n\n"
      "| codec | ms | the link alone, ms | over fp32 | target | |\n"
      "|---|--:|--:|--:|--:|---|\n",
      with.count >> 18, with.ranks, with.bytes_per_second / 1e9);

  const double whole = milliseconds(
      with, over, [](auto& comm, auto& gradient) { all_reduce(comm, gradient, two_shot{}); });
  std::printf("| fp32, no codec | %.2f | %.2f | 1 | | |\n", whole, floor_of(with, 32));
  const auto row = [&](const char* name, const auto& codec, double target = 0) {
    const double took = milliseconds(with, over, [&](auto& comm, auto& gradient) {
      all_reduce(comm, gradient, two_shot{}, codec);
    });
    std::printf("| `%s` | %.2f | %.2f | 1/%.1f |", name, took,
                floor_of(with, codec::bits_per_value(codec)), whole / took);
    if (target > 0) {
      std::printf(" 1/%.1f | %s |\n", target, whole / took >= target ? "met" : "missed");
    } else {
      std::puts(" | |");
    }
  };
  row("cast<bfloat16>", codec::cast<bfloat16>{});
  row("int8<128>", codec::int8<128>{}, 3.6);
  row("fp8_e4m3<128>", codec::fp8_e4m3<128>{});
  row("int6<32>", codec::int6<32>{});
  row("int4<32>", codec::int4<32>{}, 6.3);
  row("rotated int4<32>", codec::rotated{codec::int4<32>{}, 7});
  row("sign<2048>", codec::sign<2048>{});
}
