// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

namespace demo {

struct options {
  int ranks = 4;
  int steps = 2400;          ///< of the long run
  int compared_steps = 150;  ///< of each run that compares numbers of ranks
  bool table = true;
  std::string text;  ///< empty: the documentation and headers of this checkout
  std::filesystem::path out = "out/demo";
};

inline constexpr std::string_view usage =
    "demo [--ranks N] [--steps N] [--text FILE] [--out FOLDER] [--no-table] [--quick]\n"
    "\n"
    "Trains a byte-level language model on N thread ranks (4), checks that all ranks hold the "
    "same\n"
    "parameters and that exact sums make the loss independent of the number of ranks, then times\n"
    "all-reduce beside the MPI libraries of this machine. Writes plots and timelines to FOLDER.\n"
    "\n"
    "  --text FILE  learn FILE instead of rondo's own documentation and headers\n"
    "  --no-table   leave out the table of all-reduce times\n"
    "  --quick      few steps and no table: a test that all parts work\n";

/// Ends the program where the command line is wrong or asks for help.
inline options parse(int argc, char** argv) {
  options given;
  const auto complain = [](const std::string& what) {
    std::fprintf(stderr, "demo: %s\n\n%.*s", what.c_str(), static_cast<int>(usage.size()),
                 usage.data());
    std::exit(2);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const auto value = [&]() -> std::string {
      if (i + 1 == argc) {
        complain(name + " needs a value");
      }
      return argv[++i];
    };
    const auto number = [&] {
      const std::string text = value();
      const int parsed = std::atoi(text.c_str());
      if (parsed < 1) {
        complain(name + ": " + text + " is not a number from 1 on");
      }
      return parsed;
    };
    if (name == "--ranks") {
      given.ranks = number();
    } else if (name == "--steps") {
      given.steps = number();
    } else if (name == "--text") {
      given.text = value();
    } else if (name == "--out") {
      given.out = value();
    } else if (name == "--no-table") {
      given.table = false;
    } else if (name == "--quick") {
      given.steps = 40;
      given.compared_steps = 12;
      given.table = false;
    } else if (name == "--help" || name == "-h") {
      std::fwrite(usage.data(), 1, usage.size(), stdout);
      std::exit(0);
    } else {
      complain("unknown argument " + name);
    }
  }
  return given;
}

}  // namespace demo
