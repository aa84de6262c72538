// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: column_parallel: x is replicated, or a shard of the rows
#include "tensor_case.hpp"

void attempt(rondo::column_parallel<tensor_ranks, kernels>& up) {
#ifdef RONDO_CONTROL
  up.forward(by_rows, {view}, by_columns);
#else
  up.forward(by_columns, {view}, by_columns);
#endif
}
