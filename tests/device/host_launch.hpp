// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "host_ranks.hpp"

#include <rondo/core/policies.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/device/window.hpp>

#include <memory>
#include <string>
#include <thread>
#include <vector>

/// Calls of the host's over a window without a GPU: what would be a kernel runs on threads.
namespace host_ranks {

/// What was launched, in order.
struct launched {
  std::string call;
  unsigned blocks;
  unsigned first_slot;
};

struct thread_launch {
  std::vector<launched>* log;
  unsigned resident = 8;  ///< blocks that run at once
  unsigned threads = 2;

  [[nodiscard]] unsigned certain_blocks() const { return resident; }
  template <class Call>
  [[nodiscard]] unsigned most_blocks() const {
    return resident;
  }
  template <class Call>
  void operator()(const device::window& window, unsigned blocks, CUstream_st*,
                  const Call& call) const {
    log->push_back({std::string{rondo::type_name<Call>()}, blocks, window.first_slot()});
    std::vector<std::unique_ptr<meeting>> meetings;
    std::vector<std::thread> running;
    for (unsigned slot = 0; slot < blocks; ++slot) {
      meetings.push_back(std::make_unique<meeting>());
      meetings.back()->size = threads;
      for (unsigned thread = 0; thread < threads; ++thread) {
        running.emplace_back([&, slot, group = block{*meetings[slot], thread}] {
          call(group, window.as_slot(slot, blocks));
        });
      }
    }
    for (auto& one : running) {
      one.join();
    }
  }
};

}  // namespace host_ranks
