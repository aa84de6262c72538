// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/core/call.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/type_name.hpp>

#include <string>
#include <string_view>

namespace {

std::string plain(std::string_view name) {
  std::string made;
  rondo::without_namespaces(name, [&](std::string_view piece) { made += piece; });
  return made;
}

}  // namespace

TEST_CASE("names without namespaces read as they are written") {
  CHECK(plain("int8<128>") == "int8<128>");
  CHECK(plain("rondo::v0_1::codec::int8<128>") == "int8<128>");
  CHECK(plain("rondo::v0_1::codec::rotated<rondo::v0_1::codec::int4<32> >") == "rotated<int4<32>>");
  CHECK(plain("a::b<c::d<e::f, 3>, g::h<i::j>>") == "b<d<f, 3>, h<j>>");
  CHECK(plain("::mine") == "::mine");
  CHECK(plain("one:two") == "one:two");
  CHECK(plain("last::") == "");
  CHECK(plain("").empty());
}

TEST_CASE("messages name types as programs do, without the version's namespace") {
  constexpr rondo::signature what{"all_reduce", rondo::type_name<rondo::half>(), "sum", "ring"};
  const rondo::call made{.what = &what, .count = 4, .where = {"far/train.cpp", 40}};
  CHECK(made.describe() == "all_reduce(4 x rondo::half, sum, ring) at train.cpp:40");
  CHECK(rondo::detail::without_version("a<rondo::v0_1::half, rondo::v0_1::half*>") ==
        "a<rondo::half, rondo::half*>");
}
