// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cases.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace bench {

/// Sizes from 1 KiB to 16 MiB, and as long for each as the tables took, if not told otherwise.
[[nodiscard]] inline options forecast_options(int argc, char** argv) {
  options with;
  with.seconds = 0.02;
  with.sizes.clear();
  for (std::size_t bytes = 1 << 10; bytes <= std::size_t{16} << 20; bytes *= 4) {
    with.sizes.push_back(bytes);
  }
  with.read(argc, argv);
  return with;
}

/// Times of all schedules and sizes, on this machine and as `simulate` has them once its constants
/// are fitted: printed by one rank, as Markdown.
class forecast {
 public:
  /// Before any rank is bound to a core.
  explicit forecast(const options& with) : with_{with} {
    cpu_set_t all;
    start.cores = sched_getaffinity(0, sizeof all, &all) == 0 ? CPU_COUNT(&all) : 1;
  }

  /// Every rank calls this. `world` is what `measure` wants.
  template <class Comm, class World>
  void run(Comm& comm, World& world) {
    for (int pass = 0; pass < passes; ++pass) {
      for (const std::size_t bytes : with_.sizes) {
        values a{bytes, 1.f};
        values b{bytes, 0.f};
        for_each_schedule(comm.size(), [&](const std::string& name, const auto&, const auto& call) {
          const auto got = measure(world, with_.seconds, [&] {
            call(comm, std::span<float>{a.data(), a.size()}, std::span<float>{b.data(), b.size()});
          });
          if (comm.rank() == 0) {
            times_[{name, bytes}].push_back(got.median);
          }
        });
      }
    }
    if (comm.rank() == 0) {
      print(comm.size());
    }
  }

  /// The machine as far as it is known: `simulate` is told what the fit may move, and from where.
  rondo::schedule::host start{
      .signal = 1e-7,
      .handover = 0.8e-6,
      .overhead = 1e-7,
      .patience = 2.4e-6,
      .copy_bytes_per_second = 40e9,
      .fold_bytes_per_second = 60e9,
      .moved_bytes_per_second = 40e9,
      .claimed_bytes_per_second = 40e9,
      .of_core = {.bytes = second_cache(), .missed_bytes_per_second = 100e9},
      .of_all = {.missed_bytes_per_second = 30e9},
      .fetched_bytes_per_second = 60e9,
  };

 private:
  /// A guest is told the size of what each core has for itself, and it is true.
  [[nodiscard]] static double second_cache() {
    const long bytes = sysconf(_SC_LEVEL2_CACHE_SIZE);
    return bytes > 0 ? static_cast<double>(bytes) : 1 << 20;
  }

  static constexpr int passes = 6;
  static constexpr double bound = 0.2;

  /// Medians of every `by`-th pass from `first` on.
  [[nodiscard]] std::vector<rondo::schedule::sample> samples_of(int ranks, std::size_t first,
                                                                std::size_t by) const {
    std::vector<rondo::schedule::sample> made;
    for_each_schedule(ranks, [&](const std::string& name, const auto& one, const auto&) {
      for (const std::size_t bytes : with_.sizes) {
        made.emplace_back(one, bytes, median_of(times_.at({name, bytes}), first, by));
      }
    });
    return made;
  }
  [[nodiscard]] static double median_of(const std::vector<double>& all, std::size_t first,
                                        std::size_t by) {
    std::vector<double> each;
    for (std::size_t i = first; i < all.size(); i += by) {
      each.push_back(all[i]);
    }
    std::sort(each.begin(), each.end());
    return (each[(each.size() - 1) / 2] + each[each.size() / 2]) / 2;
  }

  /// How much of a last-level cache a guest gets, and whether its cores share one, is not written
  /// anywhere: what fits best.
  [[nodiscard]] rondo::schedule::fitted<rondo::schedule::host> fit(
      const std::vector<rondo::schedule::sample>& samples) const {
    rondo::schedule::fitted<rondo::schedule::host> best;
    double least = std::numeric_limits<double>::infinity();
    for (const bool apart : {false, true}) {
      for (const double mebibytes : {12., 16., 24., 32.}) {
        auto guess = start;
        guess.apart = apart;
        guess.of_all.bytes = mebibytes * (1 << 20);
        auto found = rondo::schedule::fit(samples, guess);
        if (mean_of(found.errors) < least) {
          least = mean_of(found.errors);
          best = std::move(found);
        }
      }
    }
    return best;
  }

  /// Their root mean square.
  [[nodiscard]] static double mean_of(const std::vector<double>& errors) {
    double sum = 0;
    for (const double error : errors) {
      sum += error * error;
    }
    return std::sqrt(sum / static_cast<double>(errors.size()));
  }

  void print(int ranks) const {
    write(ranks, fit(samples_of(ranks, 0, 1)));
    // Constants that only fit what they were fitted to would miss times that they were not.
    const auto known = samples_of(ranks, 0, 2);
    const auto unknown = samples_of(ranks, 1, 2);
    const auto on = fit(known).on;
    std::size_t outside = 0;
    std::size_t unsteady = 0;
    for (std::size_t i = 0; i < known.size(); ++i) {
      outside += std::abs(unknown[i].predicted(on) / unknown[i].seconds() - 1) > bound ? 1 : 0;
      unsteady += std::abs(known[i].seconds() / unknown[i].seconds() - 1) > bound ? 1 : 0;
    }
    std::printf(
        "fitted to every other pass: %zu of the other passes' cells outside; %zu differ by "
        "more than that between the two\n",
        outside, unsteady);
  }

  void write(int ranks, const rondo::schedule::fitted<rondo::schedule::host>& found) const {
    const auto& on = found.on;
    std::printf("\n### %d ranks\n\n| measured us (simulated: + %%) |", ranks);
    for (const std::size_t bytes : with_.sizes) {
      std::printf(bytes < 1 << 20 ? " %zu KiB |" : " %zu MiB |",
                  bytes >> (bytes < 1 << 20 ? 10 : 20));
    }
    std::printf("\n|---|");
    for (std::size_t i = 0; i < with_.sizes.size(); ++i) {
      std::printf("---:|");
    }
    std::size_t at = 0;
    std::size_t outside = 0;
    for_each_schedule(ranks, [&](const std::string& name, const auto&, const auto&) {
      std::printf("\n| %s |", name.c_str());
      for (const std::size_t bytes : with_.sizes) {
        const double measured = median_of(times_.at({name, bytes}), 0, 1);
        const double error = found.errors[at++];
        outside += std::abs(error) > bound ? 1 : 0;
        std::printf(" %.*f (%+.0f) |", measured < 1e-5 ? 2 : 0, measured * 1e6, error * 100);
      }
    });
    std::printf("\n\n%zu of %zu outside 20 %%; root mean square %.0f %%, worst %.0f %%\n", outside,
                at, mean_of(found.errors) * 100, found.worst * 100);
    std::printf(
        "cores %s; signal %.2f us, handover %.2f us, overhead %.2f us, patience %.2f us; GB/s: "
        "copy %.0f, fold %.0f, in addition: moved between cores %.0f, claimed by folds %.0f, "
        "missing the core's cache %.0f, missing %.0f MiB %.0f, of which a core gets %.0f",
        on.apart ? "apart" : "close", on.signal * 1e6, on.handover * 1e6, on.overhead * 1e6,
        on.patience * 1e6, on.copy_bytes_per_second * 1e-9, on.fold_bytes_per_second * 1e-9,
        on.moved_bytes_per_second * 1e-9, on.claimed_bytes_per_second * 1e-9,
        on.of_core.missed_bytes_per_second * 1e-9, on.of_all.bytes / (1 << 20),
        on.of_all.missed_bytes_per_second * 1e-9, on.fetched_bytes_per_second * 1e-9);
    if (on.copied_bytes >= 0) {
      std::printf("; message %.0f GB/s, handshake %.2f us and %.1f turns",
                  on.message_bytes_per_second * 1e-9, on.handshake * 1e6, on.handshake_turns);
    }
    std::puts("");
  }

  options with_;
  std::map<std::pair<std::string, std::size_t>, std::vector<double>> times_{};
};

}  // namespace bench
