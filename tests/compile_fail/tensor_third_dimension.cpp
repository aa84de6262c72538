// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: sharded: a matrix is cut along dimension 0 .rows: tokens. or 1
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
constexpr int dimension = 1;
#else
constexpr int dimension = 2;
#endif

rondo::sharded<float, dimension> attempt() { return {view, whole}; }
