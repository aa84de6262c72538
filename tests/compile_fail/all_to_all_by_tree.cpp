// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: all_to_all: this algorithm does not make it; use one_shot or bruck
// compilers: g++ clang++ nvcc
#include <rondo/schedule/collectives.hpp>
#include <rondo/schedule/generators.hpp>

#ifdef RONDO_CONTROL
static_assert(rondo::schedule::all_to_all(rondo::bruck{}, 4).size == 4);
#else
static_assert(rondo::schedule::all_to_all(rondo::tree{}, 4).size == 4);
#endif
