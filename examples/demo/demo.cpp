// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Trains a byte-level language model on thread ranks, and shows what rondo did on the way.
#include "compressed.hpp"
#include "corpus.hpp"
#include "options.hpp"
#include "plot.hpp"
#include "timelines.hpp"
#include "train.hpp"

#include <rondo/rondo.hpp>

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using demo::exchange;
using demo::outcome;

double bits(double nats) { return nats / std::log(2.0); }

/// One line that is written over on a terminal, and now and then a new one elsewhere.
class progress_line {
 public:
  /// `lines`: of those, how many elsewhere.
  progress_line(std::string name, exchange how, int steps, int lines)
      : name_{std::move(name)},
        waited_{how == exchange::buckets ? "in wait(), for late peers too" : "in all_reduce"},
        steps_{steps},
        lines_{isatty(STDOUT_FILENO) == 1 ? 100 : lines} {}

  void operator()(int step, float loss, double seconds, double moving) const {
    if (step != steps_ && step % (std::max)(1, steps_ / lines_) != 0) {
      return;
    }
    const bool stay = lines_ == 100 && step != steps_;
    std::printf("  %-30s step %4d of %d  %6.3f bits/byte  %6.0f bytes/s  %4.1f %% of time %s%c",
                name_.c_str(), step, steps_, bits(static_cast<double>(loss)),
                step * static_cast<double>(demo::batch) / seconds, 100 * moving / seconds, waited_,
                stay ? '\r' : '\n');
    std::fflush(stdout);
  }

 private:
  std::string name_;
  const char* waited_;
  int steps_;
  int lines_;
};

outcome trained(const demo::corpus& text, int ranks, int steps, exchange how, const char* name,
                int lines = 1) {
  const std::string title =
      std::string{name} + ", " + std::to_string(ranks) + (ranks == 1 ? " rank" : " ranks");
  return demo::train(text, ranks, steps, how, progress_line{title, how, steps, lines});
}

/// The loss, averaged over stretches, so that a plot shows its course and not its noise.
demo::line smooth(const char* name, const std::vector<float>& loss, std::size_t stretch,
                  bool dashed = false) {
  demo::line made{name, {}, dashed};
  for (std::size_t first = 0; first + stretch <= loss.size(); first += stretch) {
    double sum = 0;
    for (std::size_t i = first; i < first + stretch; ++i) {
      sum += static_cast<double>(loss[i]);
    }
    made.points.emplace_back(static_cast<double>(first + stretch),
                             bits(sum / static_cast<double>(stretch)));
  }
  return made;
}

/// By how many percent the loss, averaged over stretches, is above that of another run.
demo::line apart(const char* name, const std::vector<float>& loss, const std::vector<float>& other,
                 std::size_t stretch) {
  demo::line made = smooth(name, loss, stretch);
  const demo::line base = smooth("", other, stretch);
  for (std::size_t i = 0; i < made.points.size(); ++i) {
    made.points[i].second = 100 * (made.points[i].second / base.points[i].second - 1);
  }
  return made;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

/// The largest difference between two runs' losses, and the first step with one.
std::pair<std::size_t, double> difference(const outcome& a, const outcome& b) {
  std::size_t first = a.loss.size();
  double most = 0;
  for (std::size_t i = a.loss.size(); i-- > 0;) {
    const double apart = std::abs(static_cast<double>(a.loss[i]) - static_cast<double>(b.loss[i]));
    most = (std::max)(most, apart);
    first = apart > 0 ? i + 1 : first;
  }
  return {first, most};
}

/// The same batches on 1, 2 and 4 ranks, by plain and by exact sums.
void compare_rank_counts(const demo::corpus& text, const demo::options& given) {
  std::printf("\nThe same batches on 1, 2 and 4 ranks\n");
  std::vector<outcome> plain;
  std::vector<outcome> exact;
  for (const int ranks : {1, 2, 4}) {
    plain.push_back(trained(text, ranks, given.compared_steps, exchange::whole, "op::sum"));
    exact.push_back(
        trained(text, ranks, given.compared_steps, exchange::exact, "op::reproducible_sum"));
  }
  const auto [step, apart] = difference(plain[0], plain[2]);
  if (apart > 0) {
    std::printf("  op::sum: losses of 1 and 4 ranks part at step %zu, and are up to %.1e apart\n",
                step, apart);
  } else {
    std::printf("  op::sum: no difference in so few steps\n");
  }
  for (const std::size_t other : {std::size_t{1}, std::size_t{2}}) {
    if (!same_bits(exact[0].loss, exact[other].loss) ||
        !same_bits(exact[0].parameters, exact[other].parameters)) {
      throw std::runtime_error("reproducible_sum gave different bits on different rank counts");
    }
  }
  std::printf(
      "  op::reproducible_sum: losses and parameters are the same bits on 1, 2 and 4 ranks\n");
}

/// The mean loss of the last steps of a run, or of its beginning up to step `steps`.
double late_loss(const std::vector<float>& loss, std::size_t steps) {
  const std::size_t some = (std::max)(std::size_t{1}, steps / 4);
  double sum = 0;
  for (std::size_t i = steps - some; i < steps; ++i) {
    sum += static_cast<double>(loss[i]);
  }
  return sum / static_cast<double>(some);
}

/// The same batches with gradients in 8, 4 and 1 bits, beside the run in fp32.
void compare_codecs(const demo::corpus& text, const demo::options& given, const outcome& whole) {
  const int steps = (std::max)(1, given.steps / 3);
  const auto count = static_cast<std::size_t>(steps);
  std::printf("\nThe same batches, with gradients in fewer bits\n");
  const auto run = [&](const char* name, const auto& sum) {
    const demo::outcome made = demo::train(text, given.ranks, steps, exchange::whole,
                                           progress_line{name, exchange::whole, steps, 1}, sum);
    return made.loss;
  };
  const auto eight = run("int8<128>", demo::sum_in_8_bits{});
  const auto four = run("rotated int4<32>", demo::sum_in_4_bits{});
  const auto one = run("sign<2048>, error feedback", demo::sum_in_1_bit{.warm_up = steps / 4});

  const double plain = late_loss(whole.loss, count);
  const std::vector<std::pair<const char*, const std::vector<float>*>> all{
      {"int8<128>", &eight}, {"rotated int4<32>", &four}, {"sign<2048>, error feedback", &one}};
  for (const auto& [name, loss] : all) {
    const double late = late_loss(*loss, count);
    std::printf("  %-30s loss of the last %d steps %6.3f bits/byte, %+.2f %% of that in fp32\n",
                name, (std::max)(1, steps / 4), bits(late), 100 * (late / plain - 1));
    if (steps >= 400 && late > 1.01 * plain) {
      throw std::runtime_error(std::string{name} + " trains more than 1 % worse than fp32");
    }
  }
  const std::size_t stretch = (std::max)(std::size_t{1}, count / 60);
  demo::write({"Training loss with compressed gradients, beside that in fp32",
               "step",
               "percent above fp32",
               {apart("int8, 8.25 bits", eight, whole.loss, stretch),
                apart("rotated int4, 4.5 bits", four, whole.loss, stretch),
                apart("sign and error feedback, 1 bit", one, whole.loss, stretch)}},
              given.out / "compressed.svg");
}

/// Some text as the model has learned to write it.
void write_sample(const std::vector<float>& parameters) {
  demo::model net;
  net.values = parameters;
  std::string text = "/// The rank";
  text.resize(demo::model::context, ' ');
  std::mt19937 random{3};
  while (text.size() < 400) {
    const auto likely = net.predict(reinterpret_cast<const unsigned char*>(text.data()) +
                                    text.size() - demo::model::context);
    std::vector<double> sharper(likely.begin(), likely.end());
    for (double& one : sharper) {
      one = std::pow(one, 1.5);
    }
    const auto next = std::discrete_distribution<int>{sharper.begin(), sharper.end()}(random);
    text += next == '\n' || (next >= ' ' && next <= '~') ? static_cast<char>(next) : '?';
  }
  std::printf("\nThe model writes:\n\n%s\n", text.c_str());
}

/// This machine's table, by scripts/bench.
void time_all_reduce(const std::filesystem::path& out) {
  const auto script = std::filesystem::path{DEMO_CHECKOUT} / "scripts" / "bench";
  std::printf("\nAll-reduce on this machine\n");
  std::fflush(stdout);
  if (!std::filesystem::exists(script) || std::system("python3 --version >/dev/null 2>&1") != 0) {
    std::printf("  skipped: it needs python3 and %s\n", script.c_str());
    return;
  }
  const std::string command = "'" + script.string() + "' --quick --ranks 2,4 --output '" +
                              std::filesystem::absolute(out / "bench").string() + "'";
  if (std::system(command.c_str()) != 0) {
    std::printf("  scripts/bench failed; run it by hand to see why\n");
  }
}

void show(const demo::options& given) {
  std::filesystem::create_directories(given.out);
  const demo::corpus text{given.text.empty() ? demo::own_text(DEMO_CHECKOUT)
                                             : demo::contents(given.text)};
  std::printf("Text: %zu bytes%s. Model: %zu parameters. Batch: %d contexts of %zu bytes.\n\n",
              text.bytes(), given.text.empty() ? " (this checkout's docs and headers)" : "",
              demo::model::parameters, demo::batch, demo::model::context);

  const auto whole = trained(text, given.ranks, given.steps, exchange::whole, "one all_reduce", 8);
  const auto buckets = trained(text, given.ranks, (std::max)(1, given.steps / 3), exchange::buckets,
                               "asynchronous buckets", 4);
  std::printf("  all ranks hold the same parameters; text kept back: %.3f bits/byte (%.3f)\n",
              bits(static_cast<double>(whole.kept_back_loss)),
              bits(static_cast<double>(buckets.kept_back_loss)));
  std::printf(
      "  time in all_reduce begins when all ranks are there, that in wait() while peers compute\n");
  const double slower = whole.bytes_per_second() / buckets.bytes_per_second();
  if (slower > 1.05) {
    std::printf(
        "  buckets take %.1f times as long here: where the processors that compute also fold, "
        "nothing can\n  overlap, and each bucket meets its peers anew (docs/collectives.md)\n",
        slower);
  }
  const std::size_t stretch = (std::max)(std::size_t{1}, whole.loss.size() / 150);
  demo::write({"Training loss on " + std::to_string(given.ranks) + " thread ranks",
               "step",
               "bits per byte",
               {smooth("one all_reduce", whole.loss, stretch),
                smooth("asynchronous buckets, a third of the steps", buckets.loss, stretch, true)}},
              given.out / "loss.svg");

  compare_rank_counts(text, given);
  compare_codecs(text, given, whole);
  write_sample(whole.parameters);
  demo::write_timelines(given.out);
  if (given.table) {
    time_all_reduce(given.out);
  }

  std::printf("\nFiles:\n");
  std::vector<std::filesystem::path> files;
  for (const auto& one : std::filesystem::recursive_directory_iterator{given.out}) {
    if (one.is_regular_file()) {
      files.push_back(one.path());
    }
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::printf("  %s\n", file.c_str());
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    show(demo::parse(argc, argv));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "demo: %s\n", failure.what());
    return 1;
  }
}
