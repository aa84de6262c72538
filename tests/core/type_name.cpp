// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

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
