// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: sharded to partial would send zeros
#include "tensor_case.hpp"

void attempt(const tensor_ranks& tensor) {
#ifdef RONDO_CONTROL
  rondo::convert(tensor, by_rows, all);
#else
  rondo::convert(tensor, by_rows, terms);
#endif
}
