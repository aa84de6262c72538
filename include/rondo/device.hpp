// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Collectives inside kernels, and what they need: everything of the device room that also
/// compiles, and is tested, on a CPU. Kernels include <rondo/cuda.cuh>, which adds the host's side.
#include <rondo/device/all_gather.hpp>
#include <rondo/device/all_reduce.hpp>
#include <rondo/device/all_to_all.hpp>
#include <rondo/device/barrier.hpp>
#include <rondo/device/broadcast.hpp>
#include <rondo/device/reduce_scatter.hpp>
#include <rondo/device/report.hpp>
#include <rondo/device/send_receive.hpp>
#include <rondo/device/window.hpp>
