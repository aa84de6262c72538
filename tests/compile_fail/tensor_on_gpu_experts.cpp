// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: not on GPUs: .*experts, as the host must know where tokens go
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/transport/threads/run.hpp>

#ifdef RONDO_CONTROL
using users_ranks = rondo::threads::communicator;
#else
using users_ranks = rondo::layer_ranks<rondo::nccl::communicator>;
#endif

struct doubling {};

void attempt(const rondo::team<users_ranks, "expert">& ranks, const rondo::cut& tokens) {
  rondo::expert_parallel experts{ranks, tokens, 8, 0, doubling{}};
}
