// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: a partial sum and a partial maximum do not mix
#include "tensor_case.hpp"

void attempt(const tensor_ranks& tensor) {
  const rondo::partial<float, rondo::op::max> largest{view};
#ifdef RONDO_CONTROL
  rondo::convert(tensor, largest, all);
#else
  rondo::convert(tensor, largest, terms);
#endif
}
