// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#ifdef FLAW_RELAXED_PUBLISH
// Every release store that the protocols write becomes a relaxed one.
#undef __ATOMIC_RELEASE
#define __ATOMIC_RELEASE __ATOMIC_RELAXED
#endif

#include "host_ranks.hpp"

#include <rondo/device/all_reduce.hpp>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <iterator>

// Negative controls: the all-reduces of kernels, run on threads by turns that a flaw may spoil. Run
// under ThreadSanitizer: without a flaw nothing is said; with any flaw a data race is reported, or
// a result is wrong.
//   controls [none | one_bank | one_inbox | same_flag | lost_peer | no_sync] [from_buffers]
namespace {

using namespace rondo;

enum class flaw { none, one_bank, one_inbox, same_flag, lost_peer, no_sync };
constexpr const char* flaw_names[] = {"none",      "one_bank",  "one_inbox",
                                      "same_flag", "lost_peer", "no_sync"};
flaw with = flaw::none;

using sound = device::detail::turn<device::window>;

struct turn : sound {
  using sound::sound;
  [[nodiscard]] std::byte* stage(int of, unsigned bank) const {
    return sound::stage(of, with == flaw::one_bank ? 0 : bank);
  }
  [[nodiscard]] std::uint64_t* inbox(int reader, int writer, unsigned bank) const {
    if (reader == rank() && word() / 65536 % 32 == static_cast<unsigned>(4 * reader)) {
      std::this_thread::sleep_for(std::chrono::microseconds{20});  // between sending and reading
    }
    return sound::inbox(reader, writer, with == flaw::one_inbox ? 0 : bank);
  }
  [[nodiscard]] std::uint32_t flag() const { return with == flaw::same_flag ? 1u : sound::flag(); }
  bool wait(int peer, const std::uint64_t& word) const {
    return (with == flaw::lost_peer && peer == (rank() + 1) % size()) || sound::wait(peer, word);
  }
};

/// A block whose threads may fail to wait for each other, but where they vote.
struct block : host_ranks::block {
  explicit block(const host_ranks::block& of) : host_ranks::block{of} {}
  void sync() const {
    if (with != flaw::no_sync) {
      host_ranks::block::sync();
    }
  }
};

/// Wrong results of sums from inputs that peers read where they lie, and epilogues overwrite.
int sum_from_buffers(block& group, turn& mine, const reduction<op::sum, float>& sum) {
  constexpr std::size_t count = 2500;  // several rounds, or one bank would do
  static std::vector<float> inputs[3] = {std::vector<float>(count), std::vector<float>(count),
                                         std::vector<float>(count)};
  float* const input = inputs[mine.rank()].data();
  int wrong = 0;
  for (int round = 0; round < 100; ++round) {
    for (std::size_t i = group.thread_rank(); i < count; i += group.size()) {
      input[i] = static_cast<float>(mine.rank() + round) + static_cast<float>(i);
    }
    const auto expect = [&](std::size_t i, float got) {
      wrong += got == static_cast<float>(3 * round + 3) + 3 * static_cast<float>(i) ? 0 : 1;
      input[i] = -1.0f;
    };
    wrong +=
        device::detail::reduce_from_buffers<float>(group, mine, input, count, expect, sum) ? 0 : 1;
    group.sync();  // another thread may fill what this one has overwritten
  }
  return wrong;
}

}  // namespace

int main(int argc, char** argv) {
  for (int i = 0; i < static_cast<int>(std::size(flaw_names)); ++i) {
    if (argc > 1 && std::strcmp(argv[1], flaw_names[i]) == 0) {
      with = static_cast<flaw>(i);
    }
  }
  device::window_shape shape;
  shape.ranks = 3;
  shape.stage_bytes = 4096;
  host_ranks::machine all{shape};
  all.parts().patience_ns = 5'000'000'000;
  std::atomic<int> wrong{0};
  const bool from_buffers = argc > 2 && std::strcmp(argv[2], "from_buffers") == 0;
  all.launch(1, 2, [&](const host_ranks::block& of, const device::window& window) {
    block group{of};
    const reduction<op::sum, float> sum{{}, 3};
    turn mine{window, 1};
    if (from_buffers) {
      wrong += sum_from_buffers(group, mine, sum);
      return;
    }
    for (int round = 0; round < 200; ++round) {
      const auto value = [&](std::size_t i) {
        return static_cast<float>(window.rank() + round) + static_cast<float>(i);
      };
      const auto expect = [&](std::size_t i, float got) {
        wrong += got == static_cast<float>(3 * round + 3) + 3 * static_cast<float>(i) ? 0 : 1;
      };
      for (int again = 0; again < 2; ++again) {
        wrong += device::detail::reduce_plain<float, device::packets>(group, mine, 40, value,
                                                                      expect, sum)
                     ? 0
                     : 1;
      }
      wrong += device::detail::reduce_plain<float, two_shot>(group, mine, 700, value, expect, sum)
                   ? 0
                   : 1;
    }
  });
  std::puts(wrong == 0 ? "all results are right" : "wrong results");
  return wrong == 0 ? 0 : 1;
}
