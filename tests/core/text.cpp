// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/core/text.hpp>

#include <clocale>
#include <cstdio>
#include <initializer_list>
#include <string>

namespace text = rondo::text;

namespace {

std::string written() {
  text::writer out;
  out.print("{} {} {} {} {}|", -7, 12.25, 3.0, text::fixed{1e-6, 6}, text::significant{1.0 / 3, 3});
  out << 18446744073709551615u << text::escaped{" <a & \"b\">"};
  return out.take();
}

}  // namespace

TEST_CASE("text: numbers and gaps") {
  CHECK(written() == "-7 12.2 3 0.000001 0.333|18446744073709551615 &lt;a &amp; &quot;b&quot;>");
  text::writer out;
  out.print("no gap");
  out.print("{}", 1).print("; {}{}", 2, "");
  CHECK(out.take() == "no gap1; 2");
}

TEST_CASE("text: the same in a locale whose decimal point is a comma") {
  const std::string plain = written();
  bool found = false;
  for (const char* name : {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "fr_FR"}) {
    found = found || std::setlocale(LC_ALL, name) != nullptr;
  }
  const std::string with_comma = written();
  std::setlocale(LC_ALL, "C");
  CHECK(with_comma == plain);
  if (!found) {
    WARN("no locale with a comma is installed here");
  }
}

TEST_CASE("text: a file is written whole, or its path refused") {
  CHECK_THROWS_WITH(text::write_file("me", "no such folder/x", "text"),
                    Catch::Matchers::ContainsSubstring("me: cannot write 'no such folder/x'"));
  const std::string path = "rondo_core_text_test.out";
  text::write_file("me", path, "two\nlines\n");
  std::FILE* file = std::fopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  char bytes[32] = {};
  CHECK(std::fread(bytes, 1, sizeof bytes, file) == 10);
  std::fclose(file);
  std::remove(path.c_str());
  CHECK(std::string{bytes} == "two\nlines\n");
}
