// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Everything that needs neither MPI nor CUDA nor NCCL.
#include <rondo/collective.hpp>
#include <rondo/core/float16.hpp>
#include <rondo/core/reproducible.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/transport/threads.hpp>
