// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: codec::exact: its wire is float and would round doubles
#include <rondo/codec/cast.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using element = float;
#else
using element = double;
#endif

void send(const std::vector<element>& values, std::span<std::byte> wire) {
  rondo::codec::exact{}.encode(values, wire);
}
