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
#include <cstring>
#include <thread>
#include <vector>

// Negative controls: the protocols run on threads over the plainest peer memory there is, which a
// flaw may spoil. Run under ThreadSanitizer: without a flaw nothing is said; with any flaw a data
// race is reported, or a result is wrong.
//   controls [none | relaxed_wait | one_bank | no_exit_wait | same_chunk | lost_peer | stale_word]
namespace {

namespace protocol = rondo::protocol;

enum class flaw { none, relaxed_wait, one_bank, no_exit_wait, same_chunk, lost_peer, stale_word };
constexpr const char* flaw_names[] = {"none",       "relaxed_wait", "one_bank",  "no_exit_wait",
                                      "same_chunk", "lost_peer",    "stale_word"};

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
  bool in_touch = false;

  void begin_call() { calls += with == flaw::stale_word ? 0 : 1; }

  [[nodiscard]] int rank() const { return with == flaw::same_chunk && in_touch ? 1 : self; }
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
    const bool leaving = &word_of_peer == &pad(rank).left.word;
    if ((with == flaw::no_exit_wait && leaving) ||
        (with == flaw::lost_peer && rank == (self + 1) % ranks)) {
      return true;
    }
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{20};
    while (std::chrono::steady_clock::now() < until) {
      const auto seen = with == flaw::relaxed_wait
                            ? __atomic_load_n(&word_of_peer, __ATOMIC_RELAXED)
                            : protocol::observe(word_of_peer);
      if (seen == word()) {
        return true;
      }
      std::this_thread::yield();
    }
    return false;
  }

  template <class Body>
  void touch(const Body& body) {
    in_touch = true;
    body();
    in_touch = false;
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
  for (int round = 0; round < 60; ++round) {
    for (const std::size_t count : {3u, 499u, 500u, 501u}) {
      values.assign(count, self + round);
      mine.begin_call();
      const bool came = count == 501 ? protocol::two_shot_all_reduce(alone, mine, values.data(),
                                                                     values.data(), count, sum)
                                     : protocol::one_shot_all_reduce(alone, mine, values.data(),
                                                                     values.data(), count, sum);
      for (const int value : values) {
        wrong += !came || value != 3 + ranks * round ? 1 : 0;
      }
    }
    mine.begin_call();
    wrong += protocol::barrier(alone, mine) ? 0 : 1;
  }
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
