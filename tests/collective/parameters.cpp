// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "threads/outcomes.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <cstdint>
#include <vector>

// State that ranks must agree about, and that their calls do not show in words.
namespace {

/// A sum that weighs its right side; ranks must agree on the weight.
struct weighted {
  double weight = 1;
  double operator()(double a, double b) const { return a + weight * b; }
  [[nodiscard]] std::uint64_t parameters() const { return static_cast<std::uint64_t>(weight * 64); }
};

/// Runs `body(comm, odd)` on 3 ranks, of which rank 2 is odd; all must be told.
template <class Body>
void differs(const Body& body) {
  const auto seen = outcomes(3, [&](auto& comm) { body(comm, comm.rank() == 2); });
  for (const auto& one : seen) {
    CAPTURE(one.what);
    CHECK(one.code == rondo::error_code::mismatch);
    CHECK(one.culprit == 2);
    CHECK_THAT(one.what, Catch::Matchers::ContainsSubstring("on rank 2"));
  }
}

/// Closures of one signature in one scope: their types have one spelling.
template <class Comm>
void fold_by_closures(Comm& comm, std::vector<double>& values, bool odd) {
  const auto sum = [](double a, double b) { return a + b; };
  const auto largest = [](double a, double b) { return a < b ? b : a; };
  odd ? rondo::all_reduce(comm, values, largest) : rondo::all_reduce(comm, values, sum);
}

}  // namespace

TEST_CASE("parameters: an operation whose state differs is a mismatch that names the rank") {
  std::vector<double> in(6);
  differs([&](auto& comm, bool odd) {
    std::vector<double> values(6);
    rondo::all_reduce(comm, values, weighted{odd ? 2.0 : 1.0});
  });
  differs([&](auto& comm, bool odd) {
    std::vector<double> values(6);
    rondo::all_reduce(comm, values, weighted{odd ? 2.0 : 1.0}, rondo::ring{});
  });
  differs([&](auto& comm, bool odd) {
    std::vector<double> part(2);
    rondo::reduce_scatter(comm, in, part, weighted{odd ? 2.0 : 1.0});
  });
  differs([&](auto& comm, bool odd) {
    std::vector<double> out(6);
    rondo::reduce(comm, in, out, weighted{odd ? 2.0 : 1.0}, rondo::root{1});
  });
}

TEST_CASE("parameters: those of an algorithm are compared in every collective") {
  differs([](auto& comm, bool odd) {
    std::vector<double> values(6);
    rondo::broadcast(comm, values, rondo::tree{odd ? 2 : 1});
  });
  differs([](auto& comm, bool odd) {
    std::vector<double> values(6);
    const rondo::hierarchical nested{rondo::tree{odd ? 2 : 1}, rondo::ring{}, 3};
    rondo::all_reduce(comm, values, nested);
  });
}

TEST_CASE("parameters: those of a codec are compared in every collective that takes one") {
  namespace codec = rondo::codec;
  std::vector<float> in(300);
  const auto in_all = [&](const auto& usual, const auto& other) {
    const auto with = [&](bool odd) { return odd ? other : usual; };
    differs([&](auto& comm, bool odd) {
      std::vector<float> out(300);
      rondo::all_reduce(comm, in, out, with(odd));
    });
    differs([&](auto& comm, bool odd) {
      std::vector<float> out(900);
      rondo::all_gather(comm, in, out, with(odd));
    });
    differs([&](auto& comm, bool odd) {
      std::vector<float> out(100);
      rondo::reduce_scatter(comm, in, out, with(odd));
    });
    differs([&](auto& comm, bool odd) {
      std::vector<float> out(300);
      rondo::all_to_all(comm, in, out, with(odd));
    });
  };
  in_all(codec::top_k{0.5}, codec::top_k{0.1});
  in_all(codec::top_k{0.5}, codec::top_k{0.5000001});  // wires of one length
  const codec::int4<32> small;
  in_all(codec::rotated{small, 1}, codec::rotated{small, 2});
  in_all(codec::mixed_by_size{codec::exact{}, codec::rotated{small, 1}, 50},
         codec::mixed_by_size{codec::exact{}, codec::rotated{small, 1}, 60});
}

TEST_CASE("parameters: a wrapper passes on those of the codec inside") {
  const rondo::codec::int4<32> small;
  differs([&](auto& comm, bool odd) {
    std::vector<float> values(300);
    std::vector<float> residual(300);
    const rondo::codec::rotated inner{small, odd ? 2u : 1u};
    rondo::all_reduce(comm, values, rondo::codec::error_feedback{inner, residual});
  });
}

TEST_CASE("parameters: equal ones go through, and so does a type without any") {
  rondo::threads::run(3, [](auto& comm) {
    std::vector<double> values(6, 1.0);
    rondo::all_reduce(comm, values, weighted{2.0});
    const double limit = 4.5;
    const auto capped = [limit](double a, double b) { return a + b > limit ? limit : a + b; };
    rondo::all_reduce(comm, values, capped);
    fold_by_closures(comm, values, false);
    rondo::testing::expect(values[0] == 3 * limit, "the values of one fold after the other");
  });
}

#if defined(__GXX_RTTI)
TEST_CASE("parameters: closures of one signature in one scope are told apart") {
  differs([](auto& comm, bool odd) {
    std::vector<double> values(6);
    fold_by_closures(comm, values, odd);
  });
}
#endif
