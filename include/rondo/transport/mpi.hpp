// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// MPI ranks: messages between processes, and shared windows between those of one node.
#include <rondo/transport/mpi/communicator.hpp>
