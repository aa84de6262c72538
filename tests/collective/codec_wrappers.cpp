// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "demand.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>

#include "../codec/samples.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace codec = rondo::codec;

namespace {

std::vector<float> gradient_of(int rank, int step, std::size_t count) {
  std::mt19937 random(static_cast<unsigned>(7919 * step + rank));
  std::student_t_distribution<float> heavy_tailed{3.0F};
  std::vector<float> values(count);
  for (auto& value : values) {
    value = heavy_tailed(random);
  }
  return values;
}

std::vector<double> sum_of(int ranks, int step, std::size_t count) {
  std::vector<double> sum(count, 0.0);
  for (int rank = 0; rank < ranks; ++rank) {
    const auto values = gradient_of(rank, step, count);
    for (std::size_t i = 0; i < count; ++i) {
      sum[i] += static_cast<double>(values[i]);
    }
  }
  return sum;
}

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

/// All ranks must hold `values` with the same bits.
template <class Comm>
void require_same_bits(Comm& comm, const std::vector<float>& values) {
  std::vector<float> of_root = values;
  rondo::broadcast(comm, of_root, rondo::root{0});
  DEMAND(std::memcmp(of_root.data(), values.data(), values.size() * sizeof(float)) == 0);
}

}  // namespace

TEST_CASE("a rotation lets 4-bit integers carry heavy-tailed gradients") {
  const std::size_t count = 65536;
  rondo::threads::run(4, [&](auto& comm) {
    auto gradient = gradient_of(comm.rank(), 0, count);
    rondo::all_reduce(comm, gradient, codec::rotated{codec::int4<32>{}, 42});
    require_same_bits(comm, gradient);
    DEMAND(decibels(sum_of(comm.size(), 0, count), gradient) >= 17.6);
  });
}

TEST_CASE("a ring encodes anew at every hop when it is asked to, and all ranks still agree") {
  for (const int ranks : {1, 2, 3, 5}) {
    rondo::threads::run(ranks, [](auto& comm) {
      auto gradient = gradient_of(comm.rank(), 1, 3001);
      rondo::all_reduce(comm, gradient, rondo::ring{}, codec::requantised{codec::int8<128>{}});
      require_same_bits(comm, gradient);
      DEMAND(decibels(sum_of(comm.size(), 1, 3001), gradient) > 25.0);
      const std::size_t equal_parts = 128 * 30;  // recursive halving wants them
      auto halves = gradient_of(comm.rank(), 1, equal_parts);
      rondo::all_reduce(comm, halves, rondo::halving_doubling{},
                        codec::requantised{codec::int8<128>{}});
      require_same_bits(comm, halves);
      DEMAND(decibels(sum_of(comm.size(), 1, equal_parts), halves) > 25.0);
    });
  }
}

TEST_CASE("with error feedback nothing is lost over many steps, only late") {
  const std::size_t count = 4096 + 7;
  const int steps = 60;
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<float> residual(count, 0.0F);
    std::vector<float> residual_of_sum(count, 0.0F);
    std::vector<double> received(count, 0.0);
    std::vector<double> wanted(count, 0.0);
    for (int step = 0; step < steps; ++step) {
      auto gradient = gradient_of(comm.rank(), step, count);
      const auto exact = sum_of(comm.size(), step, count);
      rondo::all_reduce(comm, gradient,
                        codec::error_feedback{codec::sign<2048>{}, residual, residual_of_sum});
      require_same_bits(comm, gradient);
      for (std::size_t i = 0; i < count; ++i) {
        received[i] += static_cast<double>(gradient[i]);
        wanted[i] += exact[i];
      }
    }
    // What has not arrived is in the ranks' memories: in all of the inputs', and in the owner's of
    // the sums.
    std::vector<float> owed(count);
    rondo::all_reduce(comm, residual, owed);
    std::vector<float> owed_of_sum(count);
    rondo::all_reduce(comm, residual_of_sum, owed_of_sum);
    for (std::size_t i = 0; i < count; ++i) {
      const double accounted =
          received[i] + static_cast<double>(owed[i]) + static_cast<double>(owed_of_sum[i]);
      DEMAND(std::fabs(accounted - wanted[i]) < 2e-3 * (1.0 + std::fabs(wanted[i])));
    }
  });
}

TEST_CASE("stochastic rounding is replayed bit for bit and differs between ranks and steps") {
  const std::size_t count = 1000;
  const auto once = [&] {
    std::vector<float> result;
    rondo::threads::run(2, [&](auto& comm) {
      auto gradient = gradient_of(comm.rank(), 5, count);
      rondo::all_reduce(comm, gradient, codec::stochastic{codec::int8<128>{}, 9});
      require_same_bits(comm, gradient);
      auto again = gradient_of(comm.rank(), 5, count);
      rondo::all_reduce(comm, again, codec::stochastic{codec::int8<128>{}, 9});
      DEMAND(again != gradient);
      if (comm.rank() == 0) {
        result = gradient;
      }
    });
    return result;
  };
  REQUIRE(once() == once());
}

TEST_CASE("stochastic rounding over a ring has new noise at every hop, and no bias") {
  constexpr int ranks = 4;
  constexpr std::size_t chunk = 8192;
  rondo::threads::run(ranks, [&](auto& comm) {
    // Each chunk of the buffer is like the others, so that noise that comes back would be seen.
    const auto period = samples::gaussian(chunk, 1);
    std::vector<float> errors[ranks];
    double bias = 0;
    double squares = 0;
    for (int call = 0; call < 4; ++call) {
      std::vector<float> values;
      for (int part = 0; part < ranks; ++part) {
        values.insert(values.end(), period.begin(), period.end());
      }
      rondo::all_reduce(comm, values, rondo::ring{},
                        codec::requantised{codec::stochastic{codec::int4_symmetric<32>{}, 3}});
      for (std::size_t i = 0; i < values.size(); ++i) {
        const float error = values[i] - ranks * period[i % chunk];
        errors[i / chunk].push_back(error);
        bias += static_cast<double>(error);
        squares += static_cast<double>(error) * static_cast<double>(error);
      }
    }
    DEMAND(std::fabs(bias) < 4 * std::sqrt(squares));
    for (int a = 0; a < ranks; ++a) {
      for (int b = 0; b < a; ++b) {
        DEMAND(std::fabs(samples::correlation(errors[a], errors[b])) < 5 / std::sqrt(4.0 * chunk));
      }
    }
  });
}

TEST_CASE("stochastic rounding in segments of a long two-shot has new noise in each") {
  constexpr std::size_t segment = 2 * 65536;
  rondo::threads::run(2, [&](auto& comm) {
    const auto period = samples::gaussian(segment, 2);
    std::vector<float> values;
    for (int part = 0; part < 3; ++part) {
      values.insert(values.end(), period.begin(), period.end());
    }
    rondo::all_reduce(comm, values, rondo::two_shot{}, codec::stochastic{codec::int8<128>{}, 3});
    std::vector<float> errors[3];
    for (std::size_t i = 0; i < values.size(); ++i) {
      errors[i / segment].push_back(values[i] - 2 * period[i % segment]);
    }
    for (int a = 0; a < 3; ++a) {
      for (int b = 0; b < a; ++b) {
        DEMAND(std::fabs(samples::correlation(errors[a], errors[b])) <
               5 / std::sqrt(static_cast<double>(segment)));
      }
    }
  });
}

TEST_CASE("a residual that is too short on one rank is told to that rank and to its peers") {
  std::string own;
  std::string peers[3];
  rondo::error_code code{};
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<float> residual(comm.rank() == 1 ? 990 : 1000, 0.0F);
    std::vector<float> values(1000, 1.0F);
    try {
      rondo::all_reduce(comm, values, codec::error_feedback{codec::int8<32>{}, residual});
    } catch (const rondo::revoked& told) {
      DEMAND(comm.rank() != 1 && told.rank() == 1);
      peers[comm.rank()] = told.what();
    } catch (const rondo::error& told) {
      DEMAND(comm.rank() == 1 && told.rank() == 1);
      code = told.code();
      own = told.what();
    }
    DEMAND(residual == std::vector<float>(residual.size(), 0.0F) || comm.rank() != 1);
  });
  const std::string what = "residual holds 990 floats; needs 1000";
  CHECK(code == rondo::error_code::rank_failed);
  CHECK(own.find("rank 1: codec::error_feedback: " + what) != std::string::npos);
  for (const int rank : {0, 2}) {
    CHECK(peers[rank].find("rank 1 failed in all_reduce(1000 x float") != std::string::npos);
    CHECK(peers[rank].find(what) != std::string::npos);
  }
}

TEST_CASE("sparse, mixed and lossless codecs reduce alike on all ranks") {
  rondo::threads::run(3, [](auto& comm) {
    const std::size_t count = 2000;
    std::vector<float> residual(count, 0.0F);
    auto sparse = gradient_of(comm.rank(), 2, count);
    rondo::all_reduce(comm, sparse, rondo::one_shot{},
                      codec::error_feedback{codec::top_k{0.1}, residual});
    require_same_bits(comm, sparse);
    for (const std::size_t some : {std::size_t{10}, count}) {
      auto mixed = gradient_of(comm.rank(), 3, some);
      rondo::all_reduce(comm, mixed, codec::mixed_by_size{codec::exact{}, codec::int8<128>{}, 100});
      require_same_bits(comm, mixed);
      DEMAND(decibels(sum_of(comm.size(), 3, some), mixed) > 30.0);
    }
  });
}

TEST_CASE("where fewer values make a longer wire, chunks do not run into each other") {
  // exact below 256 values, 4 bytes each; above, a quarter of that.
  const codec::mixed_by_size mixed{codec::exact{}, codec::int8<128>{}, 256};
  const auto value = [](int rank, std::size_t i) {
    return static_cast<float>(i % 7) + static_cast<float>(rank);
  };
  for (const int ranks : {2, 3, 4, 5}) {
    const float of_ranks = static_cast<float>(ranks * (ranks - 1)) / 2;
    for (const std::size_t count : std::vector<std::size_t>{500, 640, 900, 1152, 2000, 20000}) {
      rondo::threads::run(ranks, [&](auto& comm) {
        std::vector<float> values(count);
        for (std::size_t i = 0; i < count; ++i) {
          values[i] = value(comm.rank(), i);
        }
        rondo::all_reduce(comm, values, rondo::two_shot{}, mixed);
        float worst = 0;
        for (std::size_t i = 0; i < count; ++i) {
          const float exact = static_cast<float>(ranks) * static_cast<float>(i % 7) + of_ranks;
          worst = std::max(worst, std::abs(values[i] - exact));
        }
        DEMAND(worst < 0.3f);
      });
    }
  }
  const std::vector<std::size_t> uneven{255, 256, 255};
  rondo::threads::run(3, [&](auto& comm) {
    const auto self = static_cast<std::size_t>(comm.rank());
    std::vector<float> values(766, 1.0f);
    std::vector<float> mine(uneven[self]);
    rondo::reduce_scatter(comm, values, mine, rondo::counts{uneven}, mixed);
    DEMAND(std::all_of(mine.begin(), mine.end(), [](float v) { return std::abs(v - 3) < 0.1f; }));
    std::vector<float> all(766);
    rondo::all_gather(comm, mine, all, rondo::counts{uneven}, mixed);
    DEMAND(std::all_of(all.begin(), all.end(), [](float v) { return std::abs(v - 3) < 0.1f; }));
    const std::vector<std::size_t> received(3, uneven[self]);
    std::vector<float> got(3 * uneven[self]);
    rondo::all_to_all(comm, all, got, rondo::counts{uneven, received}, mixed);
    DEMAND(std::all_of(got.begin(), got.end(), [](float v) { return std::abs(v - 3) < 0.1f; }));
  });
}

TEST_CASE("all_gather with error feedback keeps the residual of a rank's own part of the whole") {
  const std::vector<std::size_t> uneven{5, 130, 64};
  rondo::threads::run(3, [&](auto& comm) {
    const auto self = static_cast<std::size_t>(comm.rank());
    const std::size_t first = self == 0 ? 0 : self == 1 ? 5 : 135;
    std::vector<float> mine(uneven[self]);
    for (std::size_t i = 0; i < mine.size(); ++i) {
      mine[i] = std::sin(static_cast<float>(i + 10 * self + 1));
    }
    std::vector<float> residual(199, 0.0F);
    std::vector<float> all(199);
    rondo::all_gather(comm, mine, all, rondo::counts{uneven},
                      codec::error_feedback{codec::int4<32>{}, residual});
    bool kept = true;
    double lost = 0;
    for (std::size_t i = 0; i < 199; ++i) {
      const bool own = i >= first && i < first + mine.size();
      kept = kept && (own ? std::abs(residual[i] - (mine[i - first] - all[i])) < 1e-6F
                          : residual[i] == 0.0F);
      lost += std::abs(static_cast<double>(residual[i]));
    }
    DEMAND(kept);
    DEMAND(lost > 0);
  });
}

TEMPLATE_TEST_CASE("low rank: matrices of low rank arrive whole by two linear all-reduces", "",
                   rondo::automatic, rondo::ring, rondo::tree, rondo::one_shot) {
  const TestType algorithm{};
  const std::size_t rows = 24;
  const std::size_t columns = 40;
  rondo::threads::run(3, [&](auto& comm) {
    codec::low_rank_memory<4> memory{rows, columns, 11};
    const auto factor_of = [&](int rank, std::size_t i, std::size_t j) {
      return std::sin(static_cast<float>(i + 1)) * std::cos(static_cast<float>(j) * 0.3F) *
             static_cast<float>(rank + 1);
    };
    std::vector<float> gradient(rows * columns);
    for (int call = 0; call < 3; ++call) {
      for (std::size_t i = 0; i < rows; ++i) {
        for (std::size_t j = 0; j < columns; ++j) {
          gradient[i * columns + j] = factor_of(comm.rank(), i, j);
        }
      }
      rondo::all_reduce(comm, gradient, rondo::op::average{}, algorithm, codec::low_rank{memory});
    }
    require_same_bits(comm, gradient);
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < columns; ++j) {
        const float average = factor_of(1, i, j);  // ranks 0, 1, 2 give factors 1, 2, 3
        DEMAND(std::fabs(gradient[i * columns + j] - average) < 1e-3F);
      }
    }
  });
}

TEST_CASE("a shared scale sums integers in any schedule without decoding them") {
  const std::size_t count = 1000;
  rondo::threads::run(3, [&](auto& comm) {
    const auto gradient = gradient_of(comm.rank(), 4, count);
    const codec::shared_scale<8> shared;
    std::vector<float> absmax(shared.blocks(count));
    std::vector<std::int16_t> sums(count);
    shared.observe(gradient, absmax);
    rondo::all_reduce(comm, absmax, rondo::op::max{});
    shared.encode(gradient, absmax, sums);
    auto by_tree = sums;
    rondo::all_reduce(comm, by_tree, rondo::tree{});
    rondo::all_reduce(comm, sums, rondo::ring{});
    DEMAND(sums == by_tree);
    std::vector<float> decoded(count);
    shared.decode(sums, absmax, decoded);
    require_same_bits(comm, decoded);
    DEMAND(decibels(sum_of(comm.size(), 4, count), decoded) > 25.0);

    // In one call, by any algorithm: the same bits.
    const auto in_one_call = [&](const auto& algorithm) {
      std::vector<float> got(count);
      rondo::all_reduce(comm, gradient, got, algorithm, shared);
      DEMAND(got == decoded);
    };
    in_one_call(rondo::automatic{});
    in_one_call(rondo::ring{});
    in_one_call(rondo::one_shot{});
    rondo::testing::messages_only apart{comm};
    std::vector<float> average(count);
    rondo::all_reduce(apart, gradient, average, rondo::op::average{}, shared, rondo::tree{});
    std::vector<double> exact = sum_of(comm.size(), 4, count);
    for (double& value : exact) {
      value /= comm.size();
    }
    DEMAND(decibels(exact, average) > 25.0);
  });
}

TEST_CASE("a shared scale makes a block with a NaN on one rank NaN on all, and no other") {
  rondo::threads::run(3, [&](auto& comm) {
    auto gradient = gradient_of(comm.rank(), 4, 512);
    if (comm.rank() == 2) {
      gradient[200] = std::nanf("");
    }
    rondo::all_reduce(comm, gradient, codec::shared_scale<8>{});
    for (std::size_t i = 0; i < gradient.size(); ++i) {
      DEMAND(std::isnan(gradient[i]) == (i / 128 == 1));
    }
  });
}

TEST_CASE("a shared scale refuses more ranks than its sums have room for") {
  std::string said[3];
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<float> gradient(100, 1.0F);
    try {
      rondo::all_reduce(comm, gradient, codec::shared_scale<7, 32, std::int8_t>{});
    } catch (const rondo::error& thrown) {
      DEMAND(thrown.code() == rondo::error_code::invalid_argument);
      said[comm.rank()] = thrown.what();
    }
    rondo::all_reduce(comm, gradient);  // nothing moved: the communicator lives
  });
  for (const auto& text : said) {
    CHECK(text.find("sums of 3 ranks may overflow") != std::string::npos);
  }
}

TEST_CASE("codec parameters that differ between ranks are found at the call") {
  std::string said;
  try {
    rondo::threads::run(2, [](auto& comm) {
      std::vector<float> values(1000, 1.0f);
      rondo::all_reduce(comm, values, rondo::codec::top_k{comm.rank() == 0 ? 0.5 : 0.01});
    });
  } catch (const rondo::mismatch& thrown) {
    said = thrown.what();
  }
  CHECK(said.find("ranks disagree") != std::string::npos);
}

TEST_CASE("all_to_all with a codec tells counts that do not match, though the wires are as long") {
  std::string said;
  try {
    rondo::threads::run(2, [](auto& comm) {
      const std::vector<std::size_t> sent{1, 3};
      const std::vector<std::size_t> received{1, 3};  // rank 1 should expect 3 from rank 0
      std::vector<float> in(4, 1.0F);
      std::vector<float> out(4);
      rondo::all_to_all(comm, in, out, rondo::counts{sent, received}, codec::int8<128>{});
    });
  } catch (const rondo::mismatch& told) {
    said = told.what();
  }
  CHECK(said.find("which sends it") != std::string::npos);
}

TEST_CASE("all_to_all with a codec takes uneven counts that match") {
  rondo::threads::run(3, [](auto& comm) {
    const auto self = static_cast<std::size_t>(comm.rank());
    std::vector<std::size_t> sent(3);
    std::vector<std::size_t> received(3);
    for (std::size_t rank = 0; rank < 3; ++rank) {
      sent[rank] = 5 * self + rank;
      received[rank] = 5 * rank + self;
    }
    std::vector<float> in(15 * self + 3, static_cast<float>(comm.rank()));
    std::vector<float> out(15 + 3 * self);
    rondo::all_to_all(comm, in, out, rondo::counts{sent, received}, codec::int8<128>{});
    std::size_t at = 0;
    for (std::size_t rank = 0; rank < 3; ++rank) {
      for (std::size_t i = 0; i < received[rank]; ++i) {
        DEMAND(std::fabs(out[at++] - static_cast<float>(rank)) < 0.01F);
      }
    }
  });
}
