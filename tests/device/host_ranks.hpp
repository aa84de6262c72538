// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/device/window.hpp>

#include <atomic>
#include <cstddef>
#include <cstring>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

/// Kernels without a GPU: a rank is memory of its own, a block is a few threads, a launch is all
/// blocks of all ranks at once.
namespace host_ranks {

namespace device = rondo::device;

/// Where the threads of one block meet.
struct meeting {
  unsigned size;
  std::atomic<unsigned> arrived{0};
  std::atomic<unsigned> phase{0};
  std::atomic<bool> refused[3]{};

  /// All threads' votes; one that is against wins.
  bool meet(bool mine) {
    const unsigned now = phase.load(std::memory_order_acquire);
    if (!mine) {
      refused[now % 3].store(true, std::memory_order_relaxed);
    }
    if (arrived.fetch_add(1, std::memory_order_acq_rel) + 1 == size) {
      refused[(now + 1) % 3].store(false, std::memory_order_relaxed);
      arrived.store(0, std::memory_order_relaxed);
      phase.store(now + 1, std::memory_order_release);
    } else {
      while (phase.load(std::memory_order_acquire) == now) {
        std::this_thread::yield();
      }
    }
    return !refused[now % 3].load(std::memory_order_relaxed);
  }
};

/// One thread of a block, as a kernel sees its group.
class block {
 public:
  block(meeting& at, unsigned rank) : at_{&at}, rank_{rank} {}
  [[nodiscard]] unsigned thread_rank() const { return rank_; }
  [[nodiscard]] unsigned size() const { return at_->size; }
  void sync() const { at_->meet(true); }
  [[nodiscard]] bool all(bool mine) const { return at_->meet(mine); }

 private:
  meeting* at_;
  unsigned rank_;
};

class machine {
 public:
  explicit machine(const device::window_shape& shape)
      : shape_{shape}, reports_(static_cast<std::size_t>(shape.ranks)) {
    for (int rank = 0; rank < shape.ranks; ++rank) {
      memory_.emplace_back(new lines[shape.bytes() / sizeof(lines) + 1]());
      parts_.memory[rank] = reinterpret_cast<std::byte*>(memory_.back().get());
    }
    parts_.shape = shape;
    parts_.reports = reports_.data();
    parts_.patience_ns = 20'000'000'000;
  }

  /// Every slot of every rank goes on from here.
  void set_epoch(std::uint64_t epoch) {
    for (int rank = 0; rank < shape_.ranks; ++rank) {
      for (unsigned slot = 0; slot < shape_.slot_count; ++slot) {
        reinterpret_cast<device::slot_state*>(parts_.memory[rank] + device::window_shape::line +
                                              slot * shape_.slot_bytes())
            ->epoch = epoch;
      }
    }
  }

  /// body(block, window) on every thread of `slot_count` blocks of every rank.
  template <class Body>
  void launch(unsigned slot_count, unsigned threads, const Body& body) {
    std::vector<std::unique_ptr<meeting>> meetings;
    std::vector<std::thread> running;
    for (int rank = 0; rank < shape_.ranks; ++rank) {
      for (unsigned slot = 0; slot < slot_count; ++slot) {
        meetings.push_back(std::make_unique<meeting>());
        meetings.back()->size = threads;
        for (unsigned thread = 0; thread < threads; ++thread) {
          auto parts = parts_;
          parts.rank = rank;
          parts.slot = static_cast<int>(slot);
          parts.slot_count = slot_count;
          running.emplace_back([&body, parts, group = block{*meetings.back(), thread}] {
            body(group, device::window{parts});
          });
        }
      }
    }
    for (auto& one : running) {
      one.join();
    }
  }

  [[nodiscard]] device::window::parts& parts() { return parts_; }
  [[nodiscard]] int ranks() const { return shape_.ranks; }
  void check() const { device::raise_if_any(reports_.data(), shape_.ranks, parts_.patience_ns); }

 private:
  struct alignas(128) lines {
    std::byte bytes[128];
  };
  device::window_shape shape_;
  std::vector<device::report> reports_;
  std::vector<std::unique_ptr<lines[]>> memory_;
  device::window::parts parts_;
};

}  // namespace host_ranks
