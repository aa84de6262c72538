// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// Line plots as SVG, with no program but this one.
namespace demo {

struct line {
  std::string name;
  std::vector<std::pair<double, double>> points;
  bool dashed = false;  ///< lets a line below it be seen
};

struct plot {
  std::string title;
  std::string across;  ///< what the horizontal axis shows, with its unit
  std::string up;
  std::vector<line> lines;
};

namespace detail {

/// A step of 1, 2 or 5 times a power of ten that gives at most seven ticks.
inline double tick_step(double range) {
  const double rough = range / 6;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (step * power >= rough) {
      return step * power;
    }
  }
  return 10 * power;
}

struct axis {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  double from = 0;  ///< pixels
  double to = 0;

  void include(double value) {
    low = (std::min)(low, value);
    high = (std::max)(high, value);
  }
  [[nodiscard]] double operator()(double value) const {
    return from + (value - low) / (high > low ? high - low : 1) * (to - from);
  }
};

}  // namespace detail

inline void write(const plot& drawn, const std::filesystem::path& path) {
  static constexpr std::array<const char*, 6> colors = {"#0b6e99", "#d1495b", "#3c8d40",
                                                        "#8e5ea2", "#e09f3e", "#555555"};
  detail::axis x{.from = 70, .to = 690};
  detail::axis y{.from = 370, .to = 50};
  for (const auto& one : drawn.lines) {
    for (const auto& [across, up] : one.points) {
      x.include(across);
      y.include(up);
    }
  }
  // The legend stands above all lines.
  y.include(y.high + 0.07 * static_cast<double>(drawn.lines.size()) * (y.high - y.low));
  std::ostringstream svg;
  svg << R"(<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 720 430")"
      << R"( font-family="sans-serif" font-size="13">)"
      << "\n<rect width=\"720\" height=\"430\" fill=\"white\"/>\n<text x=\"360\" y=\"28\" "
         "text-anchor=\"middle\" font-size=\"16\">"
      << drawn.title << "</text>\n<text x=\"380\" y=\"418\" text-anchor=\"middle\">" << drawn.across
      << "</text>\n<text transform=\"translate(18 210) rotate(-90)\" text-anchor=\"middle\">"
      << drawn.up << "</text>\n";
  const auto grid = [&](const detail::axis& along, bool horizontal) {
    const double step = detail::tick_step((std::max)(along.high - along.low, 1e-12));
    const double first = std::ceil(along.low / step) * step + 0.0;  // -0 becomes 0
    for (double at = first; at <= along.high + step * 1e-9; at += step) {
      const double pixel = along(at);
      if (horizontal) {
        svg << "<path stroke=\"#ddd\" d=\"M" << pixel << " 50V370\"/><text x=\"" << pixel
            << "\" y=\"390\" text-anchor=\"middle\">" << at << "</text>\n";
      } else {
        svg << "<path stroke=\"#ddd\" d=\"M70 " << pixel << "H690\"/><text x=\"62\" y=\""
            << pixel + 4 << "\" text-anchor=\"end\">" << at << "</text>\n";
      }
    }
  };
  grid(x, true);
  grid(y, false);
  svg << "<path fill=\"none\" stroke=\"#333\" d=\"M70 50V370H690\"/>\n";
  for (std::size_t i = 0; i < drawn.lines.size(); ++i) {
    const auto* color = colors[i % colors.size()];
    const auto* dashes = drawn.lines[i].dashed ? " stroke-dasharray=\"6 4\"" : "";
    svg << "<polyline fill=\"none\" stroke-width=\"1.6\" stroke=\"" << color << "\"" << dashes
        << " points=\"";
    for (const auto& [across, up] : drawn.lines[i].points) {
      svg << x(across) << ',' << y(up) << ' ';
    }
    const double height = 66 + 18 * static_cast<double>(i);
    svg << "\"/>\n<path stroke-width=\"3\" stroke=\"" << color << "\"" << dashes << " d=\"M400 "
        << height - 4 << "h24\"/><text x=\"430\" y=\"" << height << "\">" << drawn.lines[i].name
        << "</text>\n";
  }
  svg << "</svg>\n";
  std::ofstream file{path};
  if (!(file << svg.str())) {
    throw std::runtime_error("cannot write " + path.string());
  }
}

}  // namespace demo
