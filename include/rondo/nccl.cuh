// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Everything over NCCL with nvcc: besides `rondo/nccl.hpp`, windows of NCCL's symmetric memory,
/// and GPUs of several nodes. Needs NCCL 2.28 or newer; no -rdc.
#include <rondo/collective/nccl/nodes.cuh>
#include <rondo/nccl.hpp>
#include <rondo/transport/nccl/window.cuh>
