// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: this pair moves no bytes, so it takes no codec
#include "tensor_case.hpp"

#include <rondo/codec/integer.hpp>

void attempt(const tensor_ranks& tensor) {
#ifdef RONDO_CONTROL
  rondo::convert(tensor, terms, by_rows, rondo::codec::int8<32>{});
#else
  rondo::convert(tensor, all, by_rows, rondo::codec::int8<32>{});
#endif
}
