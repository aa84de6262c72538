// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: not on GPUs: vocabularies, attention, experts and exact\{\.\.\}
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda_ranks.hpp>

#include "tensor_case.hpp"

using gpus = rondo::team<rondo::cuda_ranks<rondo::nccl::communicator>, "tensor">;
#ifdef RONDO_CONTROL
using order = rondo::any_order;
#else
using order = rondo::exact;
#endif

void attempt(const gpus& tensor) {
  rondo::row_parallel<gpus, kernels, order> down{tensor, whole, kernels{}};
}
