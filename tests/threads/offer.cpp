// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/refusal.hpp"

#include <rondo/collective/offer.hpp>
#include <rondo/collective/send_receive.hpp>
#include <rondo/transport/threads/run.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>
#include <vector>

namespace {

void require(bool holds, const char* what) {
  if (!holds) {
    throw std::runtime_error(what);
  }
}

}  // namespace

TEST_CASE("an offer returns before its receiver comes, and is taken when it has") {
  for (const std::size_t count : {0, 10, 100'000}) {
    rondo::threads::run(2, [&](auto& comm) {
      std::vector<int> values(count, comm.rank());
      const int other = 1 - comm.rank();
      // Both offer first: sends of this length would wait for each other.
      const auto made = rondo::offer(comm, values, rondo::to{other}, rondo::tag{3});
      std::vector<int> theirs(count);
      rondo::receive(comm, theirs, rondo::from{other}, rondo::tag{3});
      require(theirs == std::vector<int>(count, other), "wrong values");
      while (!rondo::is_taken(comm, made)) {
      }
    });
  }
}

TEST_CASE("a channel has room for 16 offers, and tells when there is one") {
  std::atomic<bool> full{false};  // before, a message that is taken would make room again
  rondo::threads::run(2, [&](auto& comm) {
    const std::vector<double> values(1000, 1.5);
    std::vector<double> into(1000);
    if (comm.rank() == 0) {
      require(!rondo::has_arrived(comm, rondo::from{1}), "nothing was sent");
      std::vector<rondo::offered> made;
      while (rondo::has_room(comm, rondo::to{1})) {
        made.push_back(rondo::offer(comm, values, rondo::to{1}, rondo::tag{int(made.size())}));
      }
      const bool taken = rondo::is_taken(comm, made.front());
      full = true;
      require(made.size() == 16, "16 have room");
      require(!taken, "nobody took it");
      rondo::send(comm, std::vector<int>{1}, rondo::to{1}, rondo::tag{99});  // waits for room
      require(rondo::is_taken(comm, made.front()), "its place was used again");
      for (const rondo::offered& one : made) {
        while (!rondo::is_taken(comm, one)) {
        }
      }
    } else {
      while (!full) {
        std::this_thread::yield();
      }
      rondo::receive(comm, into, rondo::from{0}, rondo::tag{5});
      require(into == values, "any of them may be taken first");
      for (int i = 0; i < 16; ++i) {
        if (i != 5) {
          rondo::receive(comm, into, rondo::from{0}, rondo::tag{i});
        }
      }
      std::vector<int> last(1);
      rondo::receive(comm, last, rondo::from{0}, rondo::tag{99});
    }
  });
}

TEST_CASE("a message that nobody takes yet keeps no others out, while fewer than 16 wait") {
  for (const int early : {1, 3, 15}) {
    rondo::threads::run(2, [&](auto& comm) {
      std::vector<int> one(1);
      const auto tag_of = [](int number) { return rondo::tag{1 + number / 2}; };  // twice the same
      if (comm.rank() == 0) {
        for (int number = 0; number < early; ++number) {
          one[0] = 1000 + number;
          rondo::send(comm, one, rondo::to{1}, tag_of(number));
        }
        for (one[0] = 0; one[0] < 100; ++one[0]) {
          if (one[0] > 0 && early == 15) {  // so that never more than 16 wait
            std::vector<int> go(1);
            rondo::receive(comm, go, rondo::from{1});
          }
          rondo::send(comm, one, rondo::to{1});
        }
        return;
      }
      for (int expected = 0; expected < 100; ++expected) {
        rondo::receive(comm, one, rondo::from{0});
        require(one[0] == expected, "out of order");
        if (expected < 99 && early == 15) {
          rondo::send(comm, one, rondo::to{0});
        }
      }
      require(rondo::has_arrived(comm, rondo::from{0}, tag_of(early - 1)), "it was sent first");
      require(!rondo::has_arrived(comm, rondo::from{0}), "all of these were taken");
      for (int number = 0; number < early; ++number) {
        rondo::receive(comm, one, rondo::from{0}, tag_of(number));
        require(one[0] == 1000 + number, "out of order");
      }
      require(!rondo::has_arrived(comm, rondo::from{0}, tag_of(0)), "it was taken");
    });
  }
}

TEST_CASE("messages that many others have overtaken are kept apart by who sent them") {
  constexpr int later = 40;  // more than wait in a channel
  rondo::threads::run(3, [](auto& comm) {
    std::vector<int> one(1);
    if (comm.rank() != 0) {
      for (int number = 0; number <= later; ++number) {
        one[0] = 100 * comm.rank() + number;
        rondo::send(comm, one, rondo::to{0}, rondo::tag{number == 0 ? 1 : 2});
      }
      return;
    }
    const auto expect = [&](int sender, int number) {
      rondo::receive(comm, one, rondo::from{sender}, rondo::tag{number == 0 ? 1 : 2});
      require(one[0] == 100 * sender + number, "it is another's");
    };
    for (const int sender : {2, 1}) {
      for (int number = 1; number <= later; ++number) {
        expect(sender, number);
      }
    }
    expect(1, 0);
    expect(2, 0);
  });
}

TEST_CASE("who is asked for a rank that is none says so, and where") {
  const auto refused = [](const auto& ask) {
    return refusals::argument_refusal([&] {
      rondo::threads::run(2, [&](auto& comm) { ask(comm); });
      return true;
    });
  };
  const std::vector<int> values(3);
  const auto offered =
      refused([&](auto& comm) { static_cast<void>(rondo::offer(comm, values, rondo::to{2})); });
  const auto room =
      refused([&](auto& comm) { static_cast<void>(rondo::has_room(comm, rondo::to{2})); });
  const auto arrived =
      refused([&](auto& comm) { static_cast<void>(rondo::has_arrived(comm, rondo::from{-1})); });
  CHECK_THAT(offered, Catch::Matchers::ContainsSubstring("offer at offer.cpp:"));
  CHECK_THAT(room, Catch::Matchers::ContainsSubstring("has_room at offer.cpp:"));
  CHECK_THAT(arrived, Catch::Matchers::ContainsSubstring("has_arrived at offer.cpp:"));
}

TEST_CASE("an offer that does not fit its receive is a mismatch, and leaves no reader behind") {
  CHECK_THROWS_WITH(rondo::threads::run(2,
                                        [](auto& comm) {
                                          std::vector<int> values(4000);
                                          if (comm.rank() == 0) {
                                            const auto made =
                                                rondo::offer(comm, values, rondo::to{1});
                                            while (!rondo::is_taken(comm, made)) {
                                            }
                                          } else {
                                            values.resize(3999);
                                            rondo::receive(comm, values, rondo::from{0});
                                          }
                                        }),
                    Catch::Matchers::ContainsSubstring("expected 15996 bytes"));
}
