// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// The one place that states the version; CMake reads it from here.
#define RONDO_VERSION_MAJOR 0
#define RONDO_VERSION_MINOR 1
#define RONDO_VERSION_PATCH 0

#if __cplusplus < 202002L
#error "rondo needs C++20: -std=c++20, with CMake CMAKE_CXX_STANDARD 20 and CMAKE_CUDA_STANDARD 20"
#endif
