// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/detail/route.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/version.hpp>

/// Defines the function `name` for up to seven arguments behind the communicator, each with the
/// caller's source location behind them, where a parameter pack would leave no room for it. The
/// work is done by `detail::name##_call::make(where, comm, arguments...)`, which `route` calls.
#define RONDO_COLLECTIVE(name)                                                               \
  template <class Comm>                                                                      \
  auto name(Comm&& comm, source_location where = source_location::current()) {               \
    return detail::route<detail::name##_call>(where, comm);                                  \
  }                                                                                          \
  template <class Comm, class A>                                                             \
  auto name(Comm&& comm, A&& a, source_location where = source_location::current()) {        \
    detail::check_lifetimes<A>();                                                            \
    return detail::route<detail::name##_call>(where, comm, a);                               \
  }                                                                                          \
  template <class Comm, class A, class B>                                                    \
  auto name(Comm&& comm, A&& a, B&& b, source_location where = source_location::current()) { \
    detail::check_lifetimes<A, B>();                                                         \
    return detail::route<detail::name##_call>(where, comm, a, b);                            \
  }                                                                                          \
  template <class Comm, class A, class B, class C>                                           \
  auto name(Comm&& comm, A&& a, B&& b, C&& c,                                                \
            source_location where = source_location::current()) {                            \
    detail::check_lifetimes<A, B, C>();                                                      \
    return detail::route<detail::name##_call>(where, comm, a, b, c);                         \
  }                                                                                          \
  template <class Comm, class A, class B, class C, class D>                                  \
  auto name(Comm&& comm, A&& a, B&& b, C&& c, D&& d,                                         \
            source_location where = source_location::current()) {                            \
    detail::check_lifetimes<A, B, C, D>();                                                   \
    return detail::route<detail::name##_call>(where, comm, a, b, c, d);                      \
  }                                                                                          \
  template <class Comm, class A, class B, class C, class D, class E>                         \
  auto name(Comm&& comm, A&& a, B&& b, C&& c, D&& d, E&& e,                                  \
            source_location where = source_location::current()) {                            \
    detail::check_lifetimes<A, B, C, D, E>();                                                \
    return detail::route<detail::name##_call>(where, comm, a, b, c, d, e);                   \
  }                                                                                          \
  template <class Comm, class A, class B, class C, class D, class E, class F>                \
  auto name(Comm&& comm, A&& a, B&& b, C&& c, D&& d, E&& e, F&& f,                           \
            source_location where = source_location::current()) {                            \
    detail::check_lifetimes<A, B, C, D, E, F>();                                             \
    return detail::route<detail::name##_call>(where, comm, a, b, c, d, e, f);                \
  }                                                                                          \
  template <class Comm, class A, class B, class C, class D, class E, class F, class G>       \
  auto name(Comm&& comm, A&& a, B&& b, C&& c, D&& d, E&& e, F&& f, G&& g,                    \
            source_location where = source_location::current()) {                            \
    detail::check_lifetimes<A, B, C, D, E, F, G>();                                          \
    return detail::route<detail::name##_call>(where, comm, a, b, c, d, e, f, g);             \
  }                                                                                          \
  static_assert(true)
