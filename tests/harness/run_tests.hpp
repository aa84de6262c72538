// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// Runs the test cases that the arguments select; returns the exit status.
int run_tests(int argc, char** argv);
