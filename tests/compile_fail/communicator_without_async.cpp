// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this communicator has no calls for async\{\}; see
// expect-error: rondo: this communicator has no messages for async\{\}; see
#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>

#include <vector>

struct prompt : rondo::testing::messages_only<rondo::threads::communicator> {
  using messages_only::messages_only;
#ifndef RONDO_CONTROL
  void begin_collective() = delete;
  void begin_message() = delete;
#endif
};

void call(prompt& comm, std::vector<int>& values) {
  rondo::all_reduce(comm, values, rondo::async{}).wait();
  rondo::send(comm, values, rondo::to{1}, rondo::async{}).wait();
}
