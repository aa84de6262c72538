// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: not on GPUs: vocabularies, attention, experts and exact\{\.\.\}
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/layer_ranks.hpp>
#include <rondo/tensor/vocabulary_embedding.hpp>
#include <rondo/transport/threads.hpp>

#ifdef RONDO_CONTROL
using users_ranks = rondo::threads::communicator;
#else
using users_ranks = rondo::layer_ranks<rondo::nccl::communicator>;
#endif

void attempt(const rondo::team<users_ranks, "tensor">& tensor, const rondo::cut& words) {
  rondo::vocabulary_embedding table{tensor, words};
}
