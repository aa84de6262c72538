// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#ifdef FLAW_RELAXED_PUBLISH
// Every release store that the protocols write becomes a relaxed one.
#undef __ATOMIC_RELEASE
#define __ATOMIC_RELEASE __ATOMIC_RELAXED
#endif

#include <rondo/core/operation.hpp>
#include <rondo/protocol/barrier.hpp>
#include <rondo/protocol/one_shot.hpp>
#include <rondo/protocol/two_shot.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

// Negative controls: the protocols run on threads over the plainest peer memory there is, which a
// flaw may spoil. Run under ThreadSanitizer: without a flaw nothing is said; with any flaw a data
// race is reported, or a result is wrong.
//   controls [none | relaxed_wait | one_bank | no_exit_wait | no_share_wait | claimed_twice |
//             one_entry | lost_peer | stale_word]
namespace {

namespace protocol = rondo::protocol;

enum class flaw {
  none,
  relaxed_wait,
  one_bank,
  no_exit_wait,
  no_share_wait,
  claimed_twice,
  one_entry,
  lost_peer,
  stale_word
};
constexpr const char* flaw_names[] = {"none",         "relaxed_wait",  "one_bank",
                                      "no_exit_wait", "no_share_wait", "claimed_twice",
                                      "one_entry",    "lost_peer",     "stale_word"};

constexpr int ranks = 3;
constexpr std::size_t stage_size = 4096;

struct shared {
  protocol::pad pads[ranks];
  alignas(64) std::byte stages[ranks][2][stage_size];
};

struct peers {
  shared& all;
  int self;
  flaw with;
  std::uint64_t calls = 0;
  protocol::counters count{};

  void begin_call() {
    calls += with == flaw::stale_word ? 0 : 1;
    if (with == flaw::one_entry && count.entries % 2 == 0) {
      ++count.entries;
    }
    if (with == flaw::claimed_twice && count.entries < 1000) {
      count.entries += 1000 * static_cast<std::uint32_t>(1 + self);
    }
  }

  [[nodiscard]] int rank() const { return self; }
  [[nodiscard]] int size() const { return ranks; }
  [[nodiscard]] protocol::pad& pad(int rank) const { return all.pads[rank]; }
  [[nodiscard]] std::byte* stage(int rank, unsigned bank) const {
    return all.stages[rank][with == flaw::one_bank ? 0 : bank];
  }
  [[nodiscard]] std::size_t stage_bytes() const { return stage_size; }
  [[nodiscard]] std::uint64_t word() const { return protocol::call_word(1, 0) + calls; }
  [[nodiscard]] protocol::counters& used() { return count; }
  void advance() { ++calls; }

  [[nodiscard]] static bool crowded() { return true; }
  static void note_processor() {}
  [[nodiscard]] bool beside(int rank) const { return rank % 2 == self % 2; }

  [[nodiscard]] bool wait(int rank, const std::uint64_t& word_of_peer) const {
    bool leaving = false;
    for (const auto& one : all.pads) {
      leaving = leaving || &word_of_peer == &one.left.word;
    }
    const bool own_share = &word_of_peer == &pad(self).left.word;
    if ((with == flaw::no_exit_wait && leaving) || (with == flaw::no_share_wait && own_share) ||
        (with == flaw::lost_peer && rank == (self + 1) % ranks)) {
      return true;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{5};
    while (std::chrono::steady_clock::now() < until) {
      const auto seen = with == flaw::relaxed_wait
                            ? __atomic_load_n(&word_of_peer, __ATOMIC_RELAXED)
                            : protocol::observe(word_of_peer);
      if (seen == word()) {
        return true;
      }
      if (self == 2) {  // and rank 0, which is beside it, does its share
        std::this_thread::sleep_for(std::chrono::microseconds{100});
      }
      std::this_thread::yield();
    }
    std::puts("wrong results: a rank waits for ever");
    std::fflush(stdout);
    std::_Exit(1);
  }

  template <class Body>
  static void touch(const Body& body) {
    body();
  }
};

static_assert(protocol::peer_memory<peers> && protocol::shares_processors<peers>);

std::atomic<int> wrong{0};

/// All-reduces of several sizes in place; the caller's buffer changes as soon as a call returns.
void live(shared& all, int self, flaw with) {
  peers mine{all, self, with};
  protocol::one_thread alone;
  const rondo::reduction<rondo::op::sum, int> sum{{}, ranks};
  std::vector<int> values;
  int wrong_here = 0;  // what all count together would order what they do
  // Some flaws show in few rounds; the first one that does ends the run.
  const int rounds = with == flaw::none ? 60 : 6000;
  for (int round = 0; round < rounds; ++round) {
    for (const std::size_t count : {3u, 499u, 500u, 501u, 502u}) {
      values.assign(count, self + round);
      mine.begin_call();
      // Not `> 500`: GCC would know that what is staged is short, and copy it unseen by the
      // sanitizer.
      const bool direct = count == 501 || count == 502;
      const bool came = direct ? protocol::two_shot_all_reduce(alone, mine, values.data(),
                                                               values.data(), count, sum)
                               : protocol::one_shot_all_reduce(alone, mine, values.data(),
                                                               values.data(), count, sum);
      for (const int value : values) {
        wrong_here += !came || value != 3 + ranks * round ? 1 : 0;
      }
    }
    mine.begin_call();
    wrong_here += protocol::barrier(alone, mine) ? 0 : 1;
  }
  wrong += wrong_here;
}

}  // namespace

int main(int argc, char** argv) {
  auto with = flaw::none;
  for (int i = 0; i < static_cast<int>(std::size(flaw_names)); ++i) {
    if (argc > 1 && std::strcmp(argv[1], flaw_names[i]) == 0) {
      with = static_cast<flaw>(i);
    }
  }
  static shared all{};
  std::vector<std::thread> running;
  for (int self = 0; self < ranks; ++self) {
    running.emplace_back(live, std::ref(all), self, with);
  }
  for (auto& one : running) {
    one.join();
  }
  std::puts(wrong == 0 ? "all results are right" : "wrong results");
  return wrong == 0 ? 0 : 1;
}
