// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <stdexcept>

/// Catch's own assertions are for one thread; ranks throw, and `run` rethrows.
#define DEMAND(...)                                      \
  do {                                                   \
    if (!(__VA_ARGS__)) {                                \
      throw std::runtime_error("not so: " #__VA_ARGS__); \
    }                                                    \
  } while (false)
