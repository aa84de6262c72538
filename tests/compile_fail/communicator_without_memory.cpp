// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this communicator or its turn lacks some of what a schedule needs; see
#include <rondo/rondo.hpp>
#include <rondo/testing/messages_only.hpp>

#include <vector>

struct forgetful : rondo::testing::messages_only<rondo::threads::communicator> {
  using messages_only::messages_only;
#ifndef RONDO_CONTROL
  void kept() = delete;
#endif
};

void call(forgetful& comm, std::vector<int>& values) { rondo::all_reduce(comm, values); }
