// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: elements must be trivially copyable
#include <rondo/rondo.hpp>

#include <string>
#include <vector>

#ifdef RONDO_CONTROL
using element = char;
#else
using element = std::string;
#endif

void call(rondo::threads::communicator& comm, std::vector<element>& values) {
  rondo::broadcast(comm, values);
}
