// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/text.hpp>
#include <rondo/schedule/detail/messages.hpp>
#include <rondo/schedule/detail/moments.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/version.hpp>

#include <string>

namespace rondo::inline v0_1::schedule::detail {

/// A space-time diagram of one table and its timeline.
class svg_writer {
 public:
  svg_writer(const table& schedule, const std::string& algorithm, const timeline& times,
             const char* unit, const std::string& path)
      : schedule_{schedule},
        algorithm_{algorithm},
        times_{schedule, times},
        unit_{unit},
        path_{path} {
    seconds_ = times.seconds > 0 ? times.seconds : 1;
    // About 70 pixels for a hop of a rank that never rests, but neither a stamp nor a wall.
    double hops = 0;
    for (const program& row : schedule.rows) {
      const double own = row.steps.empty() ? 0 : row.steps.back().round + 1.0;
      hops = own > hops ? own : hops;
    }
    span_ = 70 * hops;
    span_ = span_ < 360 ? 360 : span_ > 3600 ? 3600 : span_;
  }

  void write() {
    const double height = top + row_height * schedule_.size + 58;
    out_.print(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" "
        "font-family=\"sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n",
        left + span_ + 40, height);
    out_.print(
        "<text x=\"{}\" y=\"18\" font-size=\"15\">{}{}{} on {} ranks</text>"
        "<text x=\"{}\" y=\"36\" fill=\"#555\">time in {}, {} in all</text>\n",
        left, name_of(schedule_.what), algorithm_.empty() ? "" : " by ", text::escaped{algorithm_},
        schedule_.size, left, unit_, text::significant{seconds_, 3});
    axis();
    for (int rank = 0; rank < schedule_.size; ++rank) {
      out_.print(
          "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">rank {}</text>"
          "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#bbb\"/>\n",
          left - 10, y(rank) + 4, rank, left, y(rank), left + span_, y(rank));
    }
    for (const message& one : messages_of(schedule_)) {
      arrow(one);
    }
    for (int rank = 0; rank < schedule_.size; ++rank) {
      for (std::size_t i = 0; i < schedule_.row(rank).steps.size(); ++i) {
        local(rank, i);
      }
    }
    legend(height - 16);
    out_.print("</svg>\n");
    text::write_file("schedule::write_svg", path_, out_.take());
  }

 private:
  static constexpr double left = 72;
  static constexpr double top = 44;
  static constexpr double row_height = 52;

  [[nodiscard]] double x(double time) const { return left + time / seconds_ * span_; }
  [[nodiscard]] static double y(int rank) { return top + row_height * (rank + 0.5); }

  /// Chunks go round the colours once; `lightness` is 0 (black) to 1 (white). As "#rrggbb", for not
  /// every reader of SVG knows hsl().
  [[nodiscard]] std::string colour(const run& of, double lightness) const {
    const double hue = static_cast<double>(of.first % schedule_.row(0).chunks) * 12 /
                       schedule_.row(0).chunks;  // on a clock whose 0, 4 and 8 are red, green, blue
    const double swing = 0.75 * (lightness < 0.5 ? lightness : 1 - lightness);
    std::string text = "#";
    for (const int primary : {0, 8, 4}) {
      const double hours = hue + primary < 12 ? hue + primary : hue + primary - 12;
      const double toward = hours < 6 ? hours - 3 : 9 - hours;  // 3: this primary is at its least
      const double part = lightness - swing * (toward < -1 ? -1 : toward > 1 ? 1 : toward);
      const int level = static_cast<int>(255 * part + 0.5);
      text += "0123456789abcdef"[level / 16];
      text += "0123456789abcdef"[level % 16];
    }
    return text;
  }
  [[nodiscard]] static std::string chunks_text(const run& of) {
    return of.count == 0   ? "no data"
           : of.count == 1 ? "chunk " + std::to_string(of.first)
                           : "chunks " + std::to_string(of.first) + " to " +
                                 std::to_string(of.first + of.count - 1);
  }

  /// 1, 2 or 5 times a power of ten, so that the picture has five to ten of them.
  [[nodiscard]] double tick() const {
    double power = 1;
    while (power * 10 <= seconds_) {
      power *= 10;
    }
    while (power > seconds_) {
      power /= 10;
    }
    return seconds_ < 2 * power ? power / 5 : seconds_ < 5 * power ? power / 2 : power;
  }

  void axis() {
    const double base = top + row_height * schedule_.size + 4;
    const double apart = tick();
    for (int k = 0; k * apart <= seconds_ * (1 + 1e-9); ++k) {
      const double time = k * apart;
      out_.print(
          "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke=\"#eee\"/>"
          "<text x=\"{}\" y=\"{}\" fill=\"#555\" text-anchor=\"middle\">{}</text>\n",
          x(time), top, x(time), base, x(time), base + 14, text::significant{time, 3});
    }
  }

  void arrow(const message& one) {
    const step& sent = schedule_.row(one.from).steps[one.send];
    const moment& moving = times_.of(one.from, one.send);
    const double x1 = x(moving.begin);
    const double x2 = x(moving.end);
    const double y1 = y(one.from);
    const double y2 = y(one.to) + (one.to > one.from ? -5 : 5);
    const double width = sent.left.count < 2 ? 1.6 : sent.left.count < 8 ? 2.8 : 4.2;
    const std::string paint = sent.left.count == 0 ? "#777" : colour(sent.left, 0.42);
    out_.print("<g class=\"message\" stroke=\"{}\" fill=\"{}\">", paint, paint);
    title(one.from, sent, moving);
    out_.print("<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" stroke-width=\"{}\"{}/>", x1, y1, x2,
               y2, width, sent.left.count == 0 ? " stroke-dasharray=\"4 3\"" : "");
    head(x1, y1, x2, y2);
    out_.print("</g>\n");
  }

  /// The point of an arrow: a triangle 9 long and 7 wide that ends at (x2, y2).
  void head(double x1, double y1, double x2, double y2) {
    const double dx = x2 - x1;
    const double dy = y2 - y1;
    const double sum = (dx < 0 ? -dx : dx) + (dy < 0 ? -dy : dy);
    // The length by Newton's steps from |dx| + |dy|, which is at most 1.42 of it: five are exact to
    // a double's last bits. <cmath> would cost 5,000 lines.
    double length = sum > 0 ? sum : 1;
    for (int i = 0; i < 5; ++i) {
      length = (length + (dx * dx + dy * dy) / length) / 2;
    }
    const double ux = dx / length;
    const double uy = dy / length;
    out_.print("<path stroke=\"none\" d=\"M{} {}L{} {}L{} {}Z\"/>", x2, y2, x2 - 9 * ux - 3.5 * uy,
               y2 - 9 * uy + 3.5 * ux, x2 - 9 * ux + 3.5 * uy, y2 - 9 * uy - 3.5 * ux);
  }

  /// A box for a fold, with a plus, or for a copy; a receive's fold begins when its message has
  /// come.
  void local(int rank, std::size_t which) {
    const step& one = schedule_.row(rank).steps[which];
    if (one.what == verb::send || one.what == verb::receive || one.into.count == 0) {
      return;
    }
    const moment& when = times_.of(rank, which);
    const bool folds = one.what != verb::copy;
    const double end = x(when.end);
    const double begin =
        one.what == verb::receive_fold ? x(times_.arrival(rank, which)) : x(when.begin);
    const double width = end - begin < 9 ? 9 : end - begin;
    out_.print("<g class=\"{}\">", folds ? "fold" : "copy");
    title(rank, one, when);
    out_.print(
        "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"10\" rx=\"2\" "
        "fill=\"{}\" stroke=\"#333\" stroke-width=\"0.7\"/>",
        begin, y(rank) - 5, width, colour(one.into, folds ? 0.7 : 0.92));
    if (folds) {
      const double middle = begin + width / 2;
      out_.print("<path stroke=\"#222\" stroke-width=\"1.2\" d=\"M{} {}h6M{} {}v6\"/>", middle - 3,
                 y(rank), middle, y(rank) - 3);
    }
    out_.print("</g>\n");
  }

  void title(int rank, const step& one, const moment& when) {
    const run& data = one.what == verb::send ? one.left : one.into;
    const std::string peer = !is_message(one.what)    ? ""
                             : one.what == verb::send ? " to rank " + std::to_string(one.peer)
                                                      : " from rank " + std::to_string(one.peer);
    out_.print("<title>rank {}: {} {}{}, round {}, {} to {} {}</title>", rank, name_of(one.what),
               chunks_text(data), peer, one.round, text::significant{when.begin, 4},
               text::significant{when.end, 4}, unit_);
  }

  void legend(double at) {
    const int chunks = schedule_.row(0).chunks;
    const int shown = chunks < 16 ? chunks : 16;
    out_.print("<text x=\"{}\" y=\"{}\" fill=\"#555\">chunk</text>\n", left, at);
    for (int chunk = 0; chunk < shown; ++chunk) {
      out_.print(
          "<rect x=\"{}\" y=\"{}\" width=\"10\" height=\"10\" fill=\"{}\"/>"
          "<text x=\"{}\" y=\"{}\" fill=\"#555\">{}{}</text>\n",
          left + 42 + 34 * chunk, at - 9, colour(run{region::wire, chunk}, 0.42),
          left + 55 + 34 * chunk, at, chunk, chunk + 1 == shown && chunks > shown ? " ..." : "");
    }
  }

  const table& schedule_;
  std::string algorithm_;  ///< none: drawn without
  moments_by_step times_;
  const char* unit_;
  std::string path_;
  text::writer out_{};
  double seconds_ = 1;
  double span_ = 0;
};

}  // namespace rondo::inline v0_1::schedule::detail
