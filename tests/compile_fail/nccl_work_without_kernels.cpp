// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: NCCL has no such collective .*so kernels do part of the work: compile this
// needs: nccl
#include <rondo/nccl.hpp>

void call(rondo::nccl::communicator& comm, rondo::device_span<float> values, cudaStream_t stream) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(comm, values, rondo::op::max{}, rondo::native{}, rondo::on{stream});
#else
  rondo::all_reduce(comm, values, rondo::op::max{}, rondo::on{stream});  // a NaN must win
#endif
}
