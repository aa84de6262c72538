// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <vector>

namespace rondo::inline v0_1 {

/// `std::vector`, wherever it may have to stand in a constant expression. With `_GLIBCXX_DEBUG`,
/// where GCC's `std::vector` may not, this is the one inside it, which checks nothing: a
/// `std::vector` turns into it by itself, and it into a `std::vector` by that one's constructor.
#if defined(_GLIBCXX_DEBUG) && defined(__GLIBCXX__)
template <class T>
using constant_vector = std::__cxx1998::vector<T>;
#else
template <class T>
using constant_vector = std::vector<T>;
#endif

}  // namespace rondo::inline v0_1
