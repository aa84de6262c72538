// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// The tests of attention and experts see every mistake that is planted in their collectives.
#include "catch.hpp"
#include "tensor/attention_case.hpp"
#include "tensor/experts_case.hpp"
#include "tensor/mutation.hpp"

#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>

#include <cstddef>

using namespace mutation;
using rondo::cut;

namespace {

constexpr attention::loops kernels;
constexpr std::size_t tokens = 12;
constexpr rondo::attention_heads heads{4, 1, 2};  // one key/value head, so that ranks share it
constexpr auto causal = rondo::visibility::causal;

/// `make(team)` makes the attention, which plans so many collectives forward and backward.
template <int Dimension, class Make>
void check_attention(int ranks, const cut& queries, const cut& keys, bool whole_lse,
                     std::size_t forward, std::size_t backward, const Make& make) {
  const auto given = attention::drawn(tokens, heads, 5);
  const auto right = attention::oracle(given, tokens, heads, causal);
  const std::size_t collectives = 2 * forward + backward;  // a forward pass of another micro-batch
  check(collectives, {forward, forward}, [&](mistake what, int which) {
    auto got = attention_case::blank(given);
    return with_mistake(
        ranks, what, which, collectives,
        [&](auto& comm, auto& wrong) {
          attention_case::run_on<Dimension>(
              wrong, comm, {given, tokens, heads, queries, keys, whole_lse}, make, 1, got);
        },
        [&] { return attention_case::near(got, right); });
  });
}

}  // namespace

TEST_CASE("mutation: attention over a ring") {
  for (const int ranks : {2, 3}) {
    const cut by = cut::even(tokens, ranks);  // even: nothing but values can tell
    const auto hops = static_cast<std::size_t>(ranks - 1);
    check_attention<0>(ranks, by, by, false, hops, 2 * hops + 1, [&](auto team) {
      return rondo::ring_attention{team, by, heads, kernels, causal};
    });
  }
}

TEST_CASE("mutation: attention with gathered keys") {
  const cut by = cut::even(tokens, 2, 2);
  check_attention<0>(2, by, by, false, 1, 2, [&](auto team) {
    return rondo::gathered_attention{team, by, heads, kernels, causal};
  });
  check_attention<0>(2, by, by, false, 1, 2, [&](auto team) {
    return rondo::gathered_attention{team, by, heads, kernels, causal, rondo::exact{.tokens = 2}};
  });
}

TEST_CASE("mutation: attention with tokens exchanged for heads") {
  const cut by = cut::even(tokens, 2);
  for (const bool exactly : {false, true}) {
    const auto with = [&](auto order) {
      check_attention<0>(2, by, by, true, 4, 5 + 1 + 3, [&](auto team) {
        return rondo::exchanged_attention{team, by, heads, kernels, causal, order};
      });
    };
    exactly ? with(rondo::exact{}) : with(rondo::any_order{});
  }
}

TEST_CASE("mutation: attention whose ranks share a key/value head") {
  const rondo::head_split split{heads, 2};
  check_attention<1>(2, split.query_columns(), split.key_value_columns(), false, 0, 1,
                     [](auto team) {
                       return rondo::head_attention{team, heads, kernels, causal};
                     });
}

TEST_CASE("mutation: experts") {
  const auto given = experts_case::drawn(tokens, 3, 4, 2);
  for (const std::size_t capacity : {std::size_t{0}, std::size_t{5}}) {
    const auto right = experts_case::oracle(given, capacity);
    for (const int ranks : {2, 3}) {
      INFO(ranks << " ranks, capacity " << capacity);
      const cut by = cut::even(tokens, ranks);
      check(1 + 4, {}, [&](mistake what, int which) {
        auto got = experts_case::blank(given);
        return with_mistake(
            ranks, what, which, 1 + 4,
            [&](auto&, auto& wrong) {
              static_cast<void>(experts_case::run_on(wrong, given, capacity, by, 1, got));
            },
            [&] { return experts_case::near(got, right); });
      });
    }
  }
}
