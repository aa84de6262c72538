// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/collective/detail/call_of.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/version.hpp>

#include <type_traits>

namespace rondo::inline v0_1::detail {

/// Refuses pairs that would lose meaning, with one line that says why.
template <class Operation, class Algorithm, class Codec>
consteval void check_codec() {
  static_assert(!codec::linear_codec<Codec>,
                "rondo: shared_scale and low_rank are sums made by all_reduce; this collective "
                "takes int8, int4, ...");
  static_assert(codec::codec<Codec>,
                "rondo: the codec needs block, wire_bytes, encode, decode and decode_add; see "
                "codec/concept.hpp");
  static_assert(std::is_same_v<Operation, op::sum> || std::is_same_v<Operation, op::average>,
                "rondo: a codec decodes and adds; with one, pass op::sum or op::average");
  static_assert(!is_native<Algorithm>,
                "rondo: the transport's own collectives know no codec; use two_shot or one_shot");
  static_assert(!codec::traits<Codec>::lossy || codec::traits<Codec>::requantises_per_hop ||
                    is_direct<Algorithm> || is_automatic<Algorithm>,
                "rondo: this algorithm would encode anew at every hop and lose accuracy each time; "
                "use two_shot or one_shot, or ask for it with codec::requantised{...}");
  static_assert(!(codec::traits<Codec>::needs_state && codec::traits<Codec>::requantises_per_hop),
                "rondo: a codec with a memory cannot encode at every hop, where values are partial "
                "sums of other ranks; use two_shot or one_shot");
}

/// With a codec, all-reduce alone has more than one form.
template <class Algorithm>
consteval void check_encoded_once() {
  static_assert(is_direct<Algorithm> || is_automatic<Algorithm>,
                "rondo: with a codec this collective goes straight to its peers; use one_shot, "
                "two_shot or no algorithm");
}

}  // namespace rondo::inline v0_1::detail
