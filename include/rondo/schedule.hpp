// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Collectives as data, and their readers.
#include <rondo/schedule/collectives.hpp>
#include <rondo/schedule/draw.hpp>
#include <rondo/schedule/fit.hpp>
#include <rondo/schedule/generators.hpp>
#include <rondo/schedule/host.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/schedule/prove.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/schedule/simulate_on_host.hpp>
#include <rondo/schedule/tabulate.hpp>
