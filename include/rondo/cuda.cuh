// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Collectives inside kernels, codecs on device buffers, windows of memory that ranks share
/// (virtual ranks on one GPU, GPUs of a process, processes of a node), and collectives over windows
/// that the host calls. Needs nvcc; no -rdc.
#include <rondo/codec.hpp>
#include <rondo/collective.hpp>
#include <rondo/core/device_span.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/device.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/transport/cuda/codec.cuh>
#include <rondo/transport/cuda/peer_gpus.hpp>
#include <rondo/transport/cuda/shared_window.hpp>
#include <rondo/transport/cuda/virtual_ranks.hpp>
