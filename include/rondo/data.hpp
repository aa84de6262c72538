// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Data parallelism beyond one all_reduce: means over unequal shares, sharded optimizers, federated
/// averaging, and what a rank holds and sends.

#include <rondo/data/chacha20.hpp>
#include <rondo/data/federated_average.hpp>
#include <rondo/data/fixed_point.hpp>
#include <rondo/data/gradient_norm.hpp>
#include <rondo/data/model_states.hpp>
#include <rondo/data/secure_average.hpp>
#include <rondo/data/sharded_optimizer.hpp>
#include <rondo/data/stale_synchronous.hpp>
#include <rondo/data/token_mean.hpp>
