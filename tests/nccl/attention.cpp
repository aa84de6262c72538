// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "device_layers.hpp"

#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/testing/recording.hpp>

#include "catch.hpp"
#include "tensor/attention_case.hpp"
#include "tensor/expect_planned.hpp"

#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

// Attention on ranks whose memory is the device's; NCCL, the GPU and rondo's kernels are played by
// the host.
namespace {

using namespace device_layers;
using attention_case::part_of;
using attention_case::put_back;
using rondo::attention_heads;
using rondo::cut;
using rondo::visibility;

/// The plain loops as kernels on a stream.
struct kernels_on {
  cudaStream_t stream;

  void forward(attention_heads heads, rondo::attention_block block,
               const rondo::attention_forward<float>& given) const {
    rondo::attention_forward<float> here = given;
    auto& [q, k, v, out, lse] = here;
    use(q, k, v, out, lse);
    attention::loops{}.forward(heads, block, here);
  }
  void backward(attention_heads heads, rondo::attention_block block,
                const rondo::attention_backward<float>& given) const {
    rondo::attention_backward<float> here = given;
    auto& [q, k, v, d_out, lse, delta, d_q, d_k, d_v] = here;
    use(q, k, v, d_out, lse, delta, d_q, d_k, d_v);
    attention::loops{}.backward(heads, block, here);
  }

 private:
  void use(auto&... matrices) const { ((matrices = used(stream, matrices)), ...); }
};

/// A rank's part of a sequence on its device, for one attention.
template <int Dimension>
struct on_device {
  const attention_case::split_sequence& of;
  int rank;
  std::size_t a = of.heads.query_columns(), g = of.heads.key_value_columns();
  device_matrix q, k, v, d_o, o, d_q, d_k, d_v, lse;

  on_device(const attention_case::split_sequence& given, const cut& heads, int r,
            cudaStream_t stream)
      : of{given},
        rank{r},
        q{part(of.given.query, a, of.queries), stream, 2},
        k{part(of.given.key, g, of.keys), stream},
        v{part(of.given.value, g, of.keys), stream, 3},
        d_o{part(of.given.d_out, a, of.queries), stream},
        o{part(of.given.query, a, of.queries), stream, 1},
        d_q{part(of.given.query, a, of.queries), stream},
        d_k{part(of.given.key, g, of.keys), stream, 2},
        d_v{part(of.given.key, g, of.keys), stream},
        lse{owned<float>(of.whole_lse || Dimension == 1 ? of.tokens : of.queries.width(r),
                         of.whole_lse || Dimension == 1 ? heads.width(r) : of.heads.query),
            stream} {}

  [[nodiscard]] owned<float> part(const std::vector<float>& whole, std::size_t columns,
                                  const cut& by) const {
    owned<float> made(Dimension == 0 ? by.width(rank) : of.tokens,
                      Dimension == 0 ? columns : by.width(rank));
    made.memory = part_of(whole, columns, by, Dimension, rank);
    return made;
  }
  [[nodiscard]] auto placed(device_matrix& at, const cut& by) const {
    return attention_case::shard<Dimension, float>{at.view(), by};
  }
  template <class Attention>
  void both_passes(Attention& attend) {
    attend.forward(placed(q, of.queries), placed(k, of.keys), placed(v, of.keys),
                   placed(o, of.queries), lse.view());
    attend.backward(placed(q, of.queries), placed(k, of.keys), placed(v, of.keys),
                    placed(o, of.queries), lse.view(), placed(d_o, of.queries),
                    placed(d_q, of.queries), placed(d_k, of.keys), placed(d_v, of.keys));
  }
  void put_into(attention::sequence<float>& to) {
    put_back(o.fetched().memory, to.out, a, of.queries, Dimension, rank);
    put_back(d_q.fetched().memory, to.d_query, a, of.queries, Dimension, rank);
    put_back(d_k.fetched().memory, to.d_key, g, of.keys, Dimension, rank);
    put_back(d_v.fetched().memory, to.d_value, g, of.keys, Dimension, rank);
  }
};

struct shape {
  std::size_t tokens;
  attention_heads heads;
};

/// Both passes on `ranks` ranks, twice, against double precision. `make(team, kernels)` makes the
/// attention.
template <int Dimension, class Make>
void check_values(const shape& each, visibility seen, int ranks, const cut& queries,
                  const cut& keys, bool whole_lse, const Make& make) {
  const auto given = attention::drawn(each.tokens, each.heads, 5);
  const attention_case::split_sequence of{given, each.tokens, each.heads, queries, keys, whole_lse};
  auto got = attention_case::blank(given);
  const cut heads = rondo::head_split{each.heads, ranks}.query();
  CHECK(on_ranks(ranks, [&](auto& both, cudaStream_t stream, auto& control) {
          const auto team = rondo::along<"context">(both);
          on_device<Dimension> mine{of, heads, both.rank(), stream};
          auto attend = make(team, kernels_on{stream});
          mine.both_passes(attend);
          mine.both_passes(attend);
          for (int turn = 0; turn < ranks; ++turn) {
            rondo::barrier(control);
            if (turn == both.rank()) {
              mine.put_into(got);
            }
          }
          require(nccl_on_threads::unordered_uses() == 0, "uses that no event orders");
        }) == "");
  CHECK(attention_case::near(got, attention::oracle(given, each.tokens, each.heads, seen)));
}

const std::vector<shape> shapes{{19, {4, 4, 4}}, {16, {6, 2, 3}}, {5, {4, 1, 2}}, {3, {2, 2, 1}}};

}  // namespace

TEST_CASE("attention over NCCL: every way to split a sequence gives what one rank gives") {
  for (const auto seen : {visibility::causal, visibility::all}) {
    for (const shape& each : shapes) {
      for (const int ranks : {1, 2, 3, 4}) {
        INFO(each.tokens << " tokens, " << each.heads.query << "/" << each.heads.key_value
                         << " heads, " << ranks << " ranks");
        for (const cut& by : {rondo::zigzag(each.tokens, ranks), cut::even(each.tokens, ranks)}) {
          check_values<0>(each, seen, ranks, by, by, false, [&](auto team, auto kernels) {
            return rondo::ring_attention{team, by, each.heads, kernels, seen};
          });
          check_values<0>(each, seen, ranks, by, by, false, [&](auto team, auto kernels) {
            return rondo::gathered_attention{team, by, each.heads, kernels, seen};
          });
          check_values<0>(each, seen, ranks, by, by, true, [&](auto team, auto kernels) {
            return rondo::exchanged_attention{team, by, each.heads, kernels, seen};
          });
        }
        const cut leaves = rondo::zigzag(each.tokens, ranks, 2);
        check_values<0>(each, seen, ranks, leaves, leaves, false, [&](auto team, auto kernels) {
          return rondo::gathered_attention{team,    leaves, each.heads,
                                           kernels, seen,   rondo::exact{.tokens = 2}};
        });
      }
    }
  }
  CHECK(nccl_on_threads::blocks() == 0);
}

TEST_CASE("attention over NCCL: heads split over ranks that share some, in exact order too") {
  const std::vector<attention_heads> ratios{{4, 4, 2}, {8, 2, 3}, {6, 3, 2}, {7, 1, 2}, {28, 7, 1}};
  for (const auto& heads : ratios) {
    for (const int ranks : {1, 2, 3, 4}) {
      INFO(heads.query << "/" << heads.key_value << " heads, " << ranks << " ranks");
      const rondo::head_split split{heads, ranks};
      const auto check = [&](auto order) {
        check_values<1>(
            {9, heads}, visibility::causal, ranks, split.query_columns(), split.key_value_columns(),
            false, [&](auto team, auto kernels) {
              return rondo::head_attention{team, heads, kernels, visibility::causal, order};
            });
      };
      check(rondo::any_order{});
      check(rondo::exact{});
    }
  }
}

namespace {

constexpr shape small{12, {4, 2, 3}};

/// `act(name, dimension, cut of queries, cut of keys, lse is of own heads, make)` for all of them.
template <class Act>
void for_each_attention(int ranks, const Act& act) {
  using tokens_apart = std::integral_constant<int, 0>;
  using heads_apart = std::integral_constant<int, 1>;
  const cut by = rondo::zigzag(small.tokens, ranks);
  const rondo::head_split split{small.heads, ranks};
  act("ring", tokens_apart{}, by, by, false, [&](auto team, auto kernels) {
    return rondo::ring_attention{team, by, small.heads, kernels};
  });
  act("gathered", tokens_apart{}, by, by, false, [&](auto team, auto kernels) {
    return rondo::gathered_attention{team, by, small.heads, kernels};
  });
  act("exchanged", tokens_apart{}, by, by, true, [&](auto team, auto kernels) {
    return rondo::exchanged_attention{team, by, small.heads, kernels};
  });
  act("heads", heads_apart{}, split.query_columns(), split.key_value_columns(), true,
      [&](auto team, auto kernels) {
        return rondo::head_attention{team, small.heads, kernels};
      });
}

}  // namespace

TEST_CASE("attention over NCCL: what ran is what was planned") {
  const auto given = attention::drawn(small.tokens, small.heads, 5);
  for (const int ranks : {1, 2, 3, 4}) {
    for_each_attention(ranks, [&](const char* name, auto dimension, const cut& queries,
                                  const cut& keys, bool whole_lse, const auto& make) {
      INFO(name << ", " << ranks << " ranks");
      const attention_case::split_sequence of{given,   small.tokens, small.heads,
                                              queries, keys,         whole_lse};
      const cut heads = rondo::head_split{small.heads, ranks}.query();
      CHECK(on_ranks(ranks, [&](auto& both, cudaStream_t stream, auto& control) {
              rondo::testing::recording seen{both};
              const auto team = rondo::along<"context">(seen);
              on_device<decltype(dimension)::value> mine{of, heads, both.rank(), stream};
              auto attend = make(team, kernels_on{stream});
              mine.both_passes(attend);
              if constexpr (decltype(dimension)::value == 0) {
                expect_planned(control, seen.made(), attend.template planned<float>(), "context");
              } else {
                expect_planned(control, seen.made(), attend.template planned<float>(small.tokens),
                               "context");
              }
            }) == "");
    });
  }
}

TEST_CASE("attention over NCCL: the second pass makes no memory, and may be captured") {
  const auto given = attention::drawn(small.tokens, small.heads, 5);
  for_each_attention(3, [&](const char* name, auto dimension, const cut& queries, const cut& keys,
                            bool whole_lse, const auto& make) {
    INFO(name);
    const attention_case::split_sequence of{given,   small.tokens, small.heads,
                                            queries, keys,         whole_lse};
    const cut heads = rondo::head_split{small.heads, 3}.query();
    CHECK(on_ranks(3, [&](auto& both, cudaStream_t stream, auto& control) {
            on_device<decltype(dimension)::value> mine{of, heads, both.rank(), stream};
            auto attend = make(rondo::along<"context">(both), kernels_on{stream});
            second_makes_nothing(control, [&] { mine.both_passes(attend); });
          }) == "");
  });
}

TEST_CASE("attention over NCCL: every wait of one stream for the other is there") {
  const auto given = attention::drawn(small.tokens, small.heads, 5);
  constexpr int ranks = 3;
  for_each_attention(ranks, [&](const char* name, auto dimension, const cut& queries,
                                const cut& keys, bool whole_lse, const auto& make) {
    INFO(name);
    const attention_case::split_sequence of{given,   small.tokens, small.heads,
                                            queries, keys,         whole_lse};
    const cut heads = rondo::head_split{small.heads, ranks}.query();
    // Hops of values, values again, gradients. Backward, values and gradients hop in turn: the wait
    // for values that have come (5 and 9) stands before that for gradients behind them; values
    // leave again (8) when nothing is new.
    const bool ring = std::string{name} == "ring";
    check_waits(
        ranks, ring ? 2 * (2 + 2 + 3) : 0,
        [&](auto& both, cudaStream_t stream) {
          on_device<decltype(dimension)::value> mine{of, heads, both.rank(), stream};
          auto attend = make(rondo::along<"context">(both), kernels_on{stream});
          mine.both_passes(attend);
          auto nowhere = attention_case::blank(given);
          mine.put_into(nowhere);
        },
        [](int wait) { return wait == 5 || wait == 8 || wait == 9; });
  });
}

TEST_CASE("attention over NCCL: the next keys are on their way while a kernel runs") {
  const auto given = attention::drawn(small.tokens, small.heads, 5);
  const cut by = rondo::zigzag(small.tokens, 2);
  const attention_case::split_sequence of{given, small.tokens, small.heads, by, by};
  CHECK(on_ranks(2, [&](auto& both, cudaStream_t stream, auto&) {
          on_device<0> mine{of, cut::even(4, 2), both.rank(), stream};
          struct watching : kernels_on {
            int* waits;
            void forward(attention_heads heads, rondo::attention_block block,
                         const rondo::attention_forward<float>& given) const {
              *waits = *waits < 0 ? nccl_on_threads::waits() : *waits;
              kernels_on::forward(heads, block, given);
            }
          };
          int at_first = -1;
          rondo::ring_attention attend{rondo::along<"context">(both), by, small.heads,
                                       watching{{stream}, &at_first}};
          const int before = nccl_on_threads::waits();
          attend.forward(mine.placed(mine.q, by), mine.placed(mine.k, by), mine.placed(mine.v, by),
                         mine.placed(mine.o, by), mine.lse.view());
          require(at_first == before + 1, "they have begun, and are not waited for");
          require(nccl_on_threads::waits() == before + 2, "they are waited for behind it");
        }) == "");
}
