// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Built with -fno-exceptions -fno-rtti, so without Catch2. Calls work; a call that fails tells
// rondo_on_error, or stderr where that is not defined, and aborts the program; two lambdas of one
// spelling are told apart.
#include <rondo/rondo.hpp>

#include <cstdio>
#include <string>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

#if defined(TEST_HANDLER)
extern "C" void rondo_on_error(const char* message) {
  std::fprintf(stderr, "handled: %s\n", message);
}
constexpr const char* first_word = "handled: rondo: ";
#else
constexpr const char* first_word = "rondo: ";
#endif

namespace {

using rondo::threads::communicator;

bool calls_work() {
  bool right[3] = {};
  rondo::threads::run(3, [&](communicator& comm) {
    std::vector<float> values(1000, static_cast<float>(comm.rank()));
    rondo::all_reduce(comm, values);
    auto pending = rondo::all_reduce(comm, values, rondo::ring{}, rondo::async{});
    pending.wait();
    rondo::all_reduce(comm, values, [](float a, float b) { return a < b ? b : a; });
    right[comm.rank()] = values.front() == 9 && values.back() == 9;
  });
  return right[0] && right[1] && right[2];
}

void disagree_about_count() {
  rondo::threads::run(2, [](communicator& comm) {
    std::vector<float> values(comm.rank() == 0 ? 10 : 20);
    rondo::all_reduce(comm, values);
  });
}

void disagree_about_lambda() {
  rondo::threads::run(2, [](communicator& comm) {
    const auto sum = [](float a, float b) { return a + b; };
    const auto product = [](float a, float b) { return a * b; };
    std::vector<float> values(10, 2.0f);
    comm.rank() == 0 ? rondo::all_reduce(comm, values, sum)
                     : rondo::all_reduce(comm, values, product);
  });
}

void refused() {
  rondo::threads::run(1, [](communicator& comm) {
    std::vector<float> values(10);
    rondo::broadcast(comm, values, rondo::root{3});
  });
}

/// What `mistake` writes to stderr in a process of its own, if abort() ends that.
std::string last_words(void (*mistake)()) {
  int ends[2] = {};
  if (pipe(ends) != 0) {
    return "no pipe";
  }
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    dup2(ends[1], STDERR_FILENO);
    mistake();
    _exit(0);
  }
  close(ends[1]);
  std::string words;
  char some[256];
  for (ssize_t got = 0; (got = read(ends[0], some, sizeof some)) > 0;) {
    words.append(some, static_cast<std::size_t>(got));
  }
  close(ends[0]);
  int how = 0;
  waitpid(child, &how, 0);
  return WIFSIGNALED(how) && WTERMSIG(how) == SIGABRT ? words : "it went on, after: " + words;
}

bool says(const std::string& words, const char* part) {
  const bool as_expected = words.starts_with(first_word) && words.find(part) != std::string::npos;
  if (!as_expected) {
    std::printf("not as expected, without '%s%s': %s\n", first_word, part, words.c_str());
  }
  return as_expected;
}

}  // namespace

int main() {
  bool good = says(last_words(disagree_about_count), "expected all_reduce(10 x float");
  good = says(last_words(disagree_about_lambda), "ranks disagree about call 1") && good;
  good = says(last_words(refused), "root 3 of 1 ranks") && good;
  return good && calls_work() ? 0 : 1;
}
