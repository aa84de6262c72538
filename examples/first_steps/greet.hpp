// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/rondo.hpp>

#include <cstddef>
#include <cstdio>
#include <stdexcept>
#include <vector>

/// What every rank does, whatever carries its messages.
template <class Comm>
void greet(Comm& comm) {
  std::vector<float> values(1'000'000, static_cast<float>(comm.rank() + 1));
  rondo::all_reduce(comm, values);  // now every rank has the sum

  const float expected = static_cast<float>(comm.size() * (comm.size() + 1)) / 2;
  if (values.front() != expected || values.back() != expected) {
    throw std::runtime_error("a wrong sum");
  }

  const std::vector<int> mine{comm.rank() * comm.rank()};
  std::vector<int> squares(static_cast<std::size_t>(comm.size()));
  rondo::all_gather(comm, mine, squares);  // now every rank has what every rank had
  if (comm.rank() == 0) {
    std::printf("%d ranks; the sum is %.0f; the last rank's square is %d\n", comm.size(),
                static_cast<double>(values.front()), squares.back());
  }
}
