// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: the two placements lie on different axes of the mesh
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
constexpr rondo::axis_name axis{"tensor"};
#else
constexpr rondo::axis_name axis{"data"};
#endif

void attempt(const tensor_ranks& tensor) {
  rondo::convert(tensor, terms, rondo::replicated<float, axis>{view});
}
