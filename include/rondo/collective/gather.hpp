// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/rooted_movement.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1 {
namespace detail {

using gather_call = rooted_movement<schedule::collective::gather>;

}  // namespace detail

/// Gives the root the concatenation of all ranks' inputs, in rank order.
///
///     gather(comm, in, out, root{r})                 in: [count], out: [n count] on the root
///     gather(comm, in, out, root{r}, counts{each})   in: [each[rank]], out: [sum of each]
///     policies: a root (0), an algorithm (automatic), counts, async{}
///
/// Other ranks' `out` is not touched and may be empty. Cost: the root receives (n-1) chunks.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for counts that do not
/// fit, and for buffers that overlap, but for the root's own part of the whole.
RONDO_COLLECTIVE(gather);

}  // namespace rondo::inline v0_1
