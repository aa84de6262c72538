// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Every algorithm's `generate`.
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/bruck.hpp>
#include <rondo/schedule/halving_doubling.hpp>
#include <rondo/schedule/hierarchical.hpp>
#include <rondo/schedule/one_shot.hpp>
#include <rondo/schedule/recursive_doubling.hpp>
#include <rondo/schedule/ring.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/tree.hpp>
#include <rondo/schedule/two_shot.hpp>
