// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#ifdef FLAW_RELAXED_PUBLISH
// Every release store that the protocols write becomes a relaxed one.
#undef __ATOMIC_RELEASE
#define __ATOMIC_RELEASE __ATOMIC_RELAXED
#endif

#include "host_ranks.hpp"

#include <rondo/codec/integer.hpp>
#include <rondo/device/all_reduce.hpp>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>

// Negative controls: the all-reduces of kernels, run on threads by turns that a flaw may spoil. Run
// under ThreadSanitizer: without a flaw nothing is said; with any flaw a data race is reported, or
// a result is wrong.
//   controls [none | one_bank | one_inbox | same_flag | lost_peer | no_sync | far_unheard]
//            [from_buffers | ring_after_pull | ring_after_codec | ring_after_push]
namespace {

using namespace rondo;

enum class flaw { none, one_bank, one_inbox, same_flag, lost_peer, no_sync, far_unheard };
constexpr const char* flaw_names[] = {"none",      "one_bank", "one_inbox",  "same_flag",
                                      "lost_peer", "no_sync",  "far_unheard"};
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
    const bool far = size() == 4 && (rank() + 2) % 4 == peer;
    const std::uint64_t step = this->word() >> 16;
    if (far && step % 9 == 2 && step / 9 % 4 == static_cast<unsigned>(rank())) {
      std::this_thread::sleep_for(std::chrono::milliseconds{10});  // between showing and looking
    }
    // A ring of one block goes through both arrivals: the first one before its second step.
    return (with == flaw::lost_peer && peer == (rank() + 1) % size()) ||
           (with == flaw::far_unheard && far && &word == &pad(peer).arrived[0].word) ||
           sound::wait(peer, word);
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

/// Wrong results of rings that come right behind calls in which every rank reads what every rank
/// has staged, or waits for its word, and one that is no neighbour may be late to do so. A round of
/// two-shot and ring is 2 + 7 steps.
int ring_after(const char* form, block& group, turn& mine, const reduction<op::sum, float>& sum) {
  namespace kernel = device::detail;
  constexpr std::size_t some = 600;
  constexpr std::size_t whole = 4000;  // of a ring: a block, which fills the staging areas
  int wrong = 0;
  for (int round = 0; round < 40; ++round) {
    const auto value = [&](std::size_t i) {
      return static_cast<float>(mine.rank() + round) + static_cast<float>(i % 64);
    };
    const auto expect = [&](std::size_t i, float got) {
      if (i < some && i % 60 == 0 && mine.rank() == round % 4) {
        std::this_thread::sleep_for(std::chrono::microseconds{50});  // with more to be read
      }
      const float right = static_cast<float>(4 * round + 6) + 4 * static_cast<float>(i % 64);
      wrong += std::abs(got - right) <= 2.0f ? 0 : 1;  // what int8 loses
    };
    const bool came =
        std::strcmp(form, "ring_after_codec") == 0
            ? kernel::reduce_coded<float, one_shot, op::sum>(group, mine, some, value, expect,
                                                             codec::int8<32>{}, {})
        : std::strcmp(form, "ring_after_pull") == 0
            ? kernel::reduce_plain<float, device::two_shot_pull>(group, mine, some, value, expect,
                                                                 sum)
            : kernel::reduce_plain<float, two_shot>(group, mine, some, value, expect, sum);
    wrong += came ? 0 : 1;
    wrong += kernel::reduce_plain<float, ring>(group, mine, whole, value, expect, sum) ? 0 : 1;
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
  const char* const form = argc > 2 ? argv[2] : "";
  const bool from_buffers = std::strcmp(form, "from_buffers") == 0;
  const bool rings = std::strncmp(form, "ring_after", 10) == 0;
  device::window_shape shape;
  shape.ranks = rings ? 4 : 3;
  shape.stage_bytes = 4096;
  host_ranks::machine all{shape};
  all.parts().patience_ns = 5'000'000'000;
  std::atomic<int> wrong{0};
  all.launch(1, 2, [&](const host_ranks::block& of, const device::window& window) {
    block group{of};
    const reduction<op::sum, float> sum{{}, shape.ranks};
    turn mine{window, 1};
    if (rings) {
      wrong += ring_after(form, group, mine, sum);
      return;
    }
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
