// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: mesh: this communicator has no split\(color, key\) for the axes; see
#include <rondo/rondo.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/testing/messages_only.hpp>
#include <rondo/testing/recording.hpp>

#ifndef RONDO_CONTROL
using ranks = rondo::testing::messages_only<rondo::threads::communicator>;
#else
using ranks = rondo::testing::recording<rondo::threads::communicator>;
#endif

void lay_out(ranks& comm) { rondo::mesh grid{comm, {{"data", 2}, {"tensor", 2}}}; }
