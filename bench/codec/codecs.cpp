// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Every codec: bits per value, what is left of a signal, and speed on one core with data in L2.
//
//   codecs              the table for docs/codecs.md, and each target beside what was measured
//   codecs --quality    bits and quality only: the same numbers on every machine
//   codecs --svg        the plot of error against bits, docs/pictures/codecs.svg, on standard
//   output
//   codecs_portable     the same, compiled for the oldest x86-64 alone
#include <rondo/codec.hpp>

#include "../../tests/codec/samples.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace rondo;
using bytes = std::vector<std::byte>;

struct row {
  std::string name;
  double bits;
  double sqnr[3];  ///< dB: Gaussian, Student's t with 3 degrees of freedom, outlier channels
  double encode;   ///< GB/s of fp32 values, and so below
  double decode;
  double decode_add;
  double encode_sum;  ///< 10^9 wire values/s, eight wires
};

#if defined(RONDO_NO_TWINS)
constexpr bool portable = true;
#else
constexpr bool portable = false;
#endif

/// 128 KiB of fp32 values.
constexpr std::size_t in_cache = 32768;

/// Seconds per call: the median of many short measurements.
template <class Call>
double seconds(const Call& call) {
  using clock = std::chrono::steady_clock;
  std::vector<double> times;
  for (int i = 0; i < 60; ++i) {
    const auto begin = clock::now();
    for (int k = 0; k < 8; ++k) {
      call();
    }
    times.push_back(std::chrono::duration<double>(clock::now() - begin).count() / 8);
  }
  std::nth_element(times.begin(), times.begin() + 30, times.end());
  return times[30];
}

double gigabytes(double time) { return 4e-9 * static_cast<double>(in_cache) / time; }

double memcpy_speed() {
  const auto from = samples::gaussian(in_cache, 1);
  std::vector<float> to(in_cache);
  return gigabytes(seconds([&] {
    std::memcpy(to.data(), from.data(), in_cache * sizeof(float));
    asm volatile("" ::"r"(to.data()) : "memory");
  }));
}

template <class Codec>
void measure_quality(const Codec& codec, row& result) {
  const std::vector<float> inputs[] = {samples::gaussian(65536, 1), samples::student(65536, 2),
                                       samples::outliers(65536, 3)};
  bytes wire(codec.wire_bytes(65536));
  std::vector<float> got(65536);
  for (int k = 0; k < 3; ++k) {
    codec.encode(inputs[k], wire);
    codec.decode(wire, got);
    result.sqnr[k] = samples::sqnr(inputs[k], got);
  }
}

template <class Codec>
void measure_speed(const Codec& codec, row& result) {
  const auto values = samples::gaussian(in_cache, 1);
  bytes wire(codec.wire_bytes(in_cache));
  std::vector<float> got(in_cache, 0.0f);
  result.encode = gigabytes(seconds([&] { codec.encode(values, wire); }));
  result.decode = gigabytes(seconds([&] { codec.decode(wire, got); }));
  result.decode_add = gigabytes(seconds([&] { codec.decode_add(wire, got); }));
  const std::vector<bytes> wires(8, wire);
  const std::vector<std::span<const std::byte>> views(wires.begin(), wires.end());
  const double sum = seconds([&] { codec.encode_sum(views, in_cache, wire); });
  result.encode_sum = 8e-9 * static_cast<double>(in_cache) / sum;
}

class table {
 public:
  explicit table(bool with_speed) : with_speed_{with_speed} {}

  template <class Codec>
  void add(const char* name, const Codec& codec) {
    row result{name, codec::bits_per_value(codec), {}, 0, 0, 0, 0};
    measure_quality(codec, result);
    if (with_speed_) {
      measure_speed(codec, result);
    }
    rows_.push_back(result);
  }
  [[nodiscard]] const std::vector<row>& rows() const { return rows_; }
  [[nodiscard]] const row& of(std::string_view name) const {
    return *std::find_if(rows_.begin(), rows_.end(),
                         [name](const row& r) { return r.name == name; });
  }

 private:
  bool with_speed_;
  std::vector<row> rows_;
};

table all_codecs(bool with_speed) {
  table t{with_speed};
  t.add("cast&lt;half&gt;", codec::cast<half>{});
  t.add("cast&lt;bfloat16&gt;", codec::cast<bfloat16>{});
  t.add("int8_asymmetric&lt;32&gt;", codec::int8_asymmetric<32>{});
  t.add("int8&lt;32&gt;", codec::int8<32>{});
  t.add("int8&lt;128&gt;", codec::int8<128>{});
  t.add("stochastic int8&lt;128&gt;", codec::stochastic{codec::int8<128>{}, 1});
  t.add("mxint8", codec::mxint8<>{});
  t.add("mxfp8", codec::mxfp8<>{});
  t.add("mxfp8_e5m2", codec::mxfp8_e5m2<>{});
  t.add("fp8_e4m3&lt;128&gt;", codec::fp8_e4m3<128>{});
  t.add("fp8_e5m2&lt;128&gt;", codec::fp8_e5m2<128>{});
  t.add("int6&lt;32&gt;", codec::int6<32>{});
  t.add("mxfp6_e2m3", codec::mxfp6_e2m3<>{});
  t.add("mxfp6_e3m2", codec::mxfp6_e3m2<>{});
  t.add("int4_asymmetric&lt;32&gt;", codec::int4_asymmetric<32>{});
  t.add("int4&lt;32&gt;", codec::int4<32>{});
  t.add("rotated int4&lt;32&gt;", codec::rotated{codec::int4<32>{}, 7});
  t.add("nvfp4", codec::nvfp4{});
  t.add("mxfp4", codec::mxfp4<>{});
  t.add("int4&lt;128&gt;", codec::int4<128>{});
  t.add("int2&lt;32&gt;", codec::int2<32>{});
  t.add("sign&lt;2048&gt;", codec::sign<2048>{});
  return t;
}

std::string plain(std::string name) {
  for (const auto& [from, to] : {std::pair{"&lt;", "<"}, std::pair{"&gt;", ">"}}) {
    for (std::size_t at = name.find(from); at != std::string::npos; at = name.find(from)) {
      name.replace(at, 4, to);
    }
  }
  return name;
}

void print_table(const table& t, bool with_speed) {
  std::puts(with_speed ? "| codec | bits/value | Gaussian | heavy tails | outliers | encode GB/s | "
                         "decode GB/s | decode-add GB/s | 8-way sum, G values/s |\n"
                         "|---|--:|--:|--:|--:|--:|--:|--:|--:|"
                       : "| codec | bits/value | Gaussian | heavy tails | outliers |\n"
                         "|---|--:|--:|--:|--:|");
  for (const row& r : t.rows()) {
    std::printf("| `%s` | %.2f | %.1f | %.1f | %.1f |", plain(r.name).c_str(), r.bits, r.sqnr[0],
                r.sqnr[1], r.sqnr[2]);
    if (with_speed) {
      std::printf(" %.1f | %.1f | %.1f | %.1f |", r.encode, r.decode, r.decode_add, r.encode_sum);
    }
    std::puts("");
  }
}

/// Encoding over copying, `calls` of each by turns, so that both see the machine alike: the median.
double encode_over_memcpy(std::size_t count, int calls, int turns) {
  using clock = std::chrono::steady_clock;
  const auto values = samples::gaussian(count, 1);
  const codec::int8<128> codec;
  bytes wire(codec.wire_bytes(values.size()));
  std::vector<float> copy(values.size());
  std::vector<double> ratios;
  for (int i = 0; i < turns; ++i) {
    const auto begin = clock::now();
    for (int k = 0; k < calls; ++k) {
      std::memcpy(copy.data(), values.data(), values.size() * sizeof(float));
      asm volatile("" ::"r"(copy.data()) : "memory");
    }
    const auto middle = clock::now();
    for (int k = 0; k < calls; ++k) {
      codec.encode(values, wire);
    }
    const auto end = clock::now();
    ratios.push_back(std::chrono::duration<double>(middle - begin).count() /
                     std::chrono::duration<double>(end - middle).count());
  }
  std::nth_element(ratios.begin(), ratios.begin() + turns / 2, ratios.end());
  return ratios[static_cast<std::size_t>(turns) / 2];
}

void print_targets(const table& t, double copy) {
  const row& int8 = t.of("int8&lt;128&gt;");
  const row& int4 = t.of("int4&lt;32&gt;");
  const auto line = [](const char* what, double got, double target, const char* unit) {
    std::printf("| %s | %.2f %s | %.1f %s | %s |\n", what, got, unit, target, unit,
                got >= target ? "met" : "missed");
  };
  std::printf(
      "\nmemcpy in the same run: %.1f GB/s\n\n| figure | measured | target | |\n"
      "|---|--:|--:|---|\n",
      copy);
  if (portable) {
    line("int8<128> encode, without AVX2", int8.encode, 6, "GB/s");
    return;
  }
  line("int8<128> encode", int8.encode, 20, "GB/s");
  line("int8<128> encode over memcpy, in L2", encode_over_memcpy(in_cache, 8, 301), 0.7, "");
  line("int8<128> encode over memcpy, in DRAM", encode_over_memcpy(std::size_t{1} << 24, 1, 9), 0.7,
       "");
  line("int8<128> decode-add", int8.decode_add, 38, "GB/s");
  line("int4<32> decode", int4.decode, 30, "GB/s");
  line("fp8_e4m3<128> encode", t.of("fp8_e4m3&lt;128&gt;").encode, 15, "GB/s");
  line("stochastic int8<128> encode", t.of("stochastic int8&lt;128&gt;").encode, 15, "GB/s");
  line("int8<128> decode-sum(8)-encode", int8.encode_sum, 10, "G wire values/s");
}

const char* color_of(const row& r) {
  return r.name.find("int") != std::string::npos ? "#1f5fa8" : "#c4571b";
}

struct point {
  double x;
  double y;
};

double distance(point a, point b) { return std::hypot(a.x - b.x, a.y - b.y); }

/// Where the middle of a dot's number stands: as near to the dot as may be, apart from the numbers
/// that are there and off every dot, and nearer to its own dot than to any other. Dots that all but
/// coincide have no such places: then it is only near, and a line tells whose it is.
point place_of_label(const std::vector<point>& dots, std::size_t own,
                     const std::vector<point>& labels) {
  for (const double nearer : {2.0, 0.5, -100.0}) {
    for (double radius = 9; radius < 40; radius += 1) {
      for (int turn = 0; turn < 24; ++turn) {
        const double angle = turn * 0.2617993877991494;
        const point at{dots[own].x + radius * std::cos(angle),
                       dots[own].y + radius * std::sin(angle)};
        const bool apart = std::none_of(labels.begin(), labels.end(), [at](point other) {
          return std::abs(other.x - at.x) < 11.5 && std::abs(other.y - at.y) < 8;
        });
        bool own_is_nearest = true;
        for (std::size_t i = 0; i < dots.size(); ++i) {
          const double away = distance(dots[i], at);
          own_is_nearest &= away >= 8 && (i == own || away >= radius + nearer);
        }
        if (apart && own_is_nearest) {
          return at;
        }
      }
    }
  }
  return dots[own];
}

/// Error against bits, one panel per distribution; numbers at the dots are those of the legend.
void print_svg(const table& t) {
  constexpr double width = 330;
  constexpr double height = 300;
  const auto x_of = [](double bits) { return 45 + (bits > 10 ? 10.5 : bits) * 24; };
  const auto y_of = [](double decibel) { return 265 - (decibel > 50 ? 50 : decibel) * 4.6; };
  std::printf(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" "
      "font-family=\"sans-serif\" font-size=\"9\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      3 * width, height + 100);
  const char* const titles[] = {"Gaussian", "Student's t, 3 degrees", "outlier channels, x 30"};
  for (int panel = 0; panel < 3; ++panel) {
    std::printf("<g transform=\"translate(%.0f,10)\">\n", panel * width);
    std::printf("<text x=\"170\" y=\"12\" text-anchor=\"middle\" font-size=\"12\">%s</text>\n",
                titles[panel]);
    for (int decibel = 0; decibel <= 50; decibel += 10) {
      std::printf(
          "<line x1=\"45\" x2=\"310\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#ddd\"/>"
          "<text x=\"40\" y=\"%.1f\" text-anchor=\"end\">%d</text>\n",
          y_of(decibel), y_of(decibel), y_of(decibel) + 3, decibel);
    }
    for (int bits = 0; bits <= 10; bits += 2) {
      std::printf("<text x=\"%.1f\" y=\"280\" text-anchor=\"middle\">%d</text>\n", x_of(bits),
                  bits);
    }
    std::puts(
        "<text x=\"170\" y=\"295\" text-anchor=\"middle\">bits per value</text>\n"
        "<text x=\"12\" y=\"150\" transform=\"rotate(-90 12 150)\" "
        "text-anchor=\"middle\">signal to noise, dB</text>");
    std::vector<point> dots;
    for (const row& r : t.rows()) {
      if (r.bits <= 10) {
        dots.push_back({x_of(r.bits), y_of(r.sqnr[panel])});
      }
    }
    std::vector<point> labels;
    for (const row& r : t.rows()) {
      if (r.bits > 10) {
        continue;
      }
      const std::size_t own = labels.size();
      const point dot = dots[own];
      const point label = place_of_label(dots, own, labels);
      labels.push_back(label);
      if (distance(dot, label) > 10) {
        std::printf(
            "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" stroke=\"#999\" "
            "stroke-width=\"0.5\"/>",
            dot.x, dot.y, label.x + 0.4 * (dot.x - label.x), label.y + 0.4 * (dot.y - label.y));
      }
      std::printf(
          "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"2.5\" fill=\"%s\"><title>%s: %.2f bits, "
          "%.1f dB</title></circle>"
          "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" fill=\"%s\">%zu</text>\n",
          dot.x, dot.y, color_of(r), r.name.c_str(), r.bits, r.sqnr[panel], label.x, label.y + 3,
          color_of(r), own + 1);
    }
    std::puts("</g>");
  }
  int number = 0;
  for (const row& r : t.rows()) {
    if (r.bits <= 10) {
      std::printf("<text x=\"%d\" y=\"%d\" font-size=\"11\" fill=\"%s\">%d  %s</text>\n",
                  45 + number / 5 * 190, 330 + number % 5 * 17, color_of(r), number + 1,
                  r.name.c_str());
      ++number;
    }
  }
  std::puts("</svg>");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view mode = argc > 1 ? argv[1] : "";
  if (mode == "--svg") {
    print_svg(all_codecs(false));
  } else if (mode == "--quality") {
    print_table(all_codecs(false), false);
  } else {
    const double copy = memcpy_speed();
    const table t = all_codecs(true);
    print_table(t, true);
    print_targets(t, copy);
  }
}
