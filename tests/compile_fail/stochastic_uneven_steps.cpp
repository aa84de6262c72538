// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: codec::stochastic: needs a codec with even steps
#include <rondo/codec/float8.hpp>
#include <rondo/codec/stochastic.hpp>

#ifdef RONDO_CONTROL
using inner = rondo::codec::int8<128>;
#else
using inner = rondo::codec::fp8_e4m3<128>;
#endif

std::size_t size() { return rondo::codec::stochastic{inner{}, 1}.wire_bytes(100); }
