// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include <sched.h>
#include <unistd.h>

/// One way of timing for every library, so that figures compare.
///
/// Calls run back to back in batches of one to two milliseconds; a batch takes as long as its
/// slowest rank; the figure is the median over batches, its spread the 10th and 90th percentile
/// (the method of nccl-tests). Sizes are the bytes of a rank's larger buffer. Values are float,
/// folds are sums.
namespace bench {

/// What to measure, from the command line.
struct options {
  int ranks = 2;
  std::vector<std::size_t> sizes{8};
  std::vector<std::string> collectives{"all_reduce"};
  std::vector<std::string> variants{};
  double seconds = 0.1;  ///< for each figure
  bool pin = true;       ///< rank r to the r-th processor, modulo their number

  options() = default;
  options(int argc, char** argv) { read(argc, argv); }

  /// What the command line says replaces what was chosen before.
  void read(int argc, char** argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
      const std::string name = argv[i];
      const std::string value = argv[i + 1];
      if (name == "--ranks") {
        ranks = std::atoi(value.c_str());
      } else if (name == "--sizes") {
        sizes.clear();
        for (const auto& one : split(value)) {
          sizes.push_back(std::strtoull(one.c_str(), nullptr, 10));
        }
      } else if (name == "--collectives") {
        collectives = split(value);
      } else if (name == "--variants") {
        variants = split(value);
      } else if (name == "--seconds") {
        seconds = std::atof(value.c_str());
      } else if (name == "--pin") {
        pin = value == "1";
      } else {
        std::fprintf(stderr, "unknown option %s\n", name.c_str());
        std::exit(2);
      }
    }
  }

  [[nodiscard]] bool wants(const std::string& variant) const {
    return variants.empty() ||
           std::find(variants.begin(), variants.end(), variant) != variants.end();
  }

  void settle(int rank) const {
    cpu_set_t all;
    if (!pin || sched_getaffinity(0, sizeof all, &all) != 0) {
      return;
    }
    int skip = rank % CPU_COUNT(&all);
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &all) && skip-- == 0) {
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        sched_setaffinity(0, sizeof one, &one);
        return;
      }
    }
  }

 private:
  static std::vector<std::string> split(const std::string& list) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= list.size();) {
      const std::size_t end = std::min(list.find(',', begin), list.size());
      parts.push_back(list.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  }
};

struct figure {
  double median = 0;
  double low = 0;
  double high = 0;
  int batches = 0;
  int batch = 0;
};

inline double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// Seconds per call. `world.slowest(seconds)` is the largest over ranks, the same on all, and holds
/// ranks until all have come; every rank calls this.
template <class World, class Call>
figure measure(World& world, double seconds, const Call& call) {
  const auto batch_of = [&](int calls) {
    static_cast<void>(world.slowest(0));
    const double begin = now();
    for (int i = 0; i < calls; ++i) {
      call();
    }
    return world.slowest(now() - begin);
  };
  // New threads that share a processor may take turns of milliseconds for a tenth of a second.
  thread_local bool is_new = true;
  for (const double begun = now(); is_new && world.slowest(now() - begun) < 0.2;) {
    static_cast<void>(batch_of(1));
  }
  is_new = false;
  int calls = 1;
  double taken = batch_of(1);
  while (taken < 0.75e-3) {
    calls = taken < 0.2e-3 ? calls * 4 : static_cast<int>(calls * 1.2e-3 / taken) + 1;
    taken = batch_of(calls);
  }
  const int batches = std::clamp(static_cast<int>(seconds / taken), 5, 400);
  std::vector<double> each;
  for (int i = 0; i < batches; ++i) {
    each.push_back(batch_of(calls) / calls);
  }
  std::sort(each.begin(), each.end());
  const auto at = [&](double part) {
    return each[static_cast<std::size_t>(part * static_cast<double>(each.size() - 1) + 0.5)];
  };
  return {at(0.5), at(0.1), at(0.9), batches, calls};
}

/// One line of JSON.
inline void report(const options& with, const char* who, const char* variant,
                   const std::string& collective, bool in_place, std::size_t bytes,
                   const figure& got) {
  std::printf(
      "{\"who\":\"%s\",\"variant\":\"%s\",\"collective\":\"%s\",\"in_place\":%s,\"ranks\":%d,"
      "\"bytes\":%zu,\"seconds\":%.4e,\"low\":%.4e,\"high\":%.4e,\"batches\":%d,\"batch\":%d}\n",
      who, variant, collective.c_str(), in_place ? "true" : "false", with.ranks, bytes, got.median,
      got.low, got.high, got.batches, got.batch);
  std::fflush(stdout);
}

/// Ends the program when a result is wrong: no figure without a right answer.
inline void check(bool right, const std::string& collective, std::size_t bytes) {
  if (!right) {
    std::fprintf(stderr, "wrong result: %s of %zu bytes\n", collective.c_str(), bytes);
    std::_Exit(1);
  }
}

/// Page-aligned floats, touched by the rank that uses them.
class values {
 public:
  values(std::size_t bytes, float fill) : count_{std::max<std::size_t>(bytes / sizeof(float), 1)} {
    data_ = static_cast<float*>(
        std::aligned_alloc(4096, (count_ * sizeof(float) + 4095) / 4096 * 4096));
    std::fill(data_, data_ + count_, fill);
  }
  values(const values&) = delete;
  values& operator=(const values&) = delete;
  ~values() { std::free(data_); }

  [[nodiscard]] float* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return count_; }
  [[nodiscard]] bool all(float expected) const {
    return std::all_of(data_, data_ + count_, [&](float v) { return v == expected; });
  }
  void fill(float with) { std::fill(data_, data_ + count_, with); }

 private:
  std::size_t count_;
  float* data_;
};

/// The buffers of one rank for one collective: by the convention above, the larger one has `bytes`.
/// Every rank's input holds rank + 1.
struct shapes {
  std::size_t in = 0;
  std::size_t out = 0;

  static shapes of(const std::string& collective, std::size_t bytes, int ranks) {
    const std::size_t whole = std::max<std::size_t>(bytes / sizeof(float), 1);
    const auto n = static_cast<std::size_t>(ranks);
    const std::size_t block = std::max<std::size_t>(whole / n, 1);
    if (collective == "all_gather" || collective == "gather") {
      return {block, block * n};
    }
    if (collective == "reduce_scatter" || collective == "scatter") {
      return {block * n, block};
    }
    if (collective == "all_to_all") {
      return {block * n, block * n};
    }
    return {whole, whole};
  }
};

}  // namespace bench
