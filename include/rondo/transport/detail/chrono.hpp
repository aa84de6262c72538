// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Durations and clocks. <chrono> is 16,000 lines more, for calendars and the streams that print
/// them; where the standard library keeps durations and clocks in a header of their own, that one
/// will do.
#if __has_include(<bits/chrono.h>)
#include <bits/chrono.h>
#else
#include <chrono>
#endif
