// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/version.hpp>

#ifdef WITH_LIBRARY
#include <averaging.hpp>
int main() { return average_of_ranks(3) == 1.0F ? 0 : 1; }
#else
static_assert(__cplusplus >= 202002L, "rondo::core asks for C++20");
int main() { return RONDO_VERSION_MAJOR < 999 ? 0 : 1; }
#endif
