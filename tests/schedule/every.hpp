// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>

#include <functional>
#include <string>

/// Every pair of algorithm and collective that exists, written out. Compiled once for all tests.
namespace every {

using visit = std::function<void(const rondo::schedule::table&, const std::string& name)>;

/// Calls visit(schedule, name) for every pair; rooted collectives with the given root.
void schedules(int size, int root, const visit& each);

}  // namespace every
