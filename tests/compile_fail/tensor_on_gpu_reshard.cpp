// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: reshard: these ranks are GPUs; it moves memory of the host
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>
#include <rondo/tensor/reshard/reshard.hpp>
#include <rondo/transport/threads/run.hpp>

#include <vector>

#if defined(RONDO_CONTROL)
using users_ranks = rondo::threads::communicator;
#else
using users_ranks = rondo::nccl::communicator;
#endif

void attempt(users_ranks& comm, const rondo::reshard_plan& moves,
             const std::vector<std::vector<float>>& held, std::vector<std::vector<float>>& wanted) {
  rondo::reshard(comm, moves, held, wanted);
}
