// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "ranks.hpp"

#include <rondo/codec.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <thread>

using namespace ranks;
using namespace std::chrono_literals;

namespace {

/// What a rank caught, and after how many seconds.
struct caught {
  rondo::error_code code = rondo::error_code::transport;
  std::string text = "nothing";
  double seconds = 0;
};

template <class Body>
caught catch_from(const Body& body) {
  MPI_Barrier(MPI_COMM_WORLD);
  const double begin = MPI_Wtime();
  try {
    body();
  } catch (const rondo::error& thrown) {
    return {thrown.code(), thrown.what(), MPI_Wtime() - begin};
  }
  return {};
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Lets `body(comm)` fail on communicators of both kinds, checks what each rank caught, and that
/// the ranks can go on together.
template <class Body, class Check>
void fail_on_both(std::chrono::milliseconds deadline, const Body& body, const Check& check) {
  for (const bool shared : {true, false}) {
    auto comm = shared ? in_shared_memory(deadline) : by_messages(deadline);
    const auto got = catch_from([&] { body(comm); });
    INFO("shared memory " << shared << ", rank " << comm.rank() << " caught after " << got.seconds
                          << " s: " << got.text);
    const auto again = catch_from([&] { rondo::barrier(comm); });
    INFO("and then: " << again.text);
    // Through messages alone, a rank that has sent and received all that is its own is done.
    const bool unaware = !shared && got.text == "nothing";
    check(unaware ? again : got);
    CHECK((unaware || again.code == got.code));

    auto rest = comm.shrink();
    REQUIRE(rest.size() == comm.size());
    std::vector<int> values{rest.rank()};
    rondo::all_reduce(rest, values);
    CHECK(values[0] == rest.size() * (rest.size() - 1) / 2);
  }
}

/// A call that every rank refuses while it runs: MPI's own collectives cannot express the count.
/// Nothing is read or written before.
template <class Comm, class... Given>
auto gather_too_much(Comm& comm, const Given&... given) {
  static char nowhere[1];
  const std::size_t many = std::size_t{1} << 31;
  static std::vector<std::size_t> counts;  // outlives the call
  counts.assign(static_cast<std::size_t>(comm.size()), 0);
  counts[1] = many;
  const std::span<const char> part{nowhere, comm.rank() == 1 ? many : 0};
  const std::span<char> whole{nowhere, many};  // rank 1's part of it is all of it
  return rondo::all_gather(comm, part, whole, rondo::counts{counts}, rondo::native{}, given...);
}

/// 100 ms is what is promised, and tested by the quickest of several; others may need processors.
constexpr double soon = 2.0;

}  // namespace

TEST_CASE("mpi: another collective on one rank is a mismatch on all, with both calls named") {
  fail_on_both(
      20s,
      [](auto& comm) {
        std::vector<float> values(10);
        if (comm.rank() == 1) {
          rondo::barrier(comm);
        } else {
          rondo::all_reduce(comm, values);
        }
      },
      [](const caught& got) {
        CHECK(got.code == rondo::error_code::mismatch);
        CHECK(has(got.text, "barrier("));
        CHECK(has(got.text, "all_reduce(10 x float, sum, automatic) at failures.cpp:"));
        CHECK(has(got.text, "rank 1"));
        CHECK(got.seconds < soon);
      });
}

TEST_CASE("mpi: another count, type, root or algorithm on one rank is a mismatch on all") {
  for (int what = 0; what < 4; ++what) {
    fail_on_both(
        20s,
        [&](auto& comm) {
          const bool odd = comm.rank() == comm.size() - 1;
          std::vector<float> values(odd && what == 0 ? 11u : 10u);
          std::vector<int> others(10);
          if (what == 1 && odd) {
            rondo::all_reduce(comm, others);
          } else if (what == 2) {
            rondo::broadcast(comm, values, rondo::root{odd ? 1 : 0}, rondo::ring{});
            rondo::barrier(comm);
          } else if (what == 3 && odd) {
            rondo::all_reduce(comm, values, rondo::ring{});
          } else {
            rondo::all_reduce(comm, values);
          }
        },
        [](const caught& got) {
          CHECK(got.code == rondo::error_code::mismatch);
          CHECK(got.seconds < soon);
        });
  }
}

TEST_CASE("mpi: a message of another size or type is a mismatch") {
  for (const bool typed : {false, true}) {
    fail_on_both(
        500ms,
        [&](auto& comm) {
          if (comm.rank() == 0) {
            const std::vector<int> values(3);
            rondo::send(comm, values, rondo::to{1});
          } else if (comm.rank() == 1) {
            std::vector<int> four(4);
            std::vector<float> three(3);
            typed ? rondo::receive(comm, three, rondo::from{0})
                  : rondo::receive(comm, four, rondo::from{0});
          }
          rondo::barrier(comm);
        },
        [&](const caught& got) {
          CHECK(got.code == rondo::error_code::mismatch);
          CHECK(has(got.text, typed ? "of another type" : "expected 16 bytes from rank 0, got 12"));
        });
  }
}

TEST_CASE("mpi: a rank that does not come is a timeout on all, by its name and the call's") {
  fail_on_both(
      300ms,
      [](auto& comm) {
        std::vector<float> values(7);
        if (comm.rank() == 0) {
          const double begin = MPI_Wtime();
          while (MPI_Wtime() - begin < 0.8) {
          }
        }
        rondo::all_reduce(comm, values);
      },
      [](const caught& got) {
        CHECK(got.code == rondo::error_code::timeout);
        CHECK(has(got.text, "all_reduce(7 x float, sum, automatic)"));
        CHECK(got.seconds < soon);
      });
}

TEST_CASE("mpi: ranks that receive from each other are a mismatch in shared memory") {
  auto comm = in_shared_memory(20s);
  const auto got = catch_from([&] {
    rondo::barrier(comm);
    std::vector<int> values(3);
    if (comm.rank() < 2) {
      rondo::receive(comm, values, rondo::from{1 - comm.rank()});
    } else {
      rondo::barrier(comm);
    }
  });
  INFO(got.text);
  CHECK(got.code == rondo::error_code::mismatch);
  CHECK(has(got.text, "ranks wait for each other"));
  CHECK(has(got.text, "rank 0 is in receive(3 x int, peer 1)"));  // and not in the barrier before
  CHECK(got.seconds < soon);
}

TEST_CASE("mpi: elements larger than the shared window are refused with what does carry them") {
  auto comm = in_shared_memory(20s);
  struct large {
    unsigned char bytes[600'000];
  };
  std::vector<large> one(1);
  one[0].bytes[599'999] = comm.rank() == 1 ? 7 : 0;
  const auto got = catch_from([&] { rondo::broadcast(comm, one, rondo::root{1}); });
  INFO(got.text);
  CHECK(got.code == rondo::error_code::invalid_argument);
  CHECK(has(got.text, "broadcast(1 x "));
  CHECK(has(got.text, "use native{}"));
  rondo::broadcast(comm, one, rondo::root{1}, rondo::native{});  // refused alike: all go on
  CHECK(one[0].bytes[599'999] == 7);
}

TEST_CASE("mpi: a rank that has left is a mismatch for those who wait for it") {
  auto comm = std::make_unique<rondo::mpi::communicator>(in_shared_memory(20s));
  const bool leaves = comm->rank() == 0;
  const auto got = catch_from([&] {
    if (leaves) {
      comm.reset();
    } else {
      const auto gone = std::move(comm);
      rondo::barrier(*gone);
    }
  });
  INFO(got.text);
  CHECK((leaves || got.code == rondo::error_code::mismatch));
  CHECK((leaves || has(got.text, "rank 0 left its communicator")));
}

TEST_CASE("mpi: what an operation throws is revoked on the others") {
  fail_on_both(
      20s,
      [](auto& comm) {
        std::vector<int> values(5000, 1);
        const bool bad = comm.rank() == 0;
        const auto add = [bad](int a, int b) {
          return bad ? throw rondo::error{rondo::error_code::revoked, "overflow"} : a + b;
        };
        rondo::all_reduce(comm, values, add, rondo::two_shot{});
      },
      [](const caught& got) {
        CHECK(got.code == rondo::error_code::revoked);
        CHECK(has(got.text, "overflow"));  // on the others, as what rank 0 failed with
        CHECK(got.seconds < soon);
      });
}

TEST_CASE("mpi: what a rank tells of itself in too many letters ends in dots") {
  rondo::mpi::detail::short_text<12> told;
  told.write("twelve chars");
  CHECK(told.view() == "twelve chars");
  told.write("thirteen more");
  CHECK(told.view() == "thirteen ...");
  told.write("error_");
  told.append("feed");
  told.append("back<int8>");
  told.append("<");
  CHECK(told.view() == "error_fee...");
}

TEST_CASE("mpi: another codec, or other parameters of one, is a mismatch that names both") {
  fail_on_both(
      20s,
      [](auto& comm) {
        std::vector<float> values(1000, 1.0F);
        using rondo::codec::int4;
        using rondo::codec::rotated;
        comm.rank() == 1 ? rondo::all_reduce(comm, values, rotated{int4<32>{}})
                         : rondo::all_reduce(comm, values, rondo::codec::int8<32>{});
      },
      [](const caught& got) {
        CHECK(got.code == rondo::error_code::mismatch);
        CHECK(has(got.text, "sum, automatic, rotated<int4<32>>)"));
        CHECK(has(got.text, "sum, automatic, int8<32>)"));
      });
  fail_on_both(
      20s,
      [](auto& comm) {
        std::vector<float> values(1000, 1.0F);
        rondo::all_reduce(comm, values, rondo::codec::top_k{comm.rank() == 1 ? 0.5 : 0.25});
      },
      [](const caught& got) {
        CHECK(got.code == rondo::error_code::mismatch);
        CHECK(has(got.text, "on rank 1"));
        CHECK(has(got.text, "other parameters"));
      });
}

TEST_CASE("mpi: calls that do not agree are found within 100 ms") {
  for (const bool shared : {true, false}) {
    double quickest = 1;  // of several: others may need the processors
    for (int attempt = 0; attempt < 20 && quickest > 0.1; ++attempt) {
      auto comm = shared ? in_shared_memory(20s) : by_messages(20s);
      const auto got = catch_from([&] {
        std::vector<float> values(10);
        comm.rank() == 1 ? rondo::barrier(comm) : rondo::all_reduce(comm, values);
        rondo::barrier(comm);
      });
      INFO("shared memory " << shared << ": " << got.text);
      CHECK(got.code == rondo::error_code::mismatch);
      CHECK(has(got.text, "rank 1"));
      double slowest = got.seconds;
      MPI_Allreduce(MPI_IN_PLACE, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
      quickest = (std::min)(quickest, slowest);
    }
    INFO("shared memory " << shared);
    CHECK(quickest <= 0.1);
  }
}

// A root that sends a few bytes waits for nobody: it may be so many calls ahead that what it has
// told of the call that others are in is gone.
TEST_CASE("mpi: calls that do not agree are found however far a rank has gone on") {
  double quickest = 1;  // of several: others may need the processors
  for (int attempt = 0; attempt < 20 && quickest > 0.2; ++attempt) {
    auto comm = in_shared_memory(20s);
    const auto got = catch_from([&] {
      std::vector<float> values(10);
      for (int made = 0; made < (comm.rank() == 0 ? 100 : 4); ++made) {
        rondo::broadcast(comm, values, rondo::tree{});
      }
      comm.rank() == 0 ? rondo::barrier(comm) : rondo::all_reduce(comm, values, rondo::ring{});
    });
    INFO("rank " << comm.rank() << " caught after " << got.seconds << " s: " << got.text);
    CHECK(got.code == rondo::error_code::mismatch);
    CHECK(has(got.text, "is in call 5, all_reduce(10 x float, sum, ring) at failures.cpp:"));
    CHECK(has(got.text, "rank 0 has gone on to call 101, barrier(automatic) at failures.cpp:"));
    double slowest = got.seconds;
    MPI_Allreduce(MPI_IN_PLACE, &slowest, 1, MPI_DOUBLE, MPI_MAX, MPI_COMM_WORLD);
    quickest = (std::min)(quickest, slowest);
  }
  CHECK(quickest <= 0.2);
}

TEST_CASE("mpi: a call that is refused on every rank leaves the communicator as it was") {
  for (const bool shared : {true, false}) {
    auto comm = shared ? in_shared_memory() : by_messages();
    const auto size = static_cast<std::size_t>(comm.size());
    const auto refuses = [&](const auto& call) {
      const auto got = catch_from(call);
      INFO(got.text);
      CHECK(got.code == rondo::error_code::invalid_argument);
      std::vector<int> values{1};
      rondo::all_reduce(comm, values);
      CHECK(values[0] == comm.size());
    };
    refuses([&] { gather_too_much(comm); });
    std::vector<std::size_t> uneven(size, 1);
    uneven[0] = 2;
    std::vector<int> mine(comm.rank() == 0 ? 2u : 1u);
    std::vector<int> all(size + 1);
    if (comm.size() > 1) {
      refuses([&] { rondo::gather(comm, mine, all, rondo::counts{uneven}, rondo::tree{}); });
    }
  }
}

TEST_CASE("mpi: the error of a dropped call is thrown by the next call, once") {
  auto comm = by_messages();
  { const auto dropped = gather_too_much(comm, rondo::async{}); }
  CHECK_THROWS_WITH(rondo::barrier(comm),
                    Catch::Matchers::ContainsSubstring("more than MPI counts"));
  rondo::barrier(comm);
}

TEST_CASE("mpi: what cannot be is refused before anything moves") {
  auto comm = in_shared_memory();
  std::vector<int> values(3);
  CHECK_THROWS_WITH(rondo::broadcast(comm, values, rondo::root{99}),
                    Catch::Matchers::ContainsSubstring("root 99"));
  CHECK_THROWS_WITH(comm.split(-1), Catch::Matchers::ContainsSubstring("color -1"));
  CHECK_THROWS_WITH(rondo::mpi::communicator{MPI_COMM_NULL},
                    Catch::Matchers::ContainsSubstring("intracommunicator"));
  CHECK_THROWS_WITH((rondo::mpi::communicator{MPI_COMM_WORLD, {.deadline = {}}}),
                    Catch::Matchers::ContainsSubstring("expected more than 0"));
  rondo::barrier(comm);
}

TEST_CASE("mpi: who shrinks a second time is told so, and waits for nobody") {
  const bool shared = GENERATE(true, false);
  auto comm =
      shared ? in_shared_memory(std::chrono::seconds{5}) : by_messages(std::chrono::seconds{5});
  auto rest = comm.shrink();
  const bool twice = comm.rank() == 0;
  const auto again = catch_from([&] {
    if (twice) {
      auto next = comm.shrink();
    }
  });
  if (twice) {
    CHECK(again.code == rondo::error_code::revoked);
    CHECK(has(again.text, "has called it before"));
    CHECK(again.seconds < soon);
  }
  rondo::barrier(rest);
}

// What a sender has begun to send cannot be called off. It would be written to memory that is the
// receiver's again, and read from memory that the sender has freed, which ends the program where
// one process copies from another.
TEST_CASE("mpi: MPI leaves the buffers of messages alone that have failed") {
  constexpr std::size_t count = std::size_t{96} << 20;
  static std::vector<unsigned char> kept;  // through messages alone, MPI may read until the end
  for (const bool shared : {true, false}) {
    auto comm = shared ? in_shared_memory(10s) : by_messages(10s);
    const int self = comm.rank();
    if (comm.size() < 3) {
      return;  // the third rank fails while the others are at it
    }
    const auto got = catch_from([&] {
      int begun = 0;
      if (self == 0) {
        std::vector<unsigned char> values(count, 0);
        auto pending = rondo::receive(comm, values, rondo::from{1}, rondo::async{});
        while (std::atomic_ref{values.front()}.load() == 0 && !pending.done()) {
        }
        MPI_Send(&begun, 1, MPI_INT, 2, 0, MPI_COMM_WORLD);
        std::string text;
        try {
          pending.wait();
        } catch (const rondo::error& thrown) {
          text = thrown.what();
        }
        std::fill(values.begin(), values.end(), static_cast<unsigned char>(2));
        for (int round = 0; round < 200; ++round) {  // what MPI has yet to do, it does while asked
          int waits = 0;
          MPI_Iprobe(MPI_ANY_SOURCE, 1, MPI_COMM_WORLD, &waits, MPI_STATUS_IGNORE);
          std::this_thread::sleep_for(1ms);
        }
        CHECK(std::count(values.begin(), values.end(), 2) == std::ptrdiff_t{count});
        if (!text.empty()) {
          rondo::barrier(comm);  // throws again
        }
      } else if (self == 1) {
        std::vector<unsigned char> freed(shared ? count : 0, 1);
        kept.assign(shared ? 0 : count, 1);
        rondo::send(comm, shared ? freed : kept, rondo::to{0});
      } else if (self == 2) {
        MPI_Recv(&begun, 1, MPI_INT, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
        std::vector<int> long_one(2);
        std::vector<int> short_one(1);
        rondo::send(comm, short_one, rondo::to{2});
        rondo::receive(comm, long_one, rondo::from{2});
      }
    });
    INFO("shared memory " << shared << ", rank " << self << " caught " << got.text);
    CHECK((self != 2 || got.code == rondo::error_code::mismatch));
    MPI_Barrier(MPI_COMM_WORLD);
    auto rest = comm.shrink();
    rondo::barrier(rest);
  }
}
