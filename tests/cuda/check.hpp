// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The few words of a test framework that tests on a GPU use, by the names that Catch2 gives them:
/// such a test builds on a machine that has nvcc and CMake and nothing else. `main` is in
/// tests/harness/cuda_main.cpp.

#include <cstdio>
#include <cstring>
#include <exception>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

namespace check {

/// Thrown to leave a test case: by REQUIRE after a failure, by SKIP.
struct leave {};

struct test {
  const char* name;
  void (*run)();
};

struct state {
  std::vector<test> tests;
  std::vector<std::string> notes;  ///< of the INFO scopes that are open
  int failures = 0;
  std::string skipped;
};

inline state& now() {
  static state one;
  return one;
}

struct registered {
  registered(const char* name, void (*run)()) { now().tests.push_back({name, run}); }
};

struct note {
  explicit note(std::string text) { now().notes.push_back(std::move(text)); }
  note(const note&) = delete;
  note& operator=(const note&) = delete;
  ~note() { now().notes.pop_back(); }
};

inline bool that(bool holds, const char* what, const char* file, int line) {
  if (!holds) {
    ++now().failures;
    std::printf("%s:%d: %s\n", file, line, what);
    for (const auto& text : now().notes) {
      std::printf("  with %s\n", text.c_str());
    }
  }
  return holds;
}

/// 0: all passed; 1: a failure; 77: nothing failed and every test that ran was skipped.
inline int run(const char* filter) {
  int passed = 0;
  int failed = 0;
  int skipped = 0;
  for (const auto& one : now().tests) {
    if (std::strstr(one.name, filter) == nullptr) {
      continue;
    }
    const int before = now().failures;
    now().skipped.clear();
    try {
      one.run();
    } catch (const leave&) {
    } catch (const std::exception& thrown) {
      that(false, thrown.what(), one.name, 0);
    }
    const char* why = now().skipped.c_str();
    if (now().failures != before) {
      ++failed;
      std::printf("FAILED: %s\n", one.name);
    } else if (*why != '\0') {
      ++skipped;
      std::printf("skipped: %s: %s\n", one.name, why);
    } else {
      ++passed;
      std::printf("passed: %s\n", one.name);
    }
  }
  std::printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped);
  return failed != 0 ? 1 : passed == 0 ? 77 : 0;
}

}  // namespace check

#define CHECK_JOIN_(a, b) a##b
#define CHECK_JOIN(a, b) CHECK_JOIN_(a, b)

#define TEST_CASE(name)                                                                          \
  static void CHECK_JOIN(test_, __LINE__)();                                                     \
  static const check::registered CHECK_JOIN(registered_, __LINE__){name,                         \
                                                                   CHECK_JOIN(test_, __LINE__)}; \
  static void CHECK_JOIN(test_, __LINE__)()

#define CHECK(...) check::that(static_cast<bool>(__VA_ARGS__), #__VA_ARGS__, __FILE__, __LINE__)
#define REQUIRE(...)           \
  do {                         \
    if (!CHECK(__VA_ARGS__)) { \
      throw check::leave{};    \
    }                          \
  } while (false)

/// INFO(a << b): printed when a check fails in the rest of this scope.
#define INFO(...)                                                                \
  const check::note CHECK_JOIN(note_, __LINE__) {                                \
    static_cast<std::ostringstream&&>(std::ostringstream{} << __VA_ARGS__).str() \
  }
#define CAPTURE(value) INFO(#value " = " << (value))

/// Leaves the test case: this machine cannot run it, and says why.
#define SKIP(reason)                 \
  do {                               \
    check::now().skipped = (reason); \
    throw check::leave{};            \
  } while (false)
