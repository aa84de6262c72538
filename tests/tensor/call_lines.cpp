// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "tensor/attention.hpp"
#include "tensor/both_passes.hpp"
#include "tensor/experts_case.hpp"
#include "tensor/shardings.hpp"
#include "threads/outcomes.hpp"

#include <rondo/core/call.hpp>
#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/reshard/reshard.hpp>
#include <rondo/testing/forwarding.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What users call makes collectives of its own; errors name the user's line, not rondo's.
namespace {

using rondo::cut;

constexpr rondo::attention_heads heads{6, 2, 3};
constexpr std::size_t tokens = 16;
constexpr attention::loops kernels;

/// A communicator that counts the collectives made through it, and those whose line is not in the
/// file that is expected.
template <class Comm>
class watched : public rondo::testing::forwarding<Comm> {
 public:
  watched(Comm& inner, std::string_view file)
      : rondo::testing::forwarding<Comm>{inner}, file_{file} {}

  template <class Body>
  void collective(const rondo::call& made, const Body& body) {
    note(made);
    this->inner().collective(made, body);
  }
  template <class Body>
  [[nodiscard]] auto begin_collective(const rondo::call& made, Body body) {
    note(made);
    return this->inner().begin_collective(made, std::move(body));
  }

  int calls = 0;
  int elsewhere = 0;

 private:
  void note(const rondo::call& one) {
    ++calls;
    elsewhere += std::string_view{one.where.file}.ends_with(file_) ? 0 : 1;
  }
  std::string_view file_;
};

/// The collectives that `body(communicator)` comes to on 4 ranks name lines of this file.
template <class Body>
void check_lines(std::string_view file, const Body& body) {
  std::vector<int> made(4), elsewhere(4);
  rondo::threads::run(4, [&](auto& comm) {
    watched seen{comm, file};
    body(seen);
    made[static_cast<std::size_t>(comm.rank())] = seen.calls;
    elsewhere[static_cast<std::size_t>(comm.rank())] = seen.elsewhere;
  });
  for (std::size_t rank = 0; rank < made.size(); ++rank) {
    CHECK(made[rank] > 0);
    CHECK(elsewhere[rank] == 0);
  }
}

/// Both passes of what `make(team)` makes name the line that calls them.
template <int Dimension, class Make>
void check_attention(const Make& make, const both_passes::attention_shape& shape) {
  check_lines("both_passes.hpp", [&](auto& comm) {
    auto attend = make(rondo::along<"context">(comm));
    both_passes::of_attention<Dimension>(attend, shape, comm.rank(), [] {});
  });
}

}  // namespace

TEST_CASE("attention: every collective of both passes names the line of the pass") {
  const cut by = rondo::zigzag(tokens, 4, 2);
  SECTION("ring") {
    check_attention<0>(
        [&](auto team) {
          return rondo::ring_attention{team, by, heads, kernels};
        },
        {tokens, heads, by, by});
  }
  SECTION("gathered") {
    check_attention<0>(
        [&](auto team) {
          return rondo::gathered_attention{team, by, heads, kernels};
        },
        {tokens, heads, by, by});
  }
  SECTION("gathered, exact") {
    check_attention<0>(
        [&](auto team) {
          return rondo::gathered_attention{
              team, by, heads, kernels, rondo::visibility::causal, rondo::exact{3, 2}};
        },
        {tokens, heads, by, by});
  }
  SECTION("exchanged, heads on several ranks") {
    check_attention<0>(
        [&](auto team) {
          return rondo::exchanged_attention{team, by, heads, kernels};
        },
        {tokens, heads, by, by, true});
  }
  SECTION("heads on several ranks") {
    const rondo::head_split split{heads, 4};
    check_attention<1>(
        [&](auto team) {
          return rondo::head_attention{team, heads, kernels};
        },
        {tokens, heads, split.query_columns(), split.key_value_columns(), true});
  }
}

TEST_CASE("experts: every collective of both passes names the line of the pass") {
  const experts_case::batch given = experts_case::drawn(tokens, 3, 5, 2);
  experts_case::outcome to = experts_case::blank(given);
  check_lines("experts_case.hpp", [&](auto& comm) {
    experts_case::run_on(comm, given, 0, cut::even(tokens, 4), 1, to);
  });
}

TEST_CASE("reshard: what an error says is the line of the call") {
  const rondo::mesh_shape line{{"tensor", 2}};
  const auto held_by = [&](const cut& rows, const cut& columns) {
    const auto axes = [](const cut& of) {
      return of.ranks() == 2 ? std::vector<std::string>{"tensor"} : std::vector<std::string>{};
    };
    return std::vector{rondo::tensor_sharding{
        "w", 4, line,
        std::vector{rondo::placed_dimension{"rows", rows, axes(rows)},
                    rondo::placed_dimension{"columns", columns, axes(columns)}}}};
  };
  const rondo::reshard_plan moves{held_by(cut::even(8, 2), cut::whole(8, 1)),
                                  held_by(cut::whole(8, 1), cut::even(8, 2))};
  const auto seen = outcomes(2, [&](auto& comm) {
    if (comm.rank() == 0) {
      rondo::barrier(comm);
    } else {
      const std::vector<sample::numbers> held{sample::numbers(32)};
      std::vector<sample::numbers> wanted{sample::numbers(32)};
      rondo::reshard(comm, moves, held, wanted);
    }
  });
  for (const outcome& each : seen) {
    CAPTURE(each.what);
    CHECK(each.code == rondo::error_code::mismatch);
    CHECK_THAT(each.what, Catch::Matchers::ContainsSubstring(") at call_lines.cpp:"));
    CHECK_THAT(each.what, Catch::Matchers::ContainsSubstring("all_to_all("));
    CHECK_THAT(each.what, !Catch::Matchers::ContainsSubstring(".hpp:"));
  }
}
