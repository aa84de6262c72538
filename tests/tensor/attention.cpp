// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "tensor/attention_case.hpp"

#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cstddef>
#include <cstring>
#include <iterator>
#include <string>
#include <vector>

using namespace attention_case;

namespace {

using rondo::visibility;

/// Both passes on `ranks` thread ranks, twice: the second finds the memory of the first.
template <int Dimension, class Make>
attention::sequence<float> run(const attention::sequence<float>& given, std::size_t tokens,
                               attention_heads heads, int ranks, const cut& queries,
                               const cut& keys, bool whole_lse, const Make& make) {
  auto made = blank(given);
  rondo::threads::run(ranks, [&](auto& comm) {
    run_on<Dimension>(comm, comm, {given, tokens, heads, queries, keys, whole_lse}, make, 2, made);
  });
  return made;
}

void check_values(const attention::sequence<float>& got, const attention::sequence<double>& right) {
  CHECK(near(got, right));
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

void check_bits(const attention::sequence<float>& got, const attention::sequence<float>& one) {
  CHECK(same_bits(got.out, one.out));
  CHECK(same_bits(got.d_query, one.d_query));
  CHECK(same_bits(got.d_key, one.d_key));
  CHECK(same_bits(got.d_value, one.d_value));
}

constexpr attention::loops kernels;
constexpr rondo::detail::host_memory host;

struct shape {
  std::size_t tokens;
  attention_heads heads;
};
const std::vector<shape> shapes{{19, {4, 4, 4}}, {16, {6, 2, 3}}, {5, {4, 1, 2}}, {3, {2, 2, 1}}};
const std::vector<int> rank_counts{1, 2, 3, 5, 8};

}  // namespace

TEST_CASE("attention: results of blocks merge by their log-sum-exp") {
  std::vector<double> out{3}, lse{1}, other{5}, other_lse{2};
  const auto one = [](std::vector<double>& of) { return matrix<double>{of.data(), 1, 1}; };
  rondo::detail::merge_attention(host, 1, one(out), one(lse), one(other), one(other_lse));
  CHECK(lse[0] == Approx(2.3132616875182226).epsilon(1e-15));
  CHECK(out[0] == Approx(4.46211715726001).epsilon(1e-14));
  const double nothing = -std::numeric_limits<double>::infinity();
  auto unseen = std::vector<double>{0}, no_lse = std::vector<double>{nothing};
  const double before = out[0];
  rondo::detail::merge_attention(host, 1, one(out), one(lse), one(unseen), one(no_lse));
  CHECK(out[0] == before);  // what has seen no key changes nothing
  auto empty = unseen, empty_lse = no_lse;
  rondo::detail::merge_attention(host, 1, one(empty), one(empty_lse), one(unseen), one(no_lse));
  CHECK(empty[0] == 0);
  CHECK(empty_lse[0] == nothing);
  rondo::detail::merge_attention(host, 1, one(empty), one(empty_lse), one(out), one(lse));
  CHECK(empty[0] == out[0]);
  CHECK(empty_lse[0] == lse[0]);
}

TEST_CASE("attention: zigzag order gives every rank the same work") {
  // ring-flash-attention, README: in units of half a chunk squared, with half of the diagonal.
  const auto work = [](const cut& tokens, int rank) {
    const std::size_t half = tokens.extent() / 8;
    const double diagonal = static_cast<double>(tokens.width(rank)) / 2;
    return (static_cast<double>(rondo::attention_work(tokens, rank, visibility::causal)) -
            diagonal) /
           static_cast<double>(half * half);
  };
  const cut plain = cut::even(64, 4);
  const cut fair = rondo::zigzag(64, 4);
  for (int rank = 0; rank < 4; ++rank) {
    CHECK(work(plain, rank) == 2 + 4 * rank);
    CHECK(work(fair, rank) == 8);
  }
  CHECK(rondo::zigzag(7, 3).widths() == std::vector<std::size_t>{3, 2, 2});
  CHECK(rondo::zigzag(0, 3).widths() == std::vector<std::size_t>{0, 0, 0});
  CHECK(rondo::zigzag(20, 2, 8).widths() == std::vector<std::size_t>{8, 12});
}

TEST_CASE("attention: every way to split a sequence gives what one rank gives") {
  for (const auto seen : {visibility::causal, visibility::all}) {
    for (const shape& each : shapes) {
      const std::size_t tokens = each.tokens;
      const attention_heads heads = each.heads;
      const auto given = attention::drawn(tokens, heads, 5);
      const auto right = attention::oracle(given, tokens, heads, seen);
      for (const int ranks : rank_counts) {
        INFO(tokens << " tokens, " << heads.query << "/" << heads.key_value << " heads, " << ranks
                    << " ranks");
        for (const cut& by : {rondo::zigzag(tokens, ranks), cut::even(tokens, ranks)}) {
          check_values(run<0>(given, tokens, heads, ranks, by, by, false,
                              [&](auto team) {
                                return rondo::ring_attention{team, by, heads, kernels, seen};
                              }),
                       right);
        }
        const cut by = rondo::zigzag(tokens, ranks);
        check_values(run<0>(given, tokens, heads, ranks, by, by, false,
                            [&](auto team) {
                              return rondo::gathered_attention{team, by, heads, kernels, seen};
                            }),
                     right);
        check_values(run<0>(given, tokens, heads, ranks, by, by, true,
                            [&](auto team) {
                              return rondo::exchanged_attention{team, by, heads, kernels, seen};
                            }),
                     right);
      }
    }
  }
}

TEST_CASE("attention: ranks and key/value heads of published splits") {
  // Megatron-LM: with more ranks than key/value heads, rank i reads head floor(i g / n).
  for (const int ranks : {4, 8}) {
    const rondo::head_split split{{8, 2, 1}, ranks};
    for (int rank = 0; rank < ranks; ++rank) {
      const auto held = split.key_value().runs(rank);
      REQUIRE(held.size() == 1);
      CHECK(held[0] == rondo::part{static_cast<std::size_t>(rank * 2 / ranks), 1});
    }
  }
  // vllm-omni issue 5716 pads 28 query and 7 key/value heads for two ranks; here the middle one is
  // on both.
  const rondo::head_split split{{28, 7, 1}, 2};
  CHECK(split.query().widths() == std::vector<std::size_t>{14, 14});
  CHECK(split.key_value().runs(0)[0] == rondo::part{0, 4});
  CHECK(split.key_value().runs(1)[0] == rondo::part{3, 4});
}

TEST_CASE("attention: heads split over any number of ranks, for any ratio of heads") {
  const std::vector<attention_heads> ratios{{4, 4, 2},  {8, 2, 3}, {6, 3, 2}, {7, 1, 2},
                                            {12, 4, 1}, {1, 1, 4}, {28, 7, 1}};
  for (const auto& heads : ratios) {
    const auto given = attention::drawn(9, heads, 11);
    const auto right = attention::oracle(given, 9, heads, visibility::causal);
    const auto with = [&](int ranks, auto order) {
      const rondo::head_split split{heads, ranks};
      return run<1>(given, 9, heads, ranks, split.query_columns(), split.key_value_columns(), false,
                    [&](auto team) {
                      return rondo::head_attention{team, heads, kernels, visibility::causal, order};
                    });
    };
    const auto one = with(1, rondo::exact{});
    for (const int ranks : {1, 2, 3, 4, 5, 8}) {
      INFO(heads.query << "/" << heads.key_value << " heads, " << ranks << " ranks");
      check_values(with(ranks, rondo::any_order{}), right);
      check_bits(with(ranks, rondo::exact{}), one);
    }
  }
}

TEST_CASE("attention: heads are padded in whole groups, to what all ranks hold alike") {
  const auto padded = [](std::size_t query, std::size_t key_value, int ranks) {
    return rondo::padded_heads({query, key_value, 8}, ranks);
  };
  CHECK(padded(28, 7, 2) == attention_heads{32, 8, 8});  // vllm-omni issue 5716: not 28 over 8
  CHECK(padded(28, 7, 1) == attention_heads{28, 7, 8});
  CHECK(padded(28, 7, 4) == attention_heads{32, 8, 8});
  CHECK(padded(32, 4, 8) == attention_heads{32, 4, 8});  // each is on two ranks
  CHECK(padded(6, 2, 4) == attention_heads{12, 4, 8});   // three over two ranks are not alike
  CHECK(padded(5, 1, 3) == attention_heads{15, 3, 8});
  CHECK_THROWS_WITH(padded(28, 7, 0), Catch::Matchers::ContainsSubstring("for 0 ranks"));
  CHECK_THROWS_WITH(padded(28, 8, 2), Catch::Matchers::ContainsSubstring("as do 32 over 8"));
  for (std::size_t group = 1; group <= 6; ++group) {
    for (std::size_t key_value = 1; key_value <= 9; ++key_value) {
      for (int ranks = 1; ranks <= 9; ++ranks) {
        INFO(group * key_value << "/" << key_value << " heads, " << ranks << " ranks");
        const auto heads = padded(group * key_value, key_value, ranks);
        // By counting: what each rank's query heads read, of these and of all that are fewer.
        const auto alike = [&](std::size_t held) {
          const auto n = static_cast<std::size_t>(ranks);
          bool same = held * group % n == 0;
          for (std::size_t r = 0; same && r < n; ++r) {
            const std::size_t own = held * group / n;
            const std::size_t reads = (r * own + own - 1) / group - r * own / group + 1;
            same = own >= group ? r * own % group == 0 && own % group == 0 : reads == 1;
          }
          return same;
        };
        CHECK(heads.group() == group);
        CHECK(alike(heads.key_value));
        for (std::size_t fewer = key_value; fewer < heads.key_value; ++fewer) {
          CHECK_FALSE(alike(fewer));
        }
      }
    }
  }
}

TEST_CASE("attention: padding heads of zeros give zeros, and the others keep their bits") {
  const std::size_t tokens = 9;
  for (const attention_heads heads : {attention_heads{6, 3, 2}, {28, 7, 1}, {3, 1, 4}}) {
    const auto given = attention::drawn(tokens, heads, 29);
    for (const int ranks : {2, 3, 4}) {
      INFO(heads.query << "/" << heads.key_value << " heads, " << ranks << " ranks");
      const attention_heads padded = rondo::padded_heads(heads, ranks);
      const std::size_t a = heads.query_columns(), g = heads.key_value_columns();
      const std::size_t more_a = padded.query_columns(), more_g = padded.key_value_columns();
      const auto widened = [&](const std::vector<float>& of, std::size_t from, std::size_t to) {
        std::vector<float> all(tokens * to);
        for (std::size_t i = 0; i < of.size(); ++i) {
          all[i / from * to + i % from] = of[i];
        }
        return all;
      };
      attention::sequence<float> wide;
      wide.query = widened(given.query, a, more_a);
      wide.key = widened(given.key, g, more_g);
      wide.value = widened(given.value, g, more_g);
      wide.d_out = widened(given.d_out, a, more_a);
      const cut by = cut::even(tokens, ranks);
      const auto exchanged = [&](const attention::sequence<float>& of, attention_heads with) {
        return run<0>(of, tokens, with, ranks, by, by, true, [&](auto team) {
          return rondo::exchanged_attention{team,          by, with, kernels, visibility::causal,
                                            rondo::exact{}};
        });
      };
      const auto split = [&](const attention::sequence<float>& of, attention_heads with) {
        const rondo::head_split held{with, ranks};
        return run<1>(
            of, tokens, with, ranks, held.query_columns(), held.key_value_columns(), false,
            [&](auto team) {
              return rondo::head_attention{team, with, kernels, visibility::causal, rondo::exact{}};
            });
      };
      const auto check_padded = [&](const attention::sequence<float>& got,
                                    const attention::sequence<float>& right) {
        CHECK(same_bits(got.out, widened(right.out, a, more_a)));
        CHECK(same_bits(got.d_query, widened(right.d_query, a, more_a)));
        CHECK(same_bits(got.d_key, widened(right.d_key, g, more_g)));
        CHECK(same_bits(got.d_value, widened(right.d_value, g, more_g)));
      };
      check_padded(exchanged(wide, padded), exchanged(given, heads));
      check_padded(split(wide, padded), split(given, heads));
    }
  }
}

TEST_CASE("attention: in exact order any number of ranks gives the bits of one") {
  const rondo::exact order{.tokens = 4};
  for (const shape& each : shapes) {
    const std::size_t tokens = each.tokens;
    const attention_heads heads = each.heads;
    const auto given = attention::drawn(tokens, heads, 17);
    const auto with = [&](int ranks) {
      const cut by = rondo::zigzag(tokens, ranks, order.tokens);
      return run<0>(given, tokens, heads, ranks, by, by, false, [&](auto team) {
        return rondo::gathered_attention{team, by, heads, kernels, visibility::causal, order};
      });
    };
    const auto exchanged = [&](int ranks) {
      const cut by = cut::even(tokens, ranks);
      return run<0>(given, tokens, heads, ranks, by, by, true, [&](auto team) {
        return rondo::exchanged_attention{team, by, heads, kernels, visibility::causal, order};
      });
    };
    const auto one = with(1);
    const auto one_exchanged = exchanged(1);
    check_values(one, attention::oracle(given, tokens, heads, visibility::causal));
    for (const int ranks : {2, 3, 4, 5, 6, 7, 8}) {
      INFO(tokens << " tokens, " << ranks << " ranks");
      check_bits(with(ranks), one);
      check_bits(exchanged(ranks), one_exchanged);
    }
  }
}

TEST_CASE("attention: values that do not fit are refused by name") {
  CHECK_THROWS_WITH((rondo::head_split{{3, 2, 8}, 2}),
                    Catch::Matchers::ContainsSubstring("3 query heads over 2 key/value heads"));
  std::string said;
  rondo::threads::run(2, [&](auto& comm) {
    const auto team = rondo::along<"context">(comm);
    const cut by = cut::even(6, 2);
    const cut other = cut::even(5, 2);
    rondo::ring_attention ring{team, by, attention_heads{1, 1, 2}, kernels};
    std::vector<float> values(12), logs(3);
    const shard<0, float> fits{{values.data(), 3, 2}, by};
    const shard<0, float> wrong{{values.data(), 3, 2}, other};
    try {
      ring.forward(fits, wrong, fits, fits, matrix<float>{logs.data(), 3, 1});
    } catch (const rondo::error& refused) {
      if (comm.rank() == 0) {
        said = refused.what();
      }
    }
  });
  CHECK(said.find("ring_attention: key: cut otherwise") != std::string::npos);
}

TEST_CASE("attention: each value of another shape is refused by its own name") {
  const char* names[] = {"query", "key",     "value", "out",    "lse",
                         "d_out", "d_query", "d_key", "d_value"};
  for (std::size_t wrong = 0; wrong < std::size(names); ++wrong) {
    CAPTURE(names[wrong]);
    std::string said;
    rondo::threads::run(2, [&](auto& comm) {
      const cut by = cut::even(6, 2);
      rondo::ring_attention ring{rondo::along<"context">(comm), by, attention_heads{1, 1, 2},
                                 kernels};
      std::vector<float> numbers(9);
      const auto shaped = [&](std::size_t which) {
        return shard<0, float>{{numbers.data(), 3, which == wrong ? 3u : 2u}, by};
      };
      const matrix<float> lse{numbers.data(), 3, wrong == 4 ? 2u : 1u};
      try {
        if (wrong < 5) {
          ring.forward(shaped(0), shaped(1), shaped(2), shaped(3), lse);
        } else {
          ring.backward(shaped(0), shaped(1), shaped(2), shaped(3), lse, shaped(5), shaped(6),
                        shaped(7), shaped(8));
        }
      } catch (const rondo::error& refused) {
        if (comm.rank() == 0) {
          said = refused.what();
        }
      }
    });
    CHECK_THAT(said, Catch::Matchers::ContainsSubstring(
                         "ring_attention: " + std::string{names[wrong]} + ": "));
  }
}

TEST_CASE("attention: tokens that are cut over other ranks are refused") {
  const auto make = [](const cut& tokens) {
    rondo::threads::run(2, [&](auto& comm) {
      rondo::ring_attention{rondo::along<"context">(comm), tokens, attention_heads{1, 1, 2},
                            kernels};
    });
  };
  CHECK_NOTHROW(make(cut::even(6, 2)));
  CHECK_THROWS_WITH(make(cut::even(6, 3)),
                    Catch::Matchers::ContainsSubstring("tokens cut over 3 ranks on an axis of 2"));
  CHECK_THROWS_WITH(make(cut{6, {{{0, 4}}, {{3, 3}}}}),
                    Catch::Matchers::ContainsSubstring("ranks hold the same indices"));
}
