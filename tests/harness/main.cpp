// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "harness/run_tests.hpp"

int main(int argc, char** argv) { return run_tests(argc, argv); }
