// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// rondo.hpp, and ranks that are MPI processes:
/// `rondo::mpi::communicator comm{MPI_COMM_WORLD};`
#include <rondo/rondo.hpp>
#include <rondo/transport/mpi/communicator.hpp>
