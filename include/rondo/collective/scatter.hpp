// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/call_site.hpp>
#include <rondo/collective/detail/rooted_movement.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1 {
namespace detail {

using scatter_call = rooted_movement<schedule::collective::scatter>;

}  // namespace detail

/// Gives each rank its part of the root's input.
///
///     scatter(comm, in, out, root{r})                 in: [n count] on the root, out: [count]
///     scatter(comm, in, out, root{r}, counts{each})   in: [sum of each], out: [each[rank]]
///     policies: a root (0), an algorithm (automatic), counts, async{}
///
/// Other ranks' `in` is not read and may be empty. Cost: the root sends (n-1) chunks.
/// Errors: mismatch, timeout, revoked; error_code::invalid_argument for counts that do not
/// fit, and for buffers that overlap, but for the root's own part of the whole.
RONDO_COLLECTIVE(scatter);

}  // namespace rondo::inline v0_1
