// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Thread ranks: one thread per rank in one process; peer memory and messages.
#include <rondo/transport/threads/communicator.hpp>
#include <rondo/transport/threads/run.hpp>
