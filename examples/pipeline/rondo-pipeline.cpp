// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0

// rondo-pipeline: compares, searches, draws and writes out pipeline schedules.

#include "schedules.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <string>

namespace pipeline = rondo::pipeline;

namespace {

struct request {
  pipeline::shape shape{8, 24};
  schedules::rank_costs costs{};
  int pieces = 2;
  std::string schedule{};
  std::int64_t memory_limit = 0;
  bool search = false;
  bool span = false;
  std::string svg{};
  std::string trace{};
  std::string csv{};
  std::string gallery{};
};

/// A forecast whose ticks are parts of the user's.
struct outcome {
  pipeline::forecast forecast{};
  int pieces = 0;

  [[nodiscard]] double in_ticks(pipeline::ticks parts) const {
    return static_cast<double>(parts) / pieces;
  }
  /// Held at most on any rank, in micro-batches of all that the rank holds.
  [[nodiscard]] double peak() const {
    const auto& peaks = forecast.peak_activations;
    return static_cast<double>(*std::max_element(peaks.begin(), peaks.end())) / pieces;
  }
  [[nodiscard]] std::size_t messages() const {
    std::size_t count = 0;
    for (const auto& row : forecast.plan.rows) {
      for (const auto& each : row) {
        count += send_after(each, forecast.plan.placement).kind != pipeline::kind::idle;
      }
    }
    return count;
  }
};

outcome play(const schedules::entry& one, const request& asked) {
  return {pipeline::simulate(one.make(asked.shape, one.pieces),
                             schedules::cut(asked.costs, one.pieces)),
          one.pieces};
}

void print_line(std::string_view name, const outcome& played, const char* note = "") {
  std::printf("%-24.*s %14.1f %14.1f %8.2f %8.2f %10.2f %10zu  %s\n", static_cast<int>(name.size()),
              name.data(), played.in_ticks(played.forecast.makespan),
              played.in_ticks(played.forecast.span), 100 * played.forecast.bubble(),
              100 * played.forecast.span_bubble(), played.peak(), played.messages(), note);
}

void print_head(const request& asked) {
  std::printf(
      "stages %d, micro-batches %d; F %lld, I %lld, W %lld, hop %lld ticks\n", asked.shape.stages,
      asked.shape.micro_batches, static_cast<long long>(asked.costs.forward),
      static_cast<long long>(asked.costs.backward_input),
      static_cast<long long>(asked.costs.backward_weight), static_cast<long long>(asked.costs.hop));
  std::printf("%-24s %14s %14s %8s %8s %10s %10s\n", "schedule", "makespan", "span", "bubble%",
              "span-b%", "holds", "messages");
}

void print_all(const request& asked) {
  print_head(asked);
  for (const auto& one : schedules::all(asked.pieces)) {
    try {
      const outcome played = play(one, asked);
      const bool above =
          asked.memory_limit > 0 && played.peak() > static_cast<double>(asked.memory_limit);
      print_line(one.name, played, above ? "above the memory limit" : "");
    } catch (const rondo::error& refused) {
      std::printf("%-24.*s %s\n", static_cast<int>(one.name.size()), one.name.data(),
                  refused.what());
    }
  }
}

void write(const outcome& played, const request& asked, std::string_view title) {
  if (!asked.svg.empty()) {
    pipeline::write_svg(played.forecast, asked.svg, {.title = title});
  }
  if (!asked.trace.empty()) {
    pipeline::write_trace(played.forecast, asked.trace);
  }
  if (asked.csv == "-") {
    std::fputs(pipeline::to_csv(played.forecast.plan).c_str(), stdout);
  } else if (!asked.csv.empty()) {
    rondo::text::write_file("rondo-pipeline", asked.csv, pipeline::to_csv(played.forecast.plan));
  }
}

/// Searches with one chunk per rank and with several; the quicker plan.
outcome search(const request& asked) {
  outcome best{};
  for (const int pieces : {1, asked.pieces}) {
    const pipeline::costs one = schedules::cut(asked.costs, pieces);
    const auto found = pipeline::search(
        asked.shape, one,
        {.memory_limit = asked.memory_limit * pieces, .barrier = !asked.span, .chunks = pieces});
    outcome played{pipeline::simulate(found.plan, one), pieces};
    const auto clock = [&](const outcome& of) {
      return of.in_ticks(asked.span ? of.forecast.span : of.forecast.makespan);
    };
    char note[64];
    std::snprintf(note, sizeof note, "%.2f %% above its lower bound", 100 * found.gap());
    print_line("searched, chunks " + std::to_string(pieces), played, note);
    if (best.pieces == 0 || clock(played) < clock(best)) {
      best = std::move(played);
    }
    if (asked.pieces == 1) {
      break;
    }
  }
  return best;
}

/// One picture of every schedule.
void write_gallery(const std::string& folder) {
  for (const auto& one : schedules::all(2)) {
    request asked;
    asked.shape = {4, 8};
    const bool pairs = one.name.substr(0, 9) == "dual_pipe";
    asked.costs.overlapped = pairs ? 3 : -1;
    const std::string title{one.name};
    pipeline::write_svg(play(one, asked).forecast, folder + '/' + title + ".svg",
                        {.title = title, .width = 960});
  }
}

void run(const request& asked) {
  if (!asked.gallery.empty()) {
    write_gallery(asked.gallery);
    return;
  }
  const bool to_stdout = asked.csv == "-";
  if (asked.search) {
    if (to_stdout) {
      rondo::refuse("--search prints a table; write its plan to a file: --csv plan.csv");
    }
    print_all(asked);
    write(search(asked), asked, "searched");
    return;
  }
  if (asked.schedule.empty()) {
    if (!asked.svg.empty() || !asked.trace.empty() || !asked.csv.empty()) {
      rondo::refuse("--svg, --trace and --csv need --schedule or --search");
    }
    print_all(asked);
    return;
  }
  for (const auto& one : schedules::all(asked.pieces)) {
    if (one.name == asked.schedule) {
      const outcome played = play(one, asked);
      if (!to_stdout) {
        print_head(asked);
        print_line(one.name, played);
      }
      write(played, asked, one.name);
      return;
    }
  }
  std::string names;
  for (const auto& one : schedules::all(asked.pieces)) {
    names += (names.empty() ? "" : ", ") + std::string{one.name};
  }
  rondo::refuse("no schedule '" + asked.schedule + "'; there are " + names);
}

}  // namespace

int main(int argc, char** argv) {
  request asked;
  CLI::App app{
      "Compares, searches, draws and writes out pipeline schedules.\n"
      "Costs are those of one micro-batch on all that one rank holds, in ticks; schedules\n"
      "with several chunks per rank cut them evenly. Memory is in micro-batches."};
  app.name("rondo-pipeline");
  app.add_option("--schedule", asked.schedule, "one schedule; all of them if left out");
  app.add_option("--stages", asked.shape.stages, "ranks that hold stages")
      ->check(CLI::Range(1, 4096));
  app.add_option("--micro-batches", asked.shape.micro_batches, "of one step")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--chunks", asked.pieces, "chunks or slices, where a schedule takes any number")
      ->check(CLI::Range(1, 64));
  const auto ticks = CLI::Range(std::int64_t{0}, std::int64_t{1} << 40);
  app.add_option("--forward", asked.costs.forward, "F")->check(ticks);
  app.add_option("--backward-input", asked.costs.backward_input, "I")->check(ticks);
  app.add_option("--backward-weight", asked.costs.backward_weight, "W")->check(ticks);
  app.add_option("--hop", asked.costs.hop, "from one rank to the next")->check(ticks);
  app.add_option("--overlapped", asked.costs.overlapped, "a forward and a backward together (dual)")
      ->check(ticks);
  app.add_option("--memory-limit", asked.memory_limit, "micro-batches that a rank may hold")
      ->check(CLI::Range(1, 1 << 20));
  app.add_flag("--search", asked.search, "look for a better plan within the memory limit");
  app.add_flag("--span", asked.span, "search for steps without a barrier between them");
  app.add_option("--svg", asked.svg, "write a picture");
  app.add_option("--trace", asked.trace, "write a trace for Perfetto or chrome://tracing");
  app.add_option("--csv", asked.csv, "write the plan as PyTorch's text; - for standard output");
  app.add_option("--gallery", asked.gallery, "write a picture of every schedule to this folder");
  try {
    app.parse(argc, argv);
    run(asked);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& wrong) {
    std::fprintf(stderr, "rondo-pipeline: %s\n", wrong.what());
    return 2;
  } catch (const rondo::error& refused) {
    std::fprintf(stderr, "%s\n", refused.what());
    return 2;
  }
  return 0;
}
