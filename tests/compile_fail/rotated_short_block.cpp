// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: codec::rotated: the block must be a multiple of 32 values
#include <rondo/codec/integer.hpp>
#include <rondo/codec/rotated.hpp>

#ifdef RONDO_CONTROL
using inner = rondo::codec::int4<32>;
#else
using inner = rondo::codec::int4<16>;
#endif

std::size_t size() { return rondo::codec::rotated{inner{}, 1}.wire_bytes(100); }
