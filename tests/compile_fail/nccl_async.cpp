// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: a call on a stream returns at once; leave out async\{\}
// needs: nccl
#include <rondo/nccl.hpp>

void call(rondo::nccl::communicator& comm, rondo::device_span<float> values, cudaStream_t stream) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, values, rondo::on{stream});
#else
  rondo::all_reduce(comm, values, rondo::on{stream}, rondo::async{});
#endif
}
