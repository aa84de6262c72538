// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: gradient_of: only a partial sum is linear
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
using operation = rondo::op::sum;
#else
using operation = rondo::op::max;
#endif

using attempt = rondo::gradient_of<rondo::partial<float, operation>>;
attempt value{view};
