// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/text.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace rondo::inline v0_1::pipeline {

struct svg_options {
  std::string_view title{};  ///< none: the schedule's name, where one wrote the plan, and its shape
  int width = 1200;          ///< pixels
  int row_height = 26;
};

namespace detail {

/// One class per kind and shade: the colours of the four kinds, paler for each further chunk.
inline constexpr std::string_view svg_style =
    "text{font:11px system-ui,sans-serif;fill:#222}"
    ".n{fill:#666}.t{font-size:14px}.z{fill:#ececec}.s rect{stroke:#fff;stroke-width:.5}"
    ".f{fill:#5b9bd5}.b{fill:#70ad77}.i{fill:#a98fd0}.w{fill:#e0a64e}"
    ".c1{fill-opacity:.65}.c2{fill-opacity:.45}.c3{fill-opacity:.3}"
    ".l{text-anchor:middle;font-size:10px;pointer-events:none}"
    ".l8{font-size:8px}.l6{font-size:6px}.l5{font-size:5px}.l4{font-size:4px}.l3{font-size:3px}";

class svg_drawing {
 public:
  svg_drawing(const forecast& drawn, const svg_options& options)
      : drawn_{drawn},
        options_{options},
        chunks_{drawn.plan.placement.stages() / (std::max)(1, drawn.plan.ranks())},
        out_{drawn.plan.actions() * 128 + 4096} {}

  [[nodiscard]] std::string take() {
    const int ranks = drawn_.plan.ranks();
    const int height = top + ranks * (options_.row_height + 3) + 26;
    out_.print(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
        "viewBox=\"0 0 {} {}\"><style>{}</style>\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
        options_.width, height, options_.width, height, svg_style);
    out_.print("<text class=\"t\" x=\"4\" y=\"17\">{}</text>\n", text::escaped{title()});
    out_.print("<text class=\"n\" x=\"{}\" y=\"17\">holds</text>\n", options_.width - right + 6);
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
  static constexpr int right = 48;

  [[nodiscard]] std::string title() const {
    if (!options_.title.empty()) {
      return std::string{options_.title};
    }
    const plan& of = drawn_.plan;
    return std::string{of.name} + (of.name.empty() ? "" : ", ") + std::to_string(of.ranks()) +
           " ranks, " + std::to_string(of.shape.micro_batches) + " micro-batches";
  }

  /// A time as a horizontal position, in tenths of a pixel.
  [[nodiscard]] std::int64_t position(ticks time) const {
    const auto room = static_cast<double>(options_.width - left - right) * 10;
    const auto whole = static_cast<double>(drawn_.makespan > 0 ? drawn_.makespan : 1);
    return left * 10 + static_cast<std::int64_t>(static_cast<double>(time) / whole * room);
  }

  [[nodiscard]] static double pixels(std::int64_t tenths) {
    return static_cast<double>(tenths) / 10;
  }

  void draw_row(int rank) {
    const auto at = static_cast<std::size_t>(rank);
    const int y = top + rank * (options_.row_height + 3);
    const int baseline = y + options_.row_height / 2 + 4;
    out_.print("<text x=\"4\" y=\"{}\">rank {}</text>", baseline, rank);
    out_.print("<rect class=\"z\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", left, y,
               options_.width - left - right, options_.row_height);
    out_.print("<text class=\"n\" x=\"{}\" y=\"{}\">{}</text>\n<g class=\"s\">",
               options_.width - right + 6, baseline, drawn_.peak_activations[at]);
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
    const std::int64_t from = position(when.start);
    const std::int64_t width = position(when.end) - from;
    if (width <= 0) {
      return;
    }
    drawn_kinds_[static_cast<std::size_t>(what.kind)] = true;
    out_.print("<rect class=\"{}", class_of(what.kind));
    if (const int shade = chunks_ > 1 ? what.stage / drawn_.plan.ranks() : what.slice; shade > 0) {
      out_.print(" c{}", (std::min)(shade, 3));
    }
    out_.print("\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>", pixels(from), y, pixels(width),
               height);
    if (const int size = letters_for(what.micro_batch, pixels(width), height); size > 0) {
      out_ << "<text class=\"l";
      if (size < 10) {
        out_.print(" l{}", size);
      }
      out_.print("\" x=\"{}\" y=\"{}\">{}</text>", pixels(from + width / 2),
                 y + height / 2 + (2 * size + 2) / 5, what.micro_batch);
    }
  }

  /// The largest letters, in pixels, in which the number fits its box; 0 where they would be tiny.
  [[nodiscard]] static int letters_for(int number, double width, int height) {
    int digits = 1;
    for (int rest = number / 10; rest > 0; rest /= 10) {
      ++digits;
    }
    for (const int size : {10, 8, 6, 5, 4, 3}) {
      if (width >= 0.65 * size * digits && height > size) {
        return size;
      }
    }
    return 0;
  }

  void draw_legend(int y) {
    constexpr std::string_view names[] = {"forward", "backward", "input gradient",
                                          "weight gradient"};
    int x = left;
    for (const kind each :
         {kind::forward, kind::backward, kind::backward_input, kind::backward_weight}) {
      if (drawn_kinds_[static_cast<std::size_t>(each)]) {
        out_.print("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"10\" height=\"10\"/>",
                   class_of(each), x, y - 9);
        out_.print("<text class=\"n\" x=\"{}\" y=\"{}\">{}</text>", x + 14, y,
                   names[static_cast<std::size_t>(each)]);
        x += 118;
      }
    }
    const std::string_view paler = drawn_.plan.placement.chains() > 1 ? "; paler: the second copy"
                                   : chunks_ > 1                      ? "; paler: later chunks"
                                   : drawn_.plan.shape.slices > 1     ? "; paler: later slices"
                                                                      : "";
    out_.print("<text class=\"n\" x=\"{}\" y=\"{}\">makespan {}, bubble {} %{}</text>\n", x, y,
               drawn_.makespan, 100 * drawn_.bubble(), paler);
  }

  [[nodiscard]] static std::string_view class_of(kind what) {
    constexpr std::string_view classes[] = {"f", "b", "i", "w"};
    return classes[static_cast<std::size_t>(what)];
  }

  const forecast& drawn_;
  svg_options options_;
  int chunks_;
  bool drawn_kinds_[4] = {};
  text::writer out_;
};

}  // namespace detail

/// A timeline as an SVG picture: a line per rank, a box per action with its micro-batch, grey where
/// the rank idles; behind it the most chunks that the rank holds. Numbers shrink with their boxes,
/// down to 3 pixels: a wider picture has more of them. About 150 bytes per action.
[[nodiscard]] inline std::string to_svg(const forecast& drawn, const svg_options& options = {}) {
  return detail::svg_drawing{drawn, options}.take();
}

inline void write_svg(const forecast& drawn, const std::string& path,
                      const svg_options& options = {}) {
  text::write_file("pipeline::write_svg", path, to_svg(drawn, options));
}

}  // namespace rondo::inline v0_1::pipeline
