// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>

namespace rondo::inline v0_1::nccl {

/// What launchers in the manner of torchrun tell a process through its environment.
struct environment {
  int rank = 0;
  int size = 1;
  int local_rank = 0;  ///< among the processes of this node: the number of the device to use
  int local_size = 1;  ///< processes of this node
  std::string run;     ///< tells runs that share a folder apart; may be empty

  /// Reads RANK, WORLD_SIZE, LOCAL_RANK, LOCAL_WORLD_SIZE and, for `run`, TORCHELASTIC_RUN_ID or
  /// MASTER_ADDR and MASTER_PORT. The last four may be missing: LOCAL_RANK is then RANK modulo
  /// LOCAL_WORLD_SIZE, and that is 1. `look_up(name)` gives the text of a variable or null.
  ///
  /// Errors: error_code::invalid_argument, with the variable and its value.
  template <class LookUp>
  [[nodiscard]] static environment read(const LookUp& look_up) {
    environment made;
    made.size = number(look_up, "WORLD_SIZE", 1, -1);
    made.rank = number(look_up, "RANK", 0, -1);
    made.local_size = number(look_up, "LOCAL_WORLD_SIZE", 1, 1);
    made.local_rank = number(look_up, "LOCAL_RANK", 0, made.rank % made.local_size);
    below("RANK", made.rank, "WORLD_SIZE", made.size);
    below("LOCAL_RANK", made.local_rank, "LOCAL_WORLD_SIZE",
          look_up("LOCAL_WORLD_SIZE") != nullptr ? made.local_size : made.size);
    const char* id = look_up("TORCHELASTIC_RUN_ID");
    const char* address = look_up("MASTER_ADDR");
    const char* port = look_up("MASTER_PORT");
    if (id != nullptr && std::strcmp(id, "none") != 0) {
      made.run = id;
    } else if (address != nullptr && port != nullptr) {
      made.run = std::string{address} + '-' + port;
    }
    return made;
  }

  /// Reads the environment of this process.
  [[nodiscard]] static environment read() {
    return read([](const char* name) -> const char* { return std::getenv(name); });
  }

 private:
  /// `otherwise` is negative where the variable must be there.
  template <class LookUp>
  static int number(const LookUp& look_up, const char* name, int least, int otherwise) {
    const char* text = look_up(name);
    if (text == nullptr || *text == '\0') {
      if (otherwise < 0) {
        refuse(std::string{"nccl: the environment has no "} + name +
               "; start the program with torchrun or another launcher that sets RANK and "
               "WORLD_SIZE");
      }
      return otherwise;
    }
    int value = 0;
    const char* end = text + std::strlen(text);
    const auto [stopped, failure] = std::from_chars(text, end, value);
    if (failure != std::errc{} || stopped != end || value < least) {
      refuse(std::string{"nccl: "} + name + " is '" + text + "', expected a number from " +
             std::to_string(least) + " on");
    }
    return value;
  }

  static void below(const char* name, int value, const char* limit_name, int limit) {
    if (value >= limit) {
      refuse(std::string{"nccl: "} + name + " is " + std::to_string(value) +
             ", expected less than " + limit_name + ", which is " + std::to_string(limit));
    }
  }
};

}  // namespace rondo::inline v0_1::nccl
