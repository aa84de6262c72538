// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Ranks and replicas that come and go: which numbers of ranks a batch allows, what a larger batch
/// is worth, which samples are next, and how many replicas a load needs.

#include <rondo/elastic/batch_size.hpp>
#include <rondo/elastic/cursor.hpp>
#include <rondo/elastic/goodput.hpp>
#include <rondo/elastic/gradient_noise.hpp>
#include <rondo/elastic/load.hpp>
#include <rondo/elastic/panic_policy.hpp>
#include <rondo/elastic/queue_length_policy.hpp>
#include <rondo/elastic/ratio_policy.hpp>
#include <rondo/elastic/sample_order.hpp>
