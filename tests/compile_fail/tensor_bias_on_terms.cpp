// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: row_parallel: a bias added to partial sums would count once per rank
#include "tensor_case.hpp"

void attempt(rondo::row_parallel<tensor_ranks, kernels>& down) {
#ifdef RONDO_CONTROL
  down.forward(by_columns, view, terms);
#else
  down.forward(by_columns, rondo::linear_weights<float>{view, numbers}, terms);
#endif
}
