// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/transport/nccl/environment.hpp>
#include <rondo/transport/nccl/file_exchange.hpp>

#include "catch.hpp"
#include "harness/refusal.hpp"

#include <dirent.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <map>
#include <string>
#include <thread>
#include <vector>

// How ranks find each other, without NCCL.
namespace {

using namespace std::chrono_literals;
using rondo::nccl::environment;
using rondo::nccl::file_exchange;
using variables = std::map<std::string, std::string>;

environment read(const variables& set) {
  return environment::read([&](const char* name) -> const char* {
    const auto found = set.find(name);
    return found == set.end() ? nullptr : found->second.c_str();
  });
}

std::string refusal(const variables& set) {
  return refusals::argument_refusal([&] { static_cast<void>(read(set)); });
}

/// A folder of its own, removed at the end.
struct folder {
  std::string path;
  folder() {
    char name[] = "/tmp/rondo-exchange-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~folder() {
    for (const auto& file : files()) {
      ::unlink((path + '/' + file).c_str());
    }
    ::rmdir(path.c_str());
  }
  [[nodiscard]] std::vector<std::string> files() const {
    std::vector<std::string> names;
    DIR* open = ::opendir(path.c_str());
    while (const auto* one = ::readdir(open)) {
      if (one->d_name[0] != '.') {
        names.emplace_back(one->d_name);
      }
    }
    ::closedir(open);
    return names;
  }
};

using secret = std::array<unsigned char, 128>;

secret filled(unsigned char with) {
  secret made;
  made.fill(with);
  return made;
}

/// Every rank's result, each rank on its own thread; rank r comes `late(r)` after the first.
template <class Late>
std::vector<secret> share(const folder& in, int size, const secret& bytes, const Late& late) {
  std::vector<secret> got(static_cast<std::size_t>(size));
  std::vector<std::thread> ranks;
  for (int rank = 0; rank < size; ++rank) {
    ranks.emplace_back([&, rank] {
      std::this_thread::sleep_for(late(rank));
      const file_exchange exchange{in.path, "run 1", rank, size, 20s};
      got[static_cast<std::size_t>(rank)] = exchange.share(rank == 0 ? bytes : secret{});
    });
  }
  for (auto& one : ranks) {
    one.join();
  }
  return got;
}

/// What the error says; Catch2's macros are for one thread at a time.
std::string timeout_of(const file_exchange& exchange) {
  try {
    static_cast<void>(exchange.share(secret{}));
  } catch (const rondo::timeout& late) {
    return late.what();
  }
  return "no timeout";
}

const auto at_once = [](int) { return 0ms; };

}  // namespace

TEST_CASE("environment: what torchrun sets is read") {
  const auto got = read({{"RANK", "11"},
                         {"WORLD_SIZE", "16"},
                         {"LOCAL_RANK", "3"},
                         {"LOCAL_WORLD_SIZE", "8"},
                         {"MASTER_ADDR", "node7"},
                         {"MASTER_PORT", "29500"},
                         {"TORCHELASTIC_RUN_ID", "none"}});
  CHECK(got.rank == 11);
  CHECK(got.size == 16);
  CHECK(got.local_rank == 3);
  CHECK(got.local_size == 8);
  CHECK(got.run == "node7-29500");
  CHECK(read({{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"TORCHELASTIC_RUN_ID", "job 9"}}).run ==
        "job 9");
}

TEST_CASE("environment: the local rank follows from the rank where it is not set") {
  CHECK(read({{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_WORLD_SIZE", "4"}}).local_rank == 1);
  CHECK(read({{"RANK", "5"}, {"WORLD_SIZE", "8"}}).local_rank == 0);
  CHECK(read({{"RANK", "5"}, {"WORLD_SIZE", "8"}, {"LOCAL_RANK", "5"}}).local_rank == 5);
}

TEST_CASE("environment: what is missing or makes no sense is named") {
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(refusal({{"RANK", "0"}}), ContainsSubstring("has no WORLD_SIZE; start the program"));
  CHECK_THAT(refusal({{"WORLD_SIZE", "2"}}), ContainsSubstring("has no RANK"));
  CHECK_THAT(refusal({{"RANK", "2"}, {"WORLD_SIZE", "2"}}),
             ContainsSubstring("RANK is 2, expected less than WORLD_SIZE, which is 2"));
  CHECK_THAT(refusal({{"RANK", "1x"}, {"WORLD_SIZE", "2"}}),
             ContainsSubstring("RANK is '1x', expected a number from 0 on"));
  CHECK_THAT(refusal({{"RANK", "-1"}, {"WORLD_SIZE", "2"}}), ContainsSubstring("RANK is '-1'"));
  CHECK_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "99999999999"}}),
             ContainsSubstring("WORLD_SIZE is '99999999999'"));
  CHECK_THAT(refusal({{"RANK", "0"}, {"WORLD_SIZE", "0"}}),
             ContainsSubstring("WORLD_SIZE is '0', expected a number from 1 on"));
  CHECK_THAT(
      refusal({{"RANK", "0"}, {"WORLD_SIZE", "4"}, {"LOCAL_RANK", "2"}, {"LOCAL_WORLD_SIZE", "2"}}),
      ContainsSubstring("LOCAL_RANK is 2, expected less than LOCAL_WORLD_SIZE, which is 2"));
}

TEST_CASE("file exchange: every rank gets rank 0's bytes, and no file stays") {
  for (const int size : {1, 2, 3, 7}) {
    const folder in;
    const auto bytes = filled(static_cast<unsigned char>(size));
    for (const auto& got : share(in, size, bytes, at_once)) {
      CHECK(got == bytes);
    }
    CHECK(in.files().empty());
  }
}

TEST_CASE("file exchange: rank 0 may be first or last") {
  for (const int first : {0, 2}) {
    const folder in;
    const auto late = [&](int rank) { return rank == first ? 0ms : 50ms * rank + 50ms; };
    for (const auto& got : share(in, 3, filled(7), late)) {
      CHECK(got == filled(7));
    }
  }
}

TEST_CASE("file exchange: what a dead run has left is not believed") {
  const folder in;
  // A run that dies before all have come leaves questions; one that is killed may leave anything.
  const file_exchange dead{in.path, "run 1", 1, 3, 20ms};
  CHECK_THROWS_AS(dead.share(secret{}), rondo::timeout);
  std::string said;
  std::thread asking([&] { said = timeout_of({in.path, "run 1", 2, 3, 200ms}); });
  std::string ask;
  while (ask.empty()) {
    for (const auto& file : in.files()) {
      ask = file.size() > 6 && file.substr(file.size() - 6) == ".ask.2" ? file : ask;
    }
  }
  const std::string base = in.path + '/' + ask.substr(0, ask.size() - 6);
  asking.join();
  CHECK(said.find("rank 0 has not answered rank 2") != std::string::npos);
  const auto leave = [&](const std::string& file, const std::vector<std::uint64_t>& words) {
    std::ofstream out(base + file, std::ios::binary);
    out.write(reinterpret_cast<const char*>(words.data()),
              static_cast<std::streamsize>(words.size() * 8));
  };
  leave(".ask.1", {17, 0});
  leave(".ask.2", {19, 23});
  std::vector<std::uint64_t> answer{23, 17, 19};
  answer.resize(3 + sizeof(secret) / 8, 0xdeadu);
  leave(".answer", answer);
  leave(".answer.new.0", {1});

  const auto late = [](int rank) { return 30ms * (2 - rank); };
  for (const auto& got : share(in, 3, filled(9), late)) {
    CHECK(got == filled(9));
  }
}

TEST_CASE("file exchange: the deadline names the ranks that did not come") {
  using Catch::Matchers::ContainsSubstring;
  const folder in;
  std::string said;
  std::thread first([&] { said = timeout_of({in.path, "", 1, 4, 300ms}); });
  const file_exchange exchange{in.path, "", 0, 4, 100ms};
  try {
    static_cast<void>(exchange.share(secret{}));
    FAIL("must time out");
  } catch (const rondo::timeout& late) {
    CHECK_THAT(late.what(),
               ContainsSubstring("of 4 have not come to '" + in.path + "' within 100 ms"));
    CHECK(late.rank() >= 1);
  }
  first.join();
  CHECK_THAT(said, ContainsSubstring("rank 0 has not answered rank 1"));
}

TEST_CASE("file exchange: the longest deadline there is never passes") {
  const folder in;
  std::vector<secret> got(2);
  std::vector<std::string> said(2);
  std::vector<std::thread> ranks;
  for (std::size_t rank = 0; rank < 2; ++rank) {
    ranks.emplace_back([&, rank] {
      std::this_thread::sleep_for(rank == 0 ? 50ms : 0ms);
      constexpr auto longest = (std::chrono::steady_clock::duration::max)();
      const file_exchange exchange{in.path, "", static_cast<int>(rank), 2, longest};
      try {
        got[rank] = exchange.share(rank == 0 ? filled(5) : secret{});
      } catch (const rondo::timeout& late) {
        said[rank] = late.what();
      }
    });
  }
  for (auto& one : ranks) {
    one.join();
  }
  CHECK(said == std::vector<std::string>(2));
  CHECK(got == std::vector{filled(5), filled(5)});
}

TEST_CASE("file exchange: a folder that is none is refused") {
  CHECK_THROWS_WITH((file_exchange{"/nonexistent/rondo", "", 0, 2}),
                    Catch::Matchers::ContainsSubstring("is not a folder on rank 0"));
}

TEST_CASE("file exchange: a rank that is none of the ranks is refused") {
  using Catch::Matchers::ContainsSubstring;
  const folder in;
  const auto refused = [&](int rank, int size) {
    return refusals::argument_refusal([&] {
      static_cast<void>(file_exchange{in.path, "run", rank, size, 1s});
    });
  };
  CHECK_THAT(refused(-1, 2), ContainsSubstring("rank -1 of 2 ranks"));
  CHECK_THAT(refused(2, 2), ContainsSubstring("rank 2 of 2 ranks"));
  CHECK_THAT(refused(0, 0), ContainsSubstring("rank 0 of 0 ranks"));
  CHECK_THAT(refused(0, -1), ContainsSubstring("rank 0 of -1 ranks"));
  CHECK(refused(1, 2).empty());
}
