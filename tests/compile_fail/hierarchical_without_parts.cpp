// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: all_reduce: hierarchical needs an inner algorithm that makes reduce_scatter
// expect-error: rondo: all_gather: hierarchical needs an inner and an outer algorithm that make all_
// expect-error: rondo: broadcast: hierarchical needs an inner and an outer algorithm that make broad
#include <rondo/rondo.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using by_ring = rondo::hierarchical<rondo::ring, rondo::ring>;
using by_doubling = by_ring;
#else
using by_ring = rondo::hierarchical<rondo::ring, rondo::tree>;  // tree makes no all_gather
using by_doubling = rondo::hierarchical<rondo::recursive_doubling, rondo::ring>;
#endif

void call(rondo::threads::communicator& comm, std::vector<int>& in, std::vector<int>& out) {
  rondo::all_reduce(comm, in, by_doubling{});
  rondo::all_gather(comm, in, out, by_ring{});
  rondo::broadcast(comm, in, by_doubling{});
}
