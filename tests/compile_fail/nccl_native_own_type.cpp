// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: NCCL does not fold this type with this operation; leave out native
// needs: nccl
#include <rondo/nccl.hpp>

void call(rondo::nccl::communicator& comm, rondo::device_span<short> shorts,
          rondo::device_span<int> integers) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, integers, rondo::native{});
  static_cast<void>(shorts);
#else
  rondo::all_reduce(comm, shorts, rondo::native{});
  static_cast<void>(integers);
#endif
}
