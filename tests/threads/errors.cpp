// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "outcomes.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>
#include <rondo/testing/reference.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <thread>
#include <vector>

using Catch::Matchers::ContainsSubstring;
using rondo::error_code;
using rondo::testing::expect;
using std::chrono::milliseconds;

namespace {

/// Every rank got this kind of error soon, and its message has all of these words.
void check_all(const std::vector<outcome>& seen, error_code code, int culprit,
               const std::vector<std::string>& words) {
  for (const auto& one : seen) {
    CAPTURE(one.what);
    CHECK(one.threw);
    CHECK(one.code == code);
    CHECK(one.culprit == culprit);
    CHECK(one.seconds < 2);
    for (const auto& word : words) {
      CHECK_THAT(one.what, ContainsSubstring(word));
    }
  }
}

/// What docs/errors.md promises for calls that do not agree. Other work on the machine may delay
/// any one of them, so it is held to the quickest of a few.
class promptness {
 public:
  /// The last rank that threw counts.
  void see(const std::vector<outcome>& seen) {
    double slowest = 0;
    for (const auto& one : seen) {
      slowest = one.threw ? (std::max)(slowest, one.seconds) : slowest;
    }
    quickest_ = (std::min)(quickest_, slowest);
  }
  void check() const { CHECK(quickest_ <= 0.1); }

 private:
  double quickest_ = 1e9;
};

/// Makes the outcomes five times, checks each by `check`, and their time.
template <class Scene, class Check>
void promptly(const Scene& scene, const Check& check) {
  promptness time;
  for (int k = 0; k < 5; ++k) {
    const auto seen = scene();
    check(seen);
    time.see(seen);
  }
  time.check();
}

}  // namespace

TEST_CASE("mismatch: what one rank calls differently is named on all ranks") {
  const auto check = [](const auto& usual, const auto& odd, const std::string& expected,
                        const std::string& got) {
    promptness time;
    for (const int ranks : {3, 5}) {
      for (const int culprit : {0, 1, ranks - 1}) {
        const auto seen = outcomes(ranks, [&](auto& comm) {
          std::vector<float> warm(5);
          rondo::all_reduce(comm, warm);
          comm.rank() == culprit ? odd(comm) : usual(comm);
        });
        check_all(seen, error_code::mismatch, culprit,
                  {"call 2", got + " at errors.cpp:", expected + " at errors.cpp:",
                   "on rank " + std::to_string(culprit), "expected"});
        time.see(seen);
      }
    }
    time.check();
  };
  std::vector<std::vector<float>> memory(5, std::vector<float>(20000));
  const auto values = [&](auto& comm, std::size_t count) {
    return std::span{memory[static_cast<std::size_t>(comm.rank())]}.first(count);
  };

  SECTION("count, one shot against one shot") {
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 10)); },
          [&](auto& comm) { rondo::all_reduce(comm, values(comm, 11)); },
          "all_reduce(10 x float, sum, automatic)", "all_reduce(11 x float, sum, automatic)");
  }
  SECTION("count, one shot against two shots") {
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 20000)); },
          [&](auto& comm) { rondo::all_reduce(comm, values(comm, 1)); },
          "all_reduce(20000 x float, sum, automatic)", "all_reduce(1 x float, sum, automatic)");
  }
  SECTION("type of the same size") {
    std::vector<int> numbers(10);
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 10)); },
          [&](auto& comm) { rondo::all_reduce(comm, std::span{numbers}); },
          "all_reduce(10 x float, sum, automatic)", "all_reduce(10 x int, sum, automatic)");
  }
  SECTION("operation") {
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 10)); },
          [&](auto& comm) { rondo::all_reduce(comm, values(comm, 10), rondo::op::max{}); },
          "all_reduce(10 x float, sum, automatic)", "all_reduce(10 x float, max, automatic)");
  }
  SECTION("algorithm") {
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 100), rondo::ring{}); },
          [&](auto& comm) { rondo::all_reduce(comm, values(comm, 100), rondo::tree{}); },
          "all_reduce(100 x float, sum, ring)", "all_reduce(100 x float, sum, tree)");
  }
  SECTION("codec") {
    using rondo::codec::int4;
    using rondo::codec::int8;
    using rondo::codec::rotated;
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 100), int8<128>{}); },
          [&](auto& comm) { rondo::all_reduce(comm, values(comm, 100), rotated{int4<32>{}}); },
          "all_reduce(100 x float, sum, automatic, int8<128>)",
          "all_reduce(100 x float, sum, automatic, rotated<int4<32>>)");
  }
  SECTION("parameters of the algorithm") {
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 100), rondo::tree{1}); },
          [&](auto& comm) { rondo::all_reduce(comm, values(comm, 100), rondo::tree{2}); },
          "all_reduce(100 x float, sum, tree)", "all_reduce(100 x float, sum, tree)");
  }
  SECTION("root") {
    check([&](auto& comm) { rondo::broadcast(comm, values(comm, 100), rondo::root{2}); },
          [&](auto& comm) { rondo::broadcast(comm, values(comm, 100), rondo::root{1}); },
          "broadcast(100 x float, automatic, root 2)", "broadcast(100 x float, automatic, root 1)");
  }
  SECTION("collective") {
    check([&](auto& comm) { rondo::all_reduce(comm, values(comm, 100)); },
          [&](auto& comm) { rondo::barrier(comm); }, "all_reduce(100 x float, sum, automatic)",
          "barrier(automatic)");
  }
  SECTION("order") {
    check(
        [&](auto& comm) {
          rondo::barrier(comm);
          rondo::all_reduce(comm, values(comm, 100));
        },
        [&](auto& comm) {
          rondo::all_reduce(comm, values(comm, 100));
          rondo::barrier(comm);
        },
        "barrier(automatic)", "all_reduce(100 x float, sum, automatic)");
  }
  SECTION("split against something else") {
    check([](auto& comm) { static_cast<void>(comm.split(0)); },
          [](auto& comm) { rondo::barrier(comm); }, "split()", "barrier(automatic)");
  }
}

TEST_CASE("mismatch: uneven counts that ranks do not agree about") {
  SECTION("all_gather") {
    const auto body = [](auto& comm) {
      const std::vector<std::size_t> counts =
          comm.rank() == 2 ? std::vector<std::size_t>{2, 1, 3} : std::vector<std::size_t>{1, 2, 3};
      std::vector<int> mine(counts[static_cast<std::size_t>(comm.rank())]);
      std::vector<int> all(6);
      rondo::all_gather(comm, mine, all, rondo::counts{counts});
    };
    promptly([&] { return outcomes(3, body); },
             [](const auto& seen) {
               check_all(seen, error_code::mismatch, 2,
                         {"all_gather(6 x int", "other counts", "errors.cpp"});
             });
  }
  SECTION("all_to_all") {
    const auto body = [](auto& comm) {
      const std::vector<std::size_t> twos{2, 2, 2};
      const std::vector<std::size_t> odd{2, 3, 2};
      std::vector<int> in(comm.rank() == 2 ? 7 : 6);
      std::vector<int> out(6);
      rondo::all_to_all(comm, in, out, rondo::counts{comm.rank() == 2 ? odd : twos, twos});
    };
    promptly([&] { return outcomes(3, body); },
             [](const auto& seen) {
               check_all(seen, error_code::mismatch, 2,
                         {"rank 1 expected 2 elements from rank 2, which sends it 3",
                          "was in all_to_all(counts of int, automatic) at errors.cpp:"});
             });
  }
}

TEST_CASE("a rank that throws, between calls or from its operation, ends the others' calls") {
  for (const std::size_t count : {1u, 500u, 30000u}) {
    const auto between = outcomes(4, [&](auto& comm) {
      std::vector<float> values(count);
      rondo::all_reduce(comm, values);
      if (comm.rank() == 2) {
        throw std::runtime_error("no space left");
      }
      rondo::all_reduce(comm, values);
    });
    CHECK_FALSE(between[2].by_rondo);

    // Its body ends with an exception that `outcomes` keeps: to the others it has returned.
    for (const std::size_t rank : {0u, 1u, 3u}) {
      CHECK(between[rank].code == error_code::mismatch);
      CHECK_THAT(between[rank].what, ContainsSubstring("rank 2 returned from its body"));
      CHECK(between[rank].seconds < 2);
    }

    // Any rank may be the one that folds the bad row.
    const auto during = outcomes(4, [&](auto& comm) {
      std::vector<float> values(count, 1);
      values[count / 2] = -1;
      rondo::all_reduce(comm, values, [](float a, float b) {
        if (b < 0) {
          throw std::runtime_error("overflow in row 3");
        }
        return a + b;
      });
      rondo::barrier(comm);
    });
    std::set<int> threw;
    for (int rank = 0; rank < 4; ++rank) {
      const auto& one = during[static_cast<std::size_t>(rank)];
      if (!one.by_rondo) {
        CHECK(one.what == "overflow in row 3");
        threw.insert(rank);
      }
    }
    CHECK_FALSE(threw.empty());
    for (const auto& one : during) {
      CAPTURE(one.what);
      CHECK(one.seconds < 2);
      if (one.by_rondo) {
        CHECK(one.code == error_code::revoked);
        CHECK(threw.count(one.culprit) == 1);
        CHECK_THAT(one.what, ContainsSubstring("rank " + std::to_string(one.culprit) +
                                               " failed in all_reduce(" + std::to_string(count)));
        CHECK_THAT(one.what, ContainsSubstring("overflow in row 3"));
      }
    }
  }
}

TEST_CASE("run rethrows the cause and not its echo on another rank") {
  for (int round = 0; round < 20; ++round) {
    try {
      rondo::threads::run(4, [](auto& comm) {
        std::vector<double> values(3000);
        const auto failing = [&](double a, double b) {
          return comm.rank() == 1 ? throw std::runtime_error("the cause") : a + b;
        };
        rondo::all_reduce(comm, values, failing, rondo::one_shot{});  // every rank folds
      });
      FAIL("nothing was thrown");
    } catch (const rondo::rank_failure& failure) {
      CHECK(failure.rank() == 1);
      CHECK_THAT(failure.what(), ContainsSubstring("the cause"));
    }
  }
}

TEST_CASE("the first cause is kept, whichever rank tells of it first") {
  const auto nobody = [](const char*) {};
  for (const bool echo_first : {true, false}) {
    CAPTURE(echo_first);
    rondo::threads::detail::first_failure failure;
    const auto echo = [&] {
      failure.watch(
          0,
          [] {
            throw rondo::revoked{"rank 1 failed", 1};
          },
          nobody);
    };
    if (echo_first) {
      echo();
    }
    failure.watch(
        1, [] { throw std::runtime_error{"the cause"}; }, nobody);
    failure.watch(
        2, [] { throw std::runtime_error{"another one"}; }, nobody);
    if (!echo_first) {
      echo();
    }
    try {
      failure.rethrow();
      FAIL("nothing was thrown");
    } catch (const rondo::rank_failure& thrown) {
      CHECK(thrown.rank() == 1);
      CHECK_THAT(thrown.what(), ContainsSubstring("the cause"));
    }
  }
}

TEST_CASE("run keeps the code of an error of rondo's, and says its words once") {
  try {
    rondo::threads::run(3, [](auto& comm) {
      std::vector<float> values(5);
      rondo::broadcast(comm, values, rondo::root{3});
    });
    FAIL("nothing was thrown");
  } catch (const rondo::rank_failure&) {
    FAIL("an invalid argument is not a failure of the rank's own code");
  } catch (const rondo::error& refused) {
    const std::string line = std::to_string(__LINE__ - 6);
    CHECK(refused.code() == error_code::invalid_argument);
    CHECK(refused.what() == "rondo: rank " + std::to_string(refused.rank()) +
                                ": broadcast at errors.cpp:" + line +
                                ": root 3 of 3 ranks; pass 0 .. 2");
    CHECK_THROWS_AS(std::rethrow_if_nested(refused), rondo::error);
  }
  const auto seen = outcomes(2, [](auto& comm) {
    std::vector<float> values(3000);
    const bool bad = comm.rank() == 1;
    const auto failing = [bad](float a, float b) {
      return bad ? throw rondo::error{error_code::corrupt_data, "row 3"} : a + b;
    };
    rondo::all_reduce(comm, values, failing, rondo::one_shot{});  // every rank folds
    rondo::barrier(comm);
  });
  CHECK(seen[1].code == error_code::corrupt_data);
  CHECK_THAT(seen[0].what, ContainsSubstring("errors.cpp:") && ContainsSubstring(": row 3"));
}

TEST_CASE("run names the rank whose body throws a mismatch or a timeout of its own") {
  const auto check = [](const auto& own) {
    using thrown = std::remove_cvref_t<decltype(own)>;
    try {
      rondo::threads::run(3, [&](auto& comm) { comm.rank() == 2 ? throw own : void(); });
      FAIL("nothing was thrown");
    } catch (const thrown& caught) {
      CHECK(caught.rank() == 2);
      CHECK(caught.what() == std::string{"rondo: rank 2: shards differ"});
    }
  };
  check(rondo::mismatch{"shards differ"});
  check(rondo::timeout{"shards differ"});
}

TEST_CASE("a rank that returns early or makes a call too many is named") {
  const auto without_one = [](auto& comm) {
    if (comm.rank() != 1) {
      rondo::barrier(comm);
    }
  };
  promptly([&] { return outcomes(3, without_one); },
           [](const auto& early) {
             CHECK_FALSE(early[1].threw);
             check_all({early[0], early[2]}, error_code::mismatch, 1,
                       {"rank 1 returned from its body",
                        "waits for it in barrier(automatic) at errors.cpp:"});
           });

  const auto one_more = [](auto& comm) {
    rondo::barrier(comm);
    if (comm.rank() == 1) {
      rondo::barrier(comm);
    }
  };
  promptly([&] { return outcomes(3, one_more); },
           [](const auto& late) {
             CHECK_FALSE(late[0].threw);
             CHECK_FALSE(late[2].threw);
             CHECK(late[1].code == error_code::mismatch);
             CHECK_THAT(
                 late[1].what,
                 ContainsSubstring("returned from its body, but rank 1 waits for it in barrier"));
           });

  const auto unheard = outcomes(2, [](auto& comm) {
    rondo::barrier(comm);
    if (comm.rank() == 1) {
      std::vector<int> value(1);
      rondo::receive(comm, value, rondo::from{0});
    }
  });
  check_all({unheard[1]}, error_code::mismatch, 0,
            {"rank 0 returned from its body", "waits for it in receive(1 x int, peer 0)"});
  CHECK(unheard[1].what.find("(call") == std::string::npos);  // messages are not counted
}

TEST_CASE("ranks that receive from each other are told of that, and not of the call before") {
  const auto crossed = outcomes(2, [](auto& comm) {
    rondo::barrier(comm);
    std::vector<int> values(3);
    rondo::receive(comm, values, rondo::from{1 - comm.rank()});
  });
  for (const auto& each : crossed) {
    INFO(each.what);
    CHECK(each.code == error_code::mismatch);
    CHECK_THAT(each.what, ContainsSubstring("rank 0 is in receive(3 x int, peer 1)"));
    CHECK_THAT(each.what, ContainsSubstring("rank 1 is in receive(3 x int, peer 0)"));
  }
}

TEST_CASE("run refuses a deadline that has passed before it begins") {
  for (const milliseconds deadline : {milliseconds{0}, milliseconds{-5}}) {
    CHECK_THROWS_WITH(rondo::threads::run(2, [](auto&) {}, {.deadline = deadline}),
                      ContainsSubstring("expected more than 0"));
  }
}

TEST_CASE("timeout: a rank that never comes is named with its last call") {
  const auto seen = outcomes(
      3,
      [](auto& comm) {
        std::vector<int> values(10);
        rondo::all_reduce(comm, values);
        if (comm.rank() == 1) {
          std::this_thread::sleep_for(milliseconds{400});
        }
        rondo::barrier(comm);
      },
      milliseconds{100});
  check_all(seen, error_code::timeout, 1,
            {"waited 0.1", "barrier(automatic) at errors.cpp:",
             "rank 1 has not come; its last call was all_reduce(10 x int, sum, automatic)"});
  // The first of the two that gives up tells for both, and each says where it was itself.
  const auto tells = [&](std::size_t rank, const std::string& words) {
    return seen[rank].what.find(words) != std::string::npos;
  };
  for (const std::size_t rank : {0u, 2u}) {
    CHECK(tells(rank, "rank 0 waited 0.1") != tells(rank, "rank 2 waited 0.1"));
    CHECK(tells(rank, "[rank " + std::to_string(rank) + " was in barrier(automatic)"));
  }
}

TEST_CASE("timeout: a rank that waits on another communicator is named with the call there") {
  const auto seen = outcomes(
      2,
      [](auto& comm) {
        auto first = comm.split(0);
        auto second = comm.split(0);
        std::vector<int> values(10);
        if (comm.rank() == 0) {
          rondo::all_reduce(first, values);
        }
        rondo::all_reduce(second, values, rondo::op::max{});
      },
      milliseconds{300});
  CHECK_THAT(seen[0].what + seen[1].what,
             ContainsSubstring("has made no collective call on this communicator yet; rank ") &&
                 ContainsSubstring(" on another communicator"));
}

TEST_CASE("revoked: every call on a dead communicator says why it died") {
  const auto seen = outcomes(3, [](auto& comm) {
    try {
      std::vector<int> values(comm.rank() == 0 ? 1 : 2);
      rondo::all_reduce(comm, values);
    } catch (const rondo::mismatch&) {
    }
    rondo::barrier(comm);
  });
  check_all(seen, error_code::mismatch, 0,
            {"all_reduce(1 x int", "was in barrier(automatic) at errors.cpp:"});
}

TEST_CASE("a bad argument is refused alike on all ranks and harms nothing") {
  rondo::threads::run(4, [](auto& comm) {
    std::vector<int> four(4);
    std::vector<int> five(5);
    std::vector<int> sixteen(16);
    const std::vector<std::size_t> counts{1, 2, 3, 4};
    const std::vector<std::size_t> short_list{1, 2};
    int refusals = 0;
    int sites = 0;
    const auto refused = [&](const auto& call) {
      try {
        call();
      } catch (const rondo::error& thrown) {
        const std::string_view what = thrown.what();
        refusals += thrown.code() == error_code::invalid_argument ? 1 : 0;
        sites += what.find(" at errors.cpp:") != what.npos ? 1 : 0;
      }
    };
    refused([&] { rondo::all_reduce(comm, four, five); });
    refused([&] { rondo::all_gather(comm, five, sixteen); });
    refused([&] { rondo::reduce_scatter(comm, five, four); });
    refused([&] { rondo::all_gather(comm, four, sixteen, rondo::counts{short_list}); });
    refused([&] { rondo::broadcast(comm, four, rondo::root{4}); });
    refused([&] { rondo::broadcast(comm, four, rondo::root{-1}); });
    refused([&] { rondo::all_to_all(comm, four, four); });
    refused([&] { rondo::send(comm, four, rondo::to{9}); });
    refused([&] { rondo::receive(comm, four, rondo::from{0}, rondo::tag{-1}); });
    refused([&] { static_cast<void>(comm.split(-1)); });
    // Refused within the call, where the schedule is known.
    const std::vector<int> mine(counts[static_cast<std::size_t>(comm.rank())]);
    std::vector<int> all(10);
    refused([&] { rondo::gather(comm, mine, all, rondo::counts{counts}, rondo::tree{}); });
    expect(refusals == 11, "eleven refusals");
    expect(sites == 10, "the line of every call but split()");
    four.assign(4, 1);
    rondo::all_reduce(comm, four);
    expect(four[3] == 4, "a communicator that still works");
  });
}

TEST_CASE(
    "counts that differ are refused alike on any number of ranks, and what takes them is named") {
  for (const int ranks : {2, 3, 4, 5}) {
    rondo::threads::run(ranks, [&](auto& comm) {
      std::vector<std::size_t> each(static_cast<std::size_t>(ranks), 1);
      each[0] = 3;
      const std::vector<int> mine(each[static_cast<std::size_t>(comm.rank())]);
      const std::vector<int> whole(each.size() + 2);
      std::vector<int> all(each.size() + 2);
      std::vector<int> part(mine.size());
      const rondo::counts uneven{each};
      const auto told = [&](const auto& call, const std::string& words, const char* name) {
        std::string what;
        try {
          call();
        } catch (const rondo::error& refused) {
          what = refused.what();
        }
        const bool right = what.find("rondo: " + words) == 0 &&
                           what.find(std::string{" was in "} + name + '(') != what.npos &&
                           what.find(" at errors.cpp:") != what.npos;
        expect(right, (words + ": " + what).c_str());
      };
      const std::string gets =
          " needs the same count for every rank; with counts that differ use automatic, one_shot";
      told([&] { rondo::gather(comm, mine, all, uneven, rondo::tree{}); }, "gather: tree" + gets,
           "gather");
      told([&] { rondo::scatter(comm, whole, part, uneven, rondo::tree{}); },
           "scatter: tree" + gets, "scatter");
      told([&] { rondo::all_to_all(comm, whole, all, uneven, rondo::bruck{}); },
           "all_to_all: bruck" + gets, "all_to_all");
      told([&] { rondo::reduce_scatter(comm, whole, part, uneven, rondo::halving_doubling{}); },
           "reduce_scatter: halving_doubling needs the same count for every rank; with counts that "
           "differ use automatic, ring, one_shot, two_shot or hierarchical",
           "reduce_scatter");
      rondo::gather(comm, mine, all, uneven, rondo::one_shot{});
    });
  }
}

TEST_CASE("mismatch: what an algorithm refuses on one rank alone, within the call") {
  const auto seen = outcomes(4, [](auto& comm) {
    std::vector<int> values(8);
    if (comm.rank() == 1) {  // and then the same as the others
      std::string what;
      try {
        rondo::all_reduce(comm, values, rondo::hierarchical{rondo::ring{}, rondo::ring{}, 3});
      } catch (const rondo::error& refused) {
        what = refused.what();
      }
      expect(what.find("got inner_size 3 for 4 ranks") != what.npos &&
                 what.find("[rank 1 was in all_reduce") != what.npos,
             what.c_str());
    }
    rondo::all_reduce(comm, values, rondo::hierarchical{rondo::ring{}, rondo::ring{}, 2});
  });
  for (const auto& heard : seen) {
    CHECK(heard.code == error_code::mismatch);
    CHECK(heard.culprit == 1);
  }
}

TEST_CASE("messages: another count or type, and ranks that wait for each other, are named") {
  SECTION("count") {
    for (const std::size_t count : {10u, 5000u}) {
      const auto body = [&](auto& comm) {
        std::vector<float> values(count);
        std::vector<float> more(count + 1);
        if (comm.rank() == 0) {
          rondo::send(comm, values, rondo::to{1}, rondo::tag{3});
        } else if (comm.rank() == 1) {
          rondo::receive(comm, more, rondo::from{0}, rondo::tag{3});
        }
        rondo::barrier(comm);
      };
      promptly([&] { return outcomes(3, body); },
               [&](const auto& seen) {
                 check_all(seen, error_code::mismatch, 0,
                           {"receive(" + std::to_string(count + 1) +
                                " x float, peer 0, tag 3) at errors.cpp:",
                            "expected " + std::to_string(4 * count + 4) +
                                " bytes from rank 0, got " + std::to_string(4 * count)});
               });
    }
  }
  SECTION("type") {
    const auto body = [](auto& comm) {
      std::vector<float> floats(5);
      std::vector<int> numbers(5);
      comm.rank() == 0 ? rondo::send(comm, floats, rondo::to{1})
                       : rondo::receive(comm, numbers, rondo::from{0});
      rondo::barrier(comm);
    };
    promptly([&] { return outcomes(2, body); },
             [](const auto& seen) {
               check_all(seen, error_code::mismatch, 0, {"receive(5 x int", "of another type"});
             });
  }
  SECTION("both send large messages") {
    const auto seen = outcomes(2, [](auto& comm) {
      std::vector<float> values(5000);
      rondo::send(comm, values, rondo::to{1 - comm.rank()});
    });
    for (const auto& one : seen) {
      CAPTURE(one.what);
      CHECK(one.code == error_code::mismatch);
      CHECK(one.seconds < 2);
      CHECK_THAT(one.what, ContainsSubstring("ranks wait for each other"));
      CHECK_THAT(one.what, ContainsSubstring("rank 0 is in send(5000 x float, peer 1)"));
      CHECK_THAT(one.what, ContainsSubstring("rank 1 is in send(5000 x float, peer 0)"));
    }
  }
  SECTION("a circle of three through a collective") {
    const auto seen = outcomes(3, [](auto& comm) {
      std::vector<float> values(5);
      if (comm.rank() == 0) {
        rondo::receive(comm, values, rondo::from{1});
      } else if (comm.rank() == 1) {
        rondo::receive(comm, values, rondo::from{2});
      } else {
        rondo::all_reduce(comm, values, rondo::two_shot{});
      }
    });
    for (const auto& one : seen) {
      CAPTURE(one.what);
      CHECK(one.code == error_code::mismatch);
      CHECK(one.seconds < 2);
      CHECK_THAT(one.what, ContainsSubstring("ranks wait for each other"));
    }
  }
  SECTION("a receive from a rank that has returned") {
    const auto seen = outcomes(2, [](auto& comm) {
      std::vector<float> values(5);
      if (comm.rank() == 0) {
        rondo::receive(comm, values, rondo::from{1});
      }
    });
    CHECK(seen[0].code == error_code::mismatch);
    CHECK_THAT(seen[0].what,
               ContainsSubstring("rank 1 returned from its body, but rank 0 waits for it"));
  }
  SECTION("a message that lies there under another tag") {
    const auto seen = outcomes(2, [](auto& comm) {
      std::vector<float> values(5);
      if (comm.rank() == 0) {
        rondo::send(comm, values, rondo::to{1}, rondo::tag{1});
      } else {
        rondo::receive(comm, values, rondo::from{0}, rondo::tag{2});
      }
    });
    CHECK(seen[1].code == error_code::mismatch);
    CHECK_THAT(seen[1].what,
               ContainsSubstring("receive(5 x float, peer 0, tag 2) at errors.cpp:") &&
                   ContainsSubstring("; a message of rank 0 with tag 1 lies there"));
  }
}

TEST_CASE("a failure in one team leaves other communicators alone") {
  rondo::threads::run(6, [](auto& comm) {
    auto team = comm.split(comm.rank() / 3);
    std::string seen;
    try {
      std::vector<int> values(team.rank() == 1 && comm.rank() < 3 ? 2 : 1, 1);
      rondo::all_reduce(team, values);
      expect(values[0] == 3, "a sum of the other team");
    } catch (const rondo::mismatch& thrown) {
      seen = thrown.what();
    }
    expect(seen.empty() == (comm.rank() >= 3), "an error in the first team only");
    std::vector<int> values(5, 1);
    rondo::all_reduce(comm, values);
    expect(values[0] == 6, "a sum of all");
  });
}
