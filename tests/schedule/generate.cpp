// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "every.hpp"
#include "interpreter.hpp"

TEST_CASE("every schedule gives the right result in every interleaving that was tried") {
  for (const int size : {1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 16, 17}) {
    for (const int root : {0, size / 2, size - 1}) {
      every::schedules(size, root, [&](const auto& schedule, const std::string& name) {
        const auto fault = oracle::find_fault(schedule, static_cast<unsigned>(size * 100 + root));
        if (fault) {
          FAIL_CHECK(name + ": " + *fault);
        }
      });
    }
  }
}
