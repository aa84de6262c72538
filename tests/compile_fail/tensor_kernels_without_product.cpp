// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: a linear layer's kernels need product
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
using given = kernels;
#else
struct given {};
#endif

void attempt(rondo::row_parallel<ranks, given>& down) { down.forward(by_columns, view, all); }
