// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: replicated to partial would count the value once per rank
#include "tensor_case.hpp"

void attempt(const tensor_ranks& tensor) {
#ifdef RONDO_CONTROL
  rondo::convert(tensor, terms, all);
#else
  rondo::convert(tensor, all, terms);
#endif
}
