// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Collectives and thread ranks. What more there is has front headers of its own: transports in
/// mpi.hpp, nccl.hpp, cuda.cuh; codec, schedule, pipeline, tensor, data, elastic, device (.hpp).
#include <rondo/collective.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/reproducible.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/transport/threads/run.hpp>
