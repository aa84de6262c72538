// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "cuda/check.hpp"

#include <rondo/nccl.hpp>

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

/// Ranks that are processes and share a GPU: NCCL does not support threads of one process there.
namespace on_one_gpu {

/// Why several ranks cannot; empty if they can.
inline std::string refusal() {
  if (rondo::nccl::detail::library_version() < 23003) {
    return "NCCL " + rondo::nccl::detail::version_text(rondo::nccl::detail::library_version()) +
           " refuses several ranks on one GPU; 2.30.3 is the first that does not";
  }
  const char* enabled = std::getenv("NCCL_MULTI_RANK_GPU_ENABLE");
  const bool may = enabled != nullptr && std::string{enabled} == "1";
  return may ? "" : "NCCL_MULTI_RANK_GPU_ENABLE=1 is not set";
}

/// Runs the tests of this program whose names contain `filter` as `size` ranks of nodes of
/// `node_size`, told as a launcher tells them; checks that all of them pass.
inline void run(int size, int node_size, const std::string& filter) {
  std::vector<pid_t> children;
  ::setenv("WORLD_SIZE", std::to_string(size).c_str(), 1);
  ::setenv("LOCAL_WORLD_SIZE", std::to_string(node_size).c_str(), 1);
  ::setenv("TORCHELASTIC_RUN_ID", ("test" + std::to_string(::getpid())).c_str(), 1);
  ::setenv("NCCL_NVLS_ENABLE", "0", 1);
  for (int rank = 0; rank < size; ++rank) {
    ::setenv("RANK", std::to_string(rank).c_str(), 1);
    char program[] = "/proc/self/exe";
    std::string tests = filter;
    char* arguments[] = {program, tests.data(), nullptr};
    pid_t child = 0;
    REQUIRE(::posix_spawn(&child, program, nullptr, nullptr, arguments, environ) == 0);
    children.push_back(child);
  }
  for (const pid_t child : children) {
    int status = 1;
    ::waitpid(child, &status, 0);
    CHECK(status == 0);
  }
  ::unsetenv("RANK");
}

/// Whether this process is such a rank.
inline bool is_rank() { return std::getenv("RANK") != nullptr && refusal().empty(); }

/// Why there is no window, in NCCL's words; empty if `body` had one.
template <class Body>
std::string no_window(const Body& body) {
  try {
    body();
  } catch (const rondo::error& refused) {
    if (std::string{refused.what()}.find("no symmetric memory here") == std::string::npos) {
      throw;
    }
    return refused.what();
  }
  return {};
}

}  // namespace on_one_gpu
