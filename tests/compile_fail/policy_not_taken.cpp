// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: this collective does not take root\{\}
#include <rondo/rondo.hpp>

#include <vector>

void call(rondo::threads::communicator& comm, std::vector<float>& in, std::vector<float>& out) {
#ifdef RONDO_CONTROL
  rondo::gather(comm, in, out, rondo::root{1});
#else
  rondo::all_gather(comm, in, out, rondo::root{1});
#endif
}
