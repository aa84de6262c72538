// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: a linear layer's kernels need product
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
using users_kernels = kernels;
#else
struct users_kernels {};
#endif

void attempt(rondo::row_parallel<tensor_ranks, users_kernels>& down) {
  down.forward(by_columns, view, all);
}
