// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: convert: the values lie on another axis than these ranks
#include "tensor_case.hpp"

#ifdef RONDO_CONTROL
constexpr rondo::axis_name axis{"tensor"};
#else
constexpr rondo::axis_name axis{"data"};
#endif

void attempt(const rondo::team<comm_type, axis>& some) { rondo::convert(some, terms, all); }
