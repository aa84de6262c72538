// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/data/model_states.hpp>

#include <array>

using namespace rondo::data;

namespace {
constexpr std::array cut{sharded::optimizer, sharded::gradients, sharded::parameters};
constexpr double giga = 1e9;
}  // namespace

TEST_CASE("model states: ZeRO's figure 1 and table 1") {
  // Rajbhandari et al. 2020. Figure 1: 7.5B parameters, 64 ranks, gigabytes of 1e9.
  CHECK(bytes_held(7.5e9, 64, sharded::nothing) == 120 * giga);
  CHECK(bytes_held(7.5e9, 64, sharded::optimizer) == 31.40625 * giga);
  CHECK(bytes_held(7.5e9, 64, sharded::gradients) == 16.640625 * giga);
  CHECK(bytes_held(7.5e9, 64, sharded::parameters) == 1.875 * giga);
  // Table 1 as printed: large values are truncated, small ones rounded to what is shown.
  struct row {
    double parameters;
    int ranks;
    std::array<double, 3> printed;
    double within;
  };
  for (const row& of :
       {row{7.5e9, 1, {120, 120, 120}, 1e-9}, row{7.5e9, 4, {52.5, 41.3, 30}, 0.051},
        row{7.5e9, 64, {31.4, 16.6, 1.88}, 0.051}, row{128e9, 1, {2048, 2048, 2048}, 1e-9},
        row{128e9, 4, {896, 704, 512}, 1e-9}, row{128e9, 64, {536, 284, 32}, 1e-9},
        row{1e12, 1, {16000, 16000, 16000}, 1e-9}, row{1e12, 4, {7000, 5500, 4000}, 1e-9},
        row{1e12, 64, {4187, 2218, 250}, 0.76}}) {
    for (std::size_t stage = 0; stage < 3; ++stage) {
      INFO(of.parameters << " on " << of.ranks << ", stage " << stage + 1);
      CHECK(bytes_held(of.parameters, of.ranks, cut[stage]) / giga ==
            Approx(of.printed[stage]).margin(of.within).epsilon(0));
    }
  }
  // Table 2, one model-parallel rank of 32 GB, 64 data-parallel ones: billions of parameters.
  CHECK(parameters_that_fit(32 * giga, 64, sharded::nothing) == 2 * giga);
  CHECK(parameters_that_fit(32 * giga, 64, sharded::optimizer) / giga == Approx(7.6).margin(0.05));
  CHECK(parameters_that_fit(32 * giga, 64, sharded::gradients) / giga == Approx(14.4).margin(0.05));
  CHECK(parameters_that_fit(32 * giga, 64, sharded::parameters) == 128 * giga);
}

TEST_CASE("model states: Megatron-LM's bytes a parameter") {
  // docs/user-guide/features/dist_optimizer.md: without and with the distributed optimizer.
  constexpr state_bytes fp16{2, 2, 16}, bf16{2, 4, 12}, fp32{4, 4, 8};
  for (const int d : {1, 2, 8, 64}) {
    CHECK(fp16.of_rank(d, sharded::nothing) == 20);
    CHECK(fp16.of_rank(d, sharded::optimizer) == 4 + 16.0 / d);
    CHECK(bf16.of_rank(d, sharded::nothing) == 18);
    CHECK(bf16.of_rank(d, sharded::optimizer) == 6 + 12.0 / d);
    CHECK(fp32.of_rank(d, sharded::nothing) == 16);
    CHECK(fp32.of_rank(d, sharded::optimizer) == 8 + 8.0 / d);
  }
}

TEST_CASE("model states: 2P elements are sent, and 3P where parameters are sharded") {
  // ZeRO, section 7; (d-1)/d of them leave the rank.
  for (const int d : {1, 2, 3, 64}) {
    const double share = (d - 1) / static_cast<double>(d);
    CHECK(elements_sent(1e6, d, sharded::nothing) == Approx(2e6 * share));
    CHECK(elements_sent(1e6, d, sharded::optimizer) == Approx(2e6 * share));
    CHECK(elements_sent(1e6, d, sharded::gradients) == Approx(2e6 * share));
    CHECK(elements_sent(1e6, d, sharded::parameters) == Approx(3e6 * share));
  }
}
