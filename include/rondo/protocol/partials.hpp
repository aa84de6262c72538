// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/version.hpp>

/// Reductions whose values are partial results already, and are left as such.
namespace rondo::inline v0_1::protocol {

/// A fold of partial results as they are, for `fold_each`.
template <class Reduction>
struct fold_partials {
  using partial = typename Reduction::partial;
  Reduction with;
  RONDO_HOST_DEVICE static constexpr const partial& lift(const partial& value) { return value; }
  RONDO_HOST_DEVICE constexpr partial fold(const partial& a, const partial& b) const {
    return with.fold(a, b);
  }
  RONDO_HOST_DEVICE static constexpr const partial& lower(const partial& value) { return value; }
};

/// Where nothing is folded.
template <class Element>
struct fold_nothing {
  using partial = Element;
  RONDO_HOST_DEVICE static constexpr const Element& lift(const Element& value) { return value; }
  RONDO_HOST_DEVICE static constexpr const Element& fold(const Element& a, const Element&) {
    return a;
  }
  RONDO_HOST_DEVICE static constexpr const Element& lower(const Element& value) { return value; }
};

}  // namespace rondo::inline v0_1::protocol
