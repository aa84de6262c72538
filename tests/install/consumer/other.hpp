// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// 0 + 1 + ... + (ranks - 1), by all_reduce.
float sum_of_ranks(int ranks);
