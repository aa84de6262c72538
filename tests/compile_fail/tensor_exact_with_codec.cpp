// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: exact mode and a codec: nodes travel as they are
#include "tensor_case.hpp"

#include <rondo/codec/integer.hpp>

#ifdef RONDO_CONTROL
using order = rondo::any_order;
#else
using order = rondo::exact;
#endif

using attempt = rondo::row_parallel<tensor_ranks, kernels, order, rondo::codec::int8<32>>;
std::size_t size = sizeof(attempt);
