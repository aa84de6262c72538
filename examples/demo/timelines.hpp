// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <filesystem>

namespace demo {

inline void write_timelines(const std::filesystem::path&) {}

}  // namespace demo
