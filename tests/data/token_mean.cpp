// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/data/token_mean.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>
#include <vector>

using rondo::testing::expect;

namespace {

/// The gradient of the loss of token t, at parameter i.
double slope(std::size_t token, std::size_t i) {
  return std::sin(static_cast<double>(token * 31 + i * 7 + 1));
}

}  // namespace

TEST_CASE("token_mean: unequal tokens count alike, whoever has them") {
  constexpr std::size_t count = 50;
  for (const int ranks : {1, 3, 8}) {
    std::vector<std::size_t> first{0};  // rank r has r^2 tokens, but for one rank alone
    for (int rank = 0; rank < ranks; ++rank) {
      first.push_back(first.back() + static_cast<std::size_t>(ranks == 1 ? 4 : rank * rank));
    }
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      std::vector<double> gradient(count);
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t token = first[rank]; token < first[rank + 1]; ++token) {
          gradient[i] += slope(token, i);
        }
      }
      const double factor = rondo::data::per_token(comm, first[rank + 1] - first[rank]);
      rondo::data::sum_scaled(comm, gradient, factor);
      for (std::size_t i = 0; i < count; ++i) {
        double sum = 0;
        for (std::size_t token = 0; token < first.back(); ++token) {
          sum += slope(token, i);
        }
        expect(std::abs(gradient[i] - sum / static_cast<double>(first.back())) < 1e-13,
               "the mean over all tokens");
      }
    });
  }
}

TEST_CASE("token_mean: no token at all gives no gradient, not NaN") {
  rondo::threads::run(2, [](auto& comm) {
    std::vector<float> gradient(3, 0.0F);
    const double factor = rondo::data::per_token(comm, 0);
    expect(factor == 1, "1 / max(0, 1)");
    rondo::data::sum_scaled(comm, gradient, factor);
    expect(gradient == std::vector<float>(3, 0.0F), "zeros");
  });
}

TEST_CASE("token_mean: experts are summed over their own ranks and divided by all tokens") {
  // Megatron-LM, finalize_model_grads.py: reduced over expert-data-parallel ranks, scaled by 1/d of
  // all data-parallel ones. Four ranks, experts 0 and 1 on two each.
  rondo::threads::run(4, [](auto& comm) {
    auto replicas = comm.split(comm.rank() % 2);
    const double factor = rondo::data::per_token(comm, 5);
    std::vector<float> expert{static_cast<float>(1 << comm.rank())};
    rondo::data::sum_scaled(replicas, expert, factor);
    expect(expert[0] == (comm.rank() % 2 == 0 ? 5.0F : 10.0F) / 20, "by 20 tokens, not by 10");
  });
}

TEST_CASE("token_mean: buckets of any size have the bits of the whole") {
  constexpr std::size_t count = 1000;
  rondo::threads::run(5, [](auto& comm) {
    std::vector<float> whole(count);
    for (std::size_t i = 0; i < count; ++i) {
      whole[i] = static_cast<float>(slope(static_cast<std::size_t>(comm.rank()), i));
    }
    const auto own = whole;
    rondo::data::sum_scaled(comm, whole, 1.0 / 3, rondo::two_shot{});
    for (const std::size_t bucket : {1, 64, 333, 999}) {
      auto parts = own;
      for (std::size_t first = 0; first < count; first += bucket) {
        const auto some = std::span{parts}.subspan(first, std::min(bucket, count - first));
        rondo::data::sum_scaled(comm, some, 1.0 / 3, rondo::two_shot{});
      }
      expect(std::memcmp(parts.data(), whole.data(), count * sizeof(float)) == 0, "the same bits");
    }
  });
}

TEST_CASE("token_mean: a factor that is no number is refused") {
  rondo::threads::run(1, [](auto& comm) {
    std::vector<float> gradient{2};
    for (const double factor : {std::numeric_limits<double>::quiet_NaN(), HUGE_VAL}) {
      bool refused = false;
      try {
        rondo::data::sum_scaled(comm, gradient, factor);
      } catch (const rondo::error& thrown) {
        refused = thrown.code() == rondo::error_code::invalid_argument;
      }
      expect(refused && gradient[0] == 2, "refused");
    }
  });
}

TEST_CASE("token_mean: tokens that 64 bits do not count are refused on every rank alike") {
  constexpr auto most = (std::numeric_limits<std::uint64_t>::max)();
  rondo::threads::run(3, [&](auto& comm) {
    const std::uint64_t padding = 3;
    int culprit = -1;
    try {
      static_cast<void>(rondo::data::per_token(comm, comm.rank() == 1 ? 2 - padding : 7));
    } catch (const rondo::error& refused) {
      culprit = refused.rank();
    }
    expect(culprit == 1, "every rank names the one with less than none");
  });
  for (const int ranks : {1, 2, 5}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto refused = [&](std::uint64_t tokens) {
        return !refusals::argument_refusal([&] {
                  return rondo::data::per_token(comm, tokens);
                }).empty();
      };
      const std::uint64_t padding = 3;
      expect(refused(comm.rank() == 0 ? 2 - padding : 7), "a rank with less than none");
      expect(refused(ranks == 1 ? most : most / static_cast<std::uint64_t>(ranks) + 1),
             "a sum that comes round");
      expect(!refused(most / static_cast<std::uint64_t>(ranks) - 1), "as many as there can be");
    });
  }
}
