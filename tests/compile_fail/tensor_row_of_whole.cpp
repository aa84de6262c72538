// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: row_parallel: x is a shard of the features.*a whole x would
#include "tensor_case.hpp"

void attempt(rondo::row_parallel<tensor_ranks, kernels>& down) {
#ifdef RONDO_CONTROL
  down.forward(by_columns, view, all);
#else
  down.forward(all, view, all);
#endif
}
