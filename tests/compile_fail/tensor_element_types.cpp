// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: the elements differ in type
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
using element_of_result = float;
#else
using element_of_result = double;
#endif

void attempt(const tensor_ranks& tensor) {
  element_of_result other[4];
  const rondo::matrix<element_of_result> view_of_other{other, 2, 2};
  rondo::convert(tensor, terms, rondo::replicated<element_of_result>{view_of_other});
}
