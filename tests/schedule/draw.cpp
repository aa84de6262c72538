// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "every.hpp"

#include <rondo/schedule.hpp>

#include <cctype>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace schedule = rondo::schedule;

namespace {

constexpr schedule::network net{
    .latency = 2e-6, .bytes_per_second = 1e10, .fold_bytes_per_second = 2e10, .ranks_per_node = 3};

/// A file of this test, removed in the end.
struct file {
  std::string path = "rondo_schedule_draw_test.out";
  ~file() { std::remove(path.c_str()); }
  [[nodiscard]] std::string text() const {
    std::ostringstream all;
    all << std::ifstream{path}.rdbuf();
    return all.str();
  }
};

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// Every element is closed, in order, and attributes are quoted.
bool is_well_formed_xml(const std::string& text) {
  std::vector<std::string> open;
  for (std::size_t at = text.find('<'); at != std::string::npos; at = text.find('<', at)) {
    const std::size_t end = text.find('>', at);
    if (end == std::string::npos) {
      return false;
    }
    const std::string tag = text.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" /"));
    if (tag.find('<') != std::string::npos || times(tag, "\"") % 2 != 0) {
      return false;
    }
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) {
        return false;
      }
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    at = end;
  }
  return open.empty();
}

/// A recognizer of JSON without escapes in strings, which the writer does not make.
class json {
 public:
  explicit json(const std::string& text) : text_{text} {}
  bool valid() { return value() && (skip(), at_ == text_.size()); }

 private:
  void skip() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) {
      ++at_;
    }
  }
  bool take(char c) {
    skip();
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  bool string() {
    if (!take('"')) {
      return false;
    }
    at_ = text_.find('"', at_);
    return at_++ != std::string::npos;
  }
  bool number() {
    skip();
    std::size_t used = 0;
    try {
      (void)std::stod(text_.substr(at_, 32), &used);
    } catch (...) {
      return false;
    }
    at_ += used;
    return true;
  }
  template <class Element>
  bool list(char end, Element element) {
    if (take(end)) {
      return true;
    }
    do {
      if (!element()) {
        return false;
      }
    } while (take(','));
    return take(end);
  }
  bool value() {
    skip();
    if (take('{')) {
      return list('}', [this] { return string() && take(':') && value(); });
    }
    if (take('[')) {
      return list(']', [this] { return value(); });
    }
    return text_[at_] == '"' ? string() : number();
  }

  const std::string& text_;
  std::size_t at_ = 0;
};

}  // namespace

TEST_CASE("a drawing is well-formed and has one arrow per message and one box per fold") {
  every::schedules(6, 1, [](const schedule::table& one, const std::string& name) {
    INFO(name);
    std::size_t messages = 0;
    std::size_t folds = 0;
    for (const auto& row : one.rows) {
      for (const auto& step : row.steps) {
        messages += step.what == schedule::verb::send ? 1u : 0u;
        folds += step.what == schedule::verb::fold || step.what == schedule::verb::receive_fold;
      }
    }
    const file svg;
    schedule::write_svg(one, svg.path);
    const std::string text = svg.text();
    CHECK(is_well_formed_xml(text));
    CHECK(times(text, "class=\"message\"") == messages);
    CHECK(times(text, "class=\"fold\"") == folds);
    CHECK(times(text, ">rank ") >= 6);
    CHECK(times(text, "nan") == 0);
    CHECK(times(text, "inf") == 0);

    schedule::write_svg(one, net, 1 << 20, svg.path);
    CHECK(is_well_formed_xml(svg.text()));
  });
}

TEST_CASE("chunks go round the colours, in what every reader of SVG knows") {
  const file svg;
  schedule::write_svg(schedule::all_reduce(rondo::ring{}, 4), svg.path);
  const std::string text = svg.text();
  CHECK(times(text, "hsl") == 0);
  // hsl(h, 75%, 42%) for 0, 90, 180 and 270 degrees; a chunk travels 6 times and is in the legend.
  for (const char* colour : {"#bb1b1b", "#6bbb1b", "#1bbbbb", "#6b1bbb"}) {
    CHECK(times(text, "<g class=\"message\" stroke=\"" + std::string{colour} + "\"") == 6);
    CHECK(times(text, "height=\"10\" fill=\"" + std::string{colour} + "\"") == 1);
  }
}

TEST_CASE("a drawing does not take a copy that names a peer for a message") {
  auto plain = schedule::tabulate(schedule::all_gather(rondo::recursive_doubling{}, 4));
  auto named = plain;
  for (auto& row : named.rows) {
    for (auto& step : row.steps) {
      step.peer = step.what == schedule::verb::copy ? 3 : step.peer;
    }
  }
  CHECK_NOTHROW(schedule::prove(named));
  const file drawn;
  schedule::write_svg(plain, drawn.path);
  const std::string expected = drawn.text();
  schedule::write_svg(named, drawn.path);
  CHECK(drawn.text() == expected);
}

TEST_CASE("a drawing names the algorithm, where it is that of one") {
  const auto drawn = [](const auto& what) {
    const file svg;
    schedule::write_svg(what, svg.path);
    return svg.text();
  };
  const auto ring = schedule::all_reduce(rondo::ring{}, 4);
  CHECK(times(drawn(ring), ">all_reduce by ring on 4 ranks<") == 1);
  CHECK(times(drawn(schedule::tabulate(ring)), ">all_reduce on 4 ranks<") == 1);
  const rondo::hierarchical two_levels{rondo::ring{}, rondo::tree{}, 2};
  CHECK(times(drawn(schedule::all_reduce(two_levels, 4)),
              ">all_reduce by hierarchical{ring, tree} on 4 ranks<") == 1);
}

TEST_CASE("a drawing's time has round ticks, and says how long all of it takes") {
  const auto ticks_of = [](double bytes_per_second) {
    const file svg;
    const auto ring = schedule::all_reduce(rondo::ring{}, 2);  // two messages of half the bytes
    schedule::write_svg(ring, {.latency = 0, .bytes_per_second = bytes_per_second}, 1000, svg.path);
    const std::string text = svg.text();
    std::string ticks;
    for (std::size_t at = text.find("middle\">"); at != std::string::npos;
         at = text.find("middle\">", at + 1)) {
      ticks += text.substr(at + 8, text.find('<', at) - at - 8) + ' ';
    }
    const std::size_t total = text.find("seconds, ") + 9;
    return ticks + "of " + text.substr(total, text.find(' ', total) - total);
  };
  CHECK(ticks_of(1000) == "0 0.2 0.4 0.6 0.8 1 of 1");
  CHECK(ticks_of(1000 / 1.7) == "0 0.2 0.4 0.6 0.8 1 1.2 1.4 1.6 of 1.7");
  CHECK(ticks_of(1000 / 2.3) == "0 0.5 1 1.5 2 of 2.3");
  CHECK(ticks_of(1000 / 64.0) == "0 10 20 30 40 50 60 of 64");
  CHECK(ticks_of(1000 / 0.07) == "0 0.01 0.02 0.03 0.04 0.05 0.06 0.07 of 0.07");
}

TEST_CASE("a trace is JSON and has an arrow's beginning and end per message") {
  every::schedules(6, 1, [](const schedule::table& one, const std::string& name) {
    INFO(name);
    std::size_t messages = 0;
    for (const auto& row : one.rows) {
      for (const auto& step : row.steps) {
        messages += step.what == schedule::verb::send ? 1u : 0u;
      }
    }
    const file trace;
    schedule::write_trace(one, net, 1 << 20, trace.path);
    const std::string text = trace.text();
    CHECK(json{text}.valid());
    CHECK(times(text, "\"ph\": \"s\"") == messages);
    CHECK(times(text, "\"ph\": \"f\"") == messages);
    CHECK(times(text, "\"process_name\"") == 2);
    CHECK(times(text, "\"thread_name\"") == 18);
  });
}

TEST_CASE("a file that cannot be written is refused by name") {
  const auto ring = schedule::all_reduce(rondo::ring{}, 2);
  CHECK_THROWS_WITH(schedule::write_svg(ring, "/no such folder/x.svg"),
                    Catch::Matchers::ContainsSubstring("/no such folder/x.svg"));
  CHECK_THROWS_AS(schedule::write_trace(ring, net, 8, "/no such folder/x.json"), rondo::error);
}
