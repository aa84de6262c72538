// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

namespace rondo::inline v0_1::cuda {

/// How processes map each other's windows.
enum class sharing {
  ipc,         ///< cudaMalloc, and CUDA IPC handles
  descriptor,  ///< virtual memory (cuMemCreate), and file descriptors: also where IPC is closed off
  fabric       ///< virtual memory, and fabric handles: also over nodes of one NVLink domain
};

}  // namespace rondo::inline v0_1::cuda
