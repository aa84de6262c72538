// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <nccl.h>

static_assert(NCCL_MINOR == 30);
