// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/codec/concept.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/version.hpp>

#include <type_traits>

namespace rondo::inline v0_1 {

/// No codec between a layer's ranks: values travel as they are, by any algorithm. `codec::exact` is
/// a codec: its wire is the values as floats, and it goes the ways that codecs go.
struct no_codec {
  friend bool operator==(const no_codec&, const no_codec&) = default;
};

namespace detail {

/// One line for an order of sums or a wire that is none, and for two that do not go together.
template <class Order, class Wire>
consteval bool check_wire() {
  static_assert(order_of_sums<Order>,
                "rondo: the order of a layer's sums is any_order{} or exact{features, tokens}");
  if constexpr (!std::is_same_v<Wire, no_codec>) {
    static_assert(codec::codec<Wire>,
                  "rondo: a layer's wire is a codec such as codec::int8<128>{}, or no_codec{}");
    static_assert(!is_exact<Order>,
                  "rondo: exact mode and a codec: nodes travel as they are; a lossy codec would "
                  "change bits that exact mode promises, and a lossless one is not implemented");
  }
  return true;
}

}  // namespace detail
}  // namespace rondo::inline v0_1
