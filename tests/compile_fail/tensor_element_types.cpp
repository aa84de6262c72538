// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: the elements differ in type
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
using number = float;
#else
using number = double;
#endif

void attempt(const ranks& tensor) {
  number other[4];
  rondo::convert(tensor, terms, rondo::replicated<number>{rondo::matrix<number>{other, 2, 2}});
}
