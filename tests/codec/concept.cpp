// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What the compiler knows about each codec.
#include <rondo/codec.hpp>

#include "catch.hpp"

namespace {

using namespace rondo::codec;
using rondo::bfloat16;
using rondo::half;

struct expected {
  bool lossy = true;
  bool needs_state = false;
  bool unbiased = false;
  bool carries_nan = true;
  bool states_bound = true;
};

template <class C>
constexpr bool has(const expected& e) {
  using t = traits<C>;
  return t::lossy == e.lossy && t::needs_state == e.needs_state && t::unbiased == e.unbiased &&
         t::carries_nan == e.carries_nan && t::states_bound == e.states_bound;
}

using feedback = error_feedback<sign<2048>>;
using small_exact = mixed_by_size<exact, int8<128>>;

static_assert(has<exact>({.lossy = false}));
static_assert(has<cast<bfloat16>>({}) && has<cast<half>>({}));
static_assert(has<int8<128>>({}) && has<int6<32>>({}) && has<int4<32>>({}) && has<int2<32>>({}));
static_assert(has<int8_asymmetric<32>>({}) && has<int4_asymmetric<32>>({}));
static_assert(has<fp8_e4m3<128>>({}) && has<fp8_e5m2<128>>({}));
static_assert(has<mxfp8<>>({}) && has<mxfp6_e2m3<>>({}) && has<mxfp6_e3m2<>>({}));
static_assert(has<mxfp4<>>({}) && has<mxint8<>>({}) && has<nvfp4>({}));
static_assert(has<sign<2048>>({}));
static_assert(has<stochastic<int8<128>>>({.unbiased = true}));
static_assert(has<rotated<int4<32>>>({}));
static_assert(traits<rotated<stochastic<int8<128>>>>::unbiased);
static_assert(traits<feedback>::needs_state && traits<feedback>::carries_nan);
static_assert(!traits<feedback>::unbiased);
static_assert(!traits<small_exact>::needs_state);
static_assert(traits<mixed_by_size<exact, feedback>>::needs_state);
static_assert(traits<mixed_by_size<feedback, exact>>::needs_state);
static_assert(traits<rotated<int4<32>>>::sums_together && !traits<int4<32>>::sums_together);
static_assert(traits<error_feedback<rotated<int4<32>>>>::sums_together);
static_assert(traits<small_exact>::carries_nan && traits<small_exact>::lossy);
static_assert(!traits<top_k>::carries_nan);
static_assert(!traits<lossless_bfloat16>::lossy && traits<lossless_bfloat16>::carries_nan);
static_assert(linear_codec<shared_scale<8>> && !linear_codec<int8<128>>);

static_assert(int8<128>::block == 128 && mxfp4<>::block == 32);
static_assert(nvfp4::block == 16);

}  // namespace

TEST_CASE("concept: wires are multiples of 16 bytes, and bits per value are those of the wire") {
  for (std::size_t count = 0; count < 300; ++count) {
    CAPTURE(count);
    CHECK(int8<128>{}.wire_bytes(count) % 16 == 0);
    CHECK(int6<32>{}.wire_bytes(count) % 16 == 0);
    CHECK(nvfp4{}.wire_bytes(count) % 16 == 0);
  }
  CHECK(bits_per_value(int8<128>{}) == 8.25);
  CHECK(bits_per_value(mxfp4<>{}) == 4.25);
  CHECK(bits_per_value(cast<half>{}) == 16);
}
