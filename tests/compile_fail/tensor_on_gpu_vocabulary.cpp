// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: not on GPUs: vocabularies, attention, experts and exact\{\.\.\}
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda_ranks.hpp>
#include <rondo/tensor/vocabulary_embedding.hpp>

#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
using comm = comm_type;
#else
using comm = rondo::cuda_ranks<rondo::nccl::communicator>;
#endif

void attempt(const rondo::team<comm, "tensor">& tensor) {
  rondo::vocabulary_embedding words{tensor, whole};
}
