// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Collectives, thread ranks, and schedules to prove, simulate and draw. What more there is has
/// front headers of its own: transports in mpi.hpp, nccl.hpp, cuda.cuh; models of one machine and
/// their fit in schedule.hpp; codec, pipeline, tensor, data, elastic, device (.hpp).
#include <rondo/collective.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/reproducible.hpp>
#include <rondo/schedule/collectives.hpp>
#include <rondo/schedule/draw.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/schedule/prove.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/transport/threads/run.hpp>
