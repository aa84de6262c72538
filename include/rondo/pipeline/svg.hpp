// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/csv.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/pipeline/text_writer.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rondo::inline v0_1::pipeline {

struct svg_options {
  std::string_view title{};  ///< plain text; & and < are not escaped
  int width = 1200;          ///< pixels
  int row_height = 22;
};

namespace detail {

/// One class per kind and chunk: the colours of the four kinds, paler for each further chunk.
inline constexpr std::string_view svg_style =
    "text{font:11px system-ui,sans-serif;fill:#222}"
    ".n{fill:#777}.t{font-size:13px}.z{fill:#8882}.s rect{stroke:#fff;stroke-width:.5}"
    ".f{fill:#5b9bd5}.b{fill:#70ad77}.i{fill:#4fb3a5}.w{fill:#e0a64e}"
    ".c1{fill-opacity:.72}.c2{fill-opacity:.5}.c3{fill-opacity:.35}"
    ".l{text-anchor:middle;font-size:10px;pointer-events:none}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.l{fill:#000}.n{fill:#999}}";

class svg_drawing {
 public:
  svg_drawing(const forecast& drawn, const svg_options& options)
      : drawn_{drawn}, options_{options}, out_{drawn.plan.actions() * 128 + 4096} {}

  [[nodiscard]] std::string take() {
    const int ranks = drawn_.plan.ranks();
    const int height = top + ranks * (options_.row_height + 3) + 26;
    out_ << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << options_.width << "\" height=\""
         << height << "\" viewBox=\"0 0 " << options_.width << " " << height << "\"><style>"
         << svg_style << "</style>\n";
    out_ << "<text class=\"t\" x=\"4\" y=\"16\">" << options_.title << "</text>\n";
    for (int rank = 0; rank < ranks; ++rank) {
      draw_row(rank);
    }
    draw_legend(height - 8);
    out_ << "</svg>\n";
    return out_.take();
  }

 private:
  static constexpr int top = 24;
  static constexpr int left = 52;
  static constexpr int right = 64;

  /// A time as a horizontal position, in tenths of a pixel.
  [[nodiscard]] std::int64_t position(ticks time) const {
    const auto room = static_cast<double>(options_.width - left - right) * 10;
    const auto whole = static_cast<double>(drawn_.makespan > 0 ? drawn_.makespan : 1);
    return left * 10 + static_cast<std::int64_t>(static_cast<double>(time) / whole * room);
  }

  void draw_row(int rank) {
    const auto at = static_cast<std::size_t>(rank);
    const int y = top + rank * (options_.row_height + 3);
    const int baseline = y + options_.row_height / 2 + 4;
    out_ << "<text x=\"4\" y=\"" << baseline << "\">rank " << rank << "</text>";
    out_ << "<rect class=\"z\" x=\"" << left << "\" y=\"" << y << "\" width=\""
         << options_.width - left - right << "\" height=\"" << options_.row_height << "\"/>";
    out_ << "<text class=\"n\" x=\"" << options_.width - right + 6 << "\" y=\"" << baseline
         << "\">holds " << drawn_.peak_activations[at] << "</text>\n<g class=\"s\">";
    const row& actions = drawn_.plan.row_of(rank);
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (is_compute(actions[i].kind)) {
        // A forward and a backward that overlap share the height.
        const bool second = i > 0 && actions[i - 1].with_next;
        const bool half = second || actions[i].with_next;
        draw_action(actions[i], drawn_.timeline[at][i], second ? y + options_.row_height / 2 : y,
                    half ? options_.row_height / 2 : options_.row_height);
      }
    }
    out_ << "</g>\n";
  }

  void draw_action(const action& what, const interval& when, int y, int height) {
    constexpr std::string_view classes[] = {"f", "b", "i", "w"};
    const std::int64_t from = position(when.start);
    const std::int64_t width = position(when.end) - from;
    if (width <= 0) {
      return;
    }
    const int chunk = what.stage / drawn_.plan.ranks();
    out_ << "<rect class=\"" << classes[static_cast<std::size_t>(what.kind)];
    if (chunk > 0) {
      out_ << " c" << (chunk < 3 ? chunk : 3);
    }
    out_ << "\" x=\"";
    out_.tenths(from) << "\" y=\"" << y << "\" width=\"";
    out_.tenths(width) << "\" height=\"" << height << "\"/>";
    const int digits = what.micro_batch < 10 ? 1 : what.micro_batch < 100 ? 2 : 3;
    if (width >= 70 * digits && height >= 11) {
      out_ << "<text class=\"l\" x=\"";
      out_.tenths(from + width / 2)
          << "\" y=\"" << y + height / 2 + 4 << "\">" << what.micro_batch << "</text>";
    }
  }

  void draw_legend(int y) {
    constexpr std::string_view names[][2] = {
        {"f", "forward"}, {"b", "backward"}, {"i", "input gradient"}, {"w", "weight gradient"}};
    int x = left;
    for (const auto& [letter, name] : names) {
      out_ << "<rect class=\"" << letter << "\" x=\"" << x << "\" y=\"" << y - 9
           << "\" width=\"10\" height=\"10\"/><text class=\"n\" x=\"" << x + 14 << "\" y=\"" << y
           << "\">" << name << "</text>";
      x += 120;
    }
    out_ << "<text class=\"n\" x=\"" << x << "\" y=\"" << y << "\">makespan " << drawn_.makespan
         << ", bubble ";
    out_.tenths(static_cast<std::int64_t>(drawn_.bubble() * 1000 + 0.5)) << " %</text>\n";
  }

  const forecast& drawn_;
  svg_options options_;
  text_writer out_;
};

}  // namespace detail

/// A timeline as an SVG picture: a line per rank, a box per action, grey where the rank idles.
/// About 130 bytes per action.
[[nodiscard]] inline std::string to_svg(const forecast& drawn, const svg_options& options = {}) {
  return detail::svg_drawing{drawn, options}.take();
}

inline void write_svg(const forecast& drawn, const std::string& path,
                      const svg_options& options = {}) {
  detail::write_file(path, to_svg(drawn, options));
}

}  // namespace rondo::inline v0_1::pipeline
