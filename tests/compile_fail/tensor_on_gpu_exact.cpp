// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: not on GPUs: exact\{\.\.\} with sums by leaves
// needs: nccl
#include <rondo/nccl.hpp>
#include <rondo/tensor/cuda/layer_ranks.hpp>

#include "tensor_case.hpp"

using gpus = rondo::team<rondo::layer_ranks<rondo::nccl::communicator>, "tensor">;
#ifdef RONDO_CONTROL
using users_order = rondo::any_order;
#else
using users_order = rondo::exact;
#endif

void attempt(rondo::row_parallel<gpus, kernels, users_order>& down) {
  down.forward(by_columns, view, all);
}
