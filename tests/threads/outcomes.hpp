// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/rondo.hpp>

#include <chrono>
#include <exception>
#include <string>
#include <vector>

/// How a body ended on one rank.
struct outcome {
  bool threw = false;
  bool by_rondo = false;
  rondo::error_code code{};
  int culprit = -1;
  std::string what;
  double seconds = 0;
};

/// Runs `body(comm)` once on each rank and tells how each ended; nothing leaves the ranks.
template <class Body>
std::vector<outcome> outcomes(int ranks, const Body& body,
                              std::chrono::steady_clock::duration deadline = std::chrono::seconds{
                                  30}) {
  std::vector<outcome> seen(static_cast<std::size_t>(ranks));
  rondo::threads::run(
      ranks,
      [&](auto& comm) {
        outcome& mine = seen[static_cast<std::size_t>(comm.rank())];
        const auto begun = std::chrono::steady_clock::now();
        try {
          body(comm);
        } catch (const rondo::error& thrown) {
          mine = {true, true, thrown.code(), thrown.rank(), thrown.what(), 0};
        } catch (const std::exception& thrown) {
          mine = {true, false, {}, -1, thrown.what(), 0};
        }
        mine.seconds =
            std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
      },
      {.deadline = deadline});
  return seen;
}
