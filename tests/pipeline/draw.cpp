// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/dual_pipe.hpp>
#include <rondo/pipeline/lower.hpp>
#include <rondo/pipeline/one_f_one_b.hpp>
#include <rondo/pipeline/svg.hpp>
#include <rondo/pipeline/trace.hpp>
#include <rondo/pipeline/zero_bubble.hpp>

#include <cctype>
#include <cstdio>
#include <map>
#include <string>

namespace pipeline = rondo::pipeline;

namespace {

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t times = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++times;
  }
  return times;
}

/// Reads JSON and keeps nothing but whether it is JSON.
class json_reader {
 public:
  explicit json_reader(std::string_view text) : rest_{text} {}
  [[nodiscard]] bool valid() { return value() && (space(), rest_.empty()); }

 private:
  void space() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front()))) {
      rest_.remove_prefix(1);
    }
  }
  bool take(char c) {
    space();
    const bool there = !rest_.empty() && rest_.front() == c;
    rest_.remove_prefix(there ? 1 : 0);
    return there;
  }
  bool string() {
    if (!take('"')) {
      return false;
    }
    while (!rest_.empty() && rest_.front() != '"') {
      rest_.remove_prefix(1);
    }
    return take('"');
  }
  bool list(char end, bool keyed) {
    if (take(end)) {
      return true;
    }
    do {
      if ((keyed && (!string() || !take(':'))) || !value()) {
        return false;
      }
    } while (take(','));
    return take(end);
  }
  bool value() {
    if (take('{')) {
      return list('}', true);
    }
    if (take('[')) {
      return list(']', false);
    }
    space();
    if (!rest_.empty() && rest_.front() == '"') {
      return string();
    }
    const std::size_t length = rest_.find_first_not_of("-0123456789");
    rest_.remove_prefix(length == std::string_view::npos ? rest_.size() : length);
    return length != 0;
  }

  std::string_view rest_;
};

}  // namespace

TEST_CASE("a picture of 8 ranks and 24 micro-batches is under 200 KB and has a box per action") {
  const auto forecast = pipeline::simulate(pipeline::zero_bubble_v{}({8, 24}), pipeline::costs{});
  const std::string svg = pipeline::to_svg(forecast, {.title = "zero_bubble_v"});
  CHECK(svg.size() < 200'000);
  CHECK(count(svg, "<rect class=\"f") == 2 * 8 * 24 + 1);  // and the legend
  CHECK(count(svg, "<rect class=\"i") == 2 * 8 * 24 + 1);
  CHECK(count(svg, "<rect class=\"w") == 2 * 8 * 24 + 1);
  // Every box has its number.
  std::map<std::string, int> numbers;
  for (std::size_t at = svg.find("<text class=\"l"); at != std::string::npos;
       at = svg.find("<text class=\"l", at + 1)) {
    const std::size_t begin = svg.find('>', at) + 1;
    ++numbers[svg.substr(begin, svg.find('<', begin) - begin)];
  }
  CHECK(numbers.size() == 24);
  for (const auto& [micro_batch, times] : numbers) {
    INFO(micro_batch);
    CHECK(times == 3 * 2 * 8);
  }
  CHECK(count(svg, "paler: later chunks") == 1);
  CHECK(count(svg, "<g") == count(svg, "</g>"));
  CHECK(svg.substr(svg.size() - 7) == "</svg>\n");
}

TEST_CASE("a forward and a backward that overlap are drawn one above the other") {
  pipeline::costs unit{};
  unit.overlapped = 3;
  const auto forecast = pipeline::simulate(pipeline::dual_pipe_v{}({2, 4}), unit);
  CHECK(count(pipeline::to_svg(forecast), "height=\"13\"") ==
        2 * count(pipeline::to_csv(forecast.plan), "OVERLAP"));
}

TEST_CASE("a trace is JSON with an event per action, two ends per arrow, and a counter") {
  const auto forecast = pipeline::simulate(pipeline::zero_bubble_h1{}({4, 8}),
                                           pipeline::costs{18522, 18086, 9337, 601});
  const std::string json = pipeline::to_trace(forecast);
  CHECK(json_reader{json}.valid());
  CHECK_FALSE(json_reader{json + "]"}.valid());
  CHECK(count(json, "\"ph\":\"X\"") == 3 * 4 * 8);
  CHECK(count(json, "\"ph\":\"M\"") == 4);
  CHECK(count(json, "\"ph\":\"s\"") == 2 * 3 * 8);
  CHECK(count(json, "\"ph\":\"f\"") == 2 * 3 * 8);
  CHECK(count(json, "\"ph\":\"C\"") == 2 * 4 * 8);
  CHECK(count(json, "{\"chunks\":5}") == 0);  // rank 0 holds 4 at most
  CHECK(count(json, "{\"chunks\":4}") > 0);
  // Each arrow has one beginning and one end.
  std::map<std::string, int> ends;
  for (std::size_t at = json.find("\"id\":"); at != std::string::npos;
       at = json.find("\"id\":", at + 1)) {
    ++ends[json.substr(at, json.find(',', at) - at)];
  }
  for (const auto& [id, times] : ends) {
    REQUIRE(times == 2);
  }
}

TEST_CASE("the trace of 64 ranks and 512 micro-batches is under 25 MB") {
  const auto forecast = pipeline::simulate(pipeline::zero_bubble_h2{}({64, 512}),
                                           pipeline::costs{18522, 18086, 9337, 601});
  CHECK(pipeline::to_trace(forecast).size() < 25'000'000);
}

TEST_CASE("a picture without a title of its own names the schedule") {
  const auto title = [](const pipeline::plan& drawn) {
    const std::string svg = pipeline::to_svg(pipeline::simulate(drawn, pipeline::costs{}));
    const std::string begin = "<text class=\"t\" x=\"4\" y=\"17\">";
    const std::size_t from = svg.find(begin) + begin.size();
    return svg.substr(from, svg.find('<', from) - from);
  };
  const pipeline::plan written = pipeline::one_f_one_b{}({2, 3});
  CHECK(title(written) == "one_f_one_b, 2 ranks, 3 micro-batches");
  CHECK(title(pipeline::lower(written)) == title(written));
  const pipeline::plan read = pipeline::from_csv(pipeline::to_csv(written), written.placement);
  CHECK(read == written);
  CHECK(title(read) == "2 ranks, 3 micro-batches");
}

TEST_CASE("files are written, or the path is refused") {
  const auto forecast = pipeline::simulate(pipeline::one_f_one_b{}({2, 2}), pipeline::costs{});
  const std::string path = "pipeline_draw_test.svg";
  pipeline::write_svg(forecast, path);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::fseek(file, 0, SEEK_END);
  CHECK(std::ftell(file) == static_cast<long>(pipeline::to_svg(forecast).size()));
  std::fclose(file);
  std::remove(path.c_str());
  CHECK_THROWS_WITH(pipeline::write_trace(forecast, "no such folder/x.json"),
                    Catch::Matchers::ContainsSubstring("cannot write 'no such folder/x.json'"));
}
