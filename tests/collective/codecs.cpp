// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "demand.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/throttled.hpp>

#include <cmath>
#include <cstring>
#include <mutex>
#include <random>
#include <string>
#include <vector>

namespace codec = rondo::codec;

namespace {

/// What a rank holds before the call: the same on every run, different on every rank.
std::vector<float> values_of(int rank, std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(1000 + rank));
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (auto& value : values) {
    value = normal(random);
  }
  return values;
}

/// The sum in double precision, and the sum of what each rank may lose when its block is encoded.
struct exact_sum {
  std::vector<double> sum;
  double largest = 0;

  exact_sum(int ranks, std::size_t count) : sum(count, 0.0) {
    for (int rank = 0; rank < ranks; ++rank) {
      const auto values = values_of(rank, count);
      for (std::size_t i = 0; i < count; ++i) {
        sum[i] += static_cast<double>(values[i]);
        largest = std::max(largest, std::fabs(static_cast<double>(values[i])));
      }
    }
  }
};

/// Runs `call(comm, in, out)` on all ranks; every rank must end with the same bits, near the sum.
template <class Call>
std::vector<float> same_bits_everywhere(int ranks, std::size_t count, const Call& call) {
  std::vector<std::vector<float>> ended(static_cast<std::size_t>(ranks));
  rondo::threads::run(ranks, [&](auto& comm) {
    const auto in = values_of(comm.rank(), count);
    std::vector<float> out(count, -12345.0F);
    call(comm, in, out);
    ended[static_cast<std::size_t>(comm.rank())] = out;
  });
  for (const auto& one : ended) {
    REQUIRE((count == 0 || std::memcmp(one.data(), ended[0].data(), count * sizeof(float)) == 0));
  }
  return ended[0];
}

template <class Codec>
void check_all_reduce(const std::string& name, const Codec& with, double worst_per_rank) {
  INFO(name);
  constexpr std::size_t block = Codec::block;
  for (const int ranks : {1, 2, 3, 4, 5, 7}) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, block - 1, block, block + 1,
                                    2 * block, 3 * block + 1, std::size_t{5000}}) {
      INFO(ranks << " ranks, " << count << " values");
      const exact_sum expected{ranks, count};
      const double scale = expected.largest * (ranks + 1) * ranks;
      const auto near = [&](const std::vector<float>& got) {
        for (std::size_t i = 0; i < count; ++i) {
          REQUIRE(std::fabs(static_cast<double>(got[i]) - expected.sum[i]) <=
                  worst_per_rank * scale + 1e-6);
        }
      };
      near(same_bits_everywhere(ranks, count, [&](auto& comm, const auto& in, auto& out) {
        rondo::all_reduce(comm, in, out, with);
      }));
      near(same_bits_everywhere(ranks, count, [&](auto& comm, const auto& in, auto& out) {
        rondo::all_reduce(comm, in, out, rondo::two_shot{}, with);
      }));
      near(same_bits_everywhere(ranks, count, [&](auto& comm, const auto& in, auto& out) {
        rondo::all_reduce(comm, in, out, with, rondo::one_shot{});
      }));
    }
  }
}

/// Signal to quantisation noise, in decibels.
double decibels(const std::vector<double>& exact, const std::vector<float>& got) {
  double signal = 0;
  double noise = 0;
  for (std::size_t i = 0; i < exact.size(); ++i) {
    const double error = static_cast<double>(got[i]) - exact[i];
    signal += exact[i] * exact[i];
    noise += error * error;
  }
  return 10.0 * std::log10(signal / noise);
}

}  // namespace

TEST_CASE("with a codec all ranks hold the same bits, near the sum, for any size and rank count") {
  check_all_reduce("cast<bfloat16>", codec::cast<rondo::bfloat16>{}, 1.0 / 256);
  check_all_reduce("cast<half>", codec::cast<rondo::half>{}, 1.0 / 2048);
  check_all_reduce("int8<128>", codec::int8<128>{}, 0.6 / 127);
  check_all_reduce("int6<64>", codec::int6<64>{}, 0.6 / 31);
  check_all_reduce("int4<32>", codec::int4<32>{}, 1.1 / 8);
  check_all_reduce("fp8_e4m3<32>", codec::fp8_e4m3<32>{}, 1.0 / 16);
  check_all_reduce("fp8_e5m2<32>", codec::fp8_e5m2<32>{}, 1.0 / 8);
}

TEST_CASE("an average divides once, after the sum") {
  const auto sum = same_bits_everywhere(4, 1000, [](auto& comm, const auto& in, auto& out) {
    rondo::all_reduce(comm, in, out, rondo::one_shot{}, codec::int8<32>{});
  });
  const auto average = same_bits_everywhere(4, 1000, [](auto& comm, const auto& in, auto& out) {
    rondo::all_reduce(comm, in, out, rondo::op::average{}, rondo::one_shot{}, codec::int8<32>{});
  });
  for (std::size_t i = 0; i < sum.size(); ++i) {
    REQUIRE(average[i] == sum[i] / 4);
  }
}

TEST_CASE("long buffers go segment by segment, with the same result as in one piece") {
  const std::size_t count = 700'001;
  const auto got = same_bits_everywhere(3, count, [](auto& comm, const auto& in, auto& out) {
    rondo::all_reduce(comm, in, out, rondo::two_shot{}, codec::int8<128>{});
  });
  REQUIRE(decibels(exact_sum{3, count}.sum, got) > 38.0);
}

TEST_CASE("two-shot all-reduce keeps its quality at every number of ranks") {
  const std::size_t count = 65536;
  for (const int ranks : {2, 3, 4, 8, 16, 64}) {
    const exact_sum expected{ranks, count};
    const auto int8 = same_bits_everywhere(ranks, count, [](auto& comm, const auto& in, auto& out) {
      rondo::all_reduce(comm, in, out, rondo::two_shot{}, codec::int8<32>{});
    });
    const auto int4 = same_bits_everywhere(ranks, count, [](auto& comm, const auto& in, auto& out) {
      rondo::all_reduce(comm, in, out, rondo::two_shot{}, codec::int4<32>{});
    });
    INFO(ranks << " ranks: int8 " << decibels(expected.sum, int8) << " dB, int4 "
               << decibels(expected.sum, int4) << " dB");
    CHECK(decibels(expected.sum, int8) >= 42.3);
    CHECK(decibels(expected.sum, int4) >= 18.1);
  }
}

TEST_CASE("a NaN poisons its block of the sum on all ranks, and no other value") {
  const std::size_t count = 1024;
  const auto clean = same_bits_everywhere(3, count, [](auto& comm, const auto& in, auto& out) {
    rondo::all_reduce(comm, in, out, rondo::two_shot{}, codec::int8<32>{});
  });
  const auto poisoned = same_bits_everywhere(3, count, [](auto& comm, auto in, auto& out) {
    if (comm.rank() == 1) {
      in[100] = std::nanf("");
    }
    rondo::all_reduce(comm, in, out, rondo::two_shot{}, codec::int8<32>{});
  });
  for (std::size_t i = 0; i < count; ++i) {
    if (i / 32 == 100 / 32) {
      REQUIRE(std::isnan(poisoned[i]));
    } else {
      REQUIRE(std::memcmp(&poisoned[i], &clean[i], sizeof(float)) == 0);
    }
  }
}

TEST_CASE("reduce_scatter, all_gather and all_to_all go through a codec") {
  for (const int ranks : {1, 2, 3, 5}) {
    const std::size_t count = 77;
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto size = static_cast<std::size_t>(comm.size());
      const codec::int8<32> with;
      const auto in = values_of(comm.rank(), count * size);

      std::vector<float> part(count);
      rondo::reduce_scatter(comm, in, part, with);
      const exact_sum expected{comm.size(), count * size};
      for (std::size_t i = 0; i < count; ++i) {
        const double wanted = expected.sum[count * static_cast<std::size_t>(comm.rank()) + i];
        DEMAND(std::fabs(static_cast<double>(part[i]) - wanted) < 0.05 * comm.size());
      }

      std::vector<float> all(count * size);
      rondo::all_gather(comm, part, all, with);
      std::vector<float> others(all.size());
      rondo::all_to_all(comm, in, others, with);
      for (std::size_t source = 0; source < size; ++source) {
        const auto theirs = values_of(static_cast<int>(source), count * size);
        for (std::size_t i = 0; i < count; ++i) {
          const float sent = theirs[static_cast<std::size_t>(comm.rank()) * count + i];
          DEMAND(std::fabs(others[source * count + i] - sent) < 0.03F);
        }
      }
      std::vector<float> lowest(all.size());
      std::vector<float> highest(all.size());
      rondo::all_reduce(comm, all, lowest, rondo::op::min{});
      rondo::all_reduce(comm, all, highest, rondo::op::max{});
      DEMAND(lowest == highest);
    });
  }
}

TEST_CASE("doubles and 16-bit floats travel through codecs") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector<double> wide(100, 0.5);
    rondo::all_reduce(comm, wide, codec::int8<32>{});
    DEMAND(std::fabs(wide[99] - 1.5) < 0.02);
    std::vector<rondo::bfloat16> narrow(100, rondo::bfloat16{2.0F});
    rondo::all_reduce(comm, narrow, codec::int8<32>{});
    DEMAND(std::fabs(static_cast<float>(narrow[99]) - 6.0F) < 0.1F);
  });
}

TEST_CASE("ranks with different codecs are told") {
  REQUIRE_THROWS_AS(rondo::threads::run(2,
                                        [](auto& comm) {
                                          std::vector<float> values(1000);
                                          if (comm.rank() == 0) {
                                            rondo::all_reduce(comm, values, codec::int8<32>{});
                                          } else {
                                            rondo::all_reduce(comm, values, codec::int4<32>{});
                                          }
                                        }),
                    rondo::mismatch);
}

TEST_CASE("over a throttled link a codec gives the same bits as without the throttle") {
  const std::size_t count = 300'000;
  const auto plain = same_bits_everywhere(2, count, [](auto& comm, const auto& in, auto& out) {
    rondo::all_reduce(comm, in, out, rondo::two_shot{}, codec::int8<128>{});
  });
  const rondo::testing::link slow{2, 1e9};
  const auto throttled = same_bits_everywhere(2, count, [&](auto& comm, const auto& in, auto& out) {
    rondo::testing::throttled apart{comm, slow};
    rondo::all_reduce(apart, in, out, rondo::two_shot{}, codec::int8<128>{});
  });
  REQUIRE(std::memcmp(plain.data(), throttled.data(), count * sizeof(float)) == 0);
}
