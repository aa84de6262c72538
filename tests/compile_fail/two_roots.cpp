// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: two roots given
// compilers: g++ clang++ nvcc
#include <rondo/core/policies.hpp>

using allowed = rondo::detail::allow<rondo::policy::root, rondo::policy::tag>;

#ifdef RONDO_CONTROL
using second = rondo::tag;
#else
using second = rondo::root;
#endif

static_assert((rondo::detail::check_policies<allowed, rondo::root, second>(), true));
