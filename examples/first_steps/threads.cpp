// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "greet.hpp"

int main() {
  rondo::threads::run(4, [](auto& comm) { greet(comm); });
}
