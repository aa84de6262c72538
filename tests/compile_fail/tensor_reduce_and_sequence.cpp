// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: column_parallel: dx lies as x does.*all_reduce and sequence parallelism do not
#include "tensor_case.hpp"

void attempt(rondo::column_parallel<tensor_ranks, kernels>& up) {
#ifdef RONDO_CONTROL
  up.backward(by_columns, by_rows, {view}, by_rows, {view});
#else
  up.backward(by_columns, by_rows, {view}, all, {view});
#endif
}
