// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

namespace rondo::inline v0_1 {

/// What kinds of policies there are. Every policy says its own: `static constexpr policy kind`.
enum class policy { operation, algorithm, codec, root, counts, peer, tag, async, stream };

}  // namespace rondo::inline v0_1
