// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <concepts>
#include <cstddef>

namespace rondo::inline v0_1 {

/// The user's activation between two linear layers. `parts` is how many columns of `hidden` make
/// one of `active`: 1, or 2 where one half gates the other.
///
///     forward(hidden, active)                   active = f(hidden)
///     backward(hidden, dactive, dhidden)        dhidden = f'(hidden) dactive
template <class A, class T>
concept activation_kernels = requires(const A& activation, matrix<const T> in,
                                      matrix<const T> other, matrix<T> out) {
  { A::parts } -> std::convertible_to<int>;
  activation.forward(in, out);
  activation.backward(in, other, out);
};

namespace detail {

/// What `pointwise` and `gated` ask of the function that they are given.
template <class F, class T>
consteval bool check_function() {
  static_assert(
      requires(const F& f, T x) {
        { f.value(x) } -> std::convertible_to<T>;
        { f.slope(x) } -> std::convertible_to<T>;
      },
      "rondo: an activation's function needs value(x) and slope(x), its derivative, both const");
  return true;
}

}  // namespace detail

/// A function of one value, and its slope, as an activation: `f.value(x)`, `f.slope(x)`.
template <class F>
struct pointwise {
  static constexpr int parts = 1;

  F f{};

  template <class T>
  void forward(matrix<const T> hidden, matrix<T> active) const {
    static_assert(detail::check_function<F, T>());
    for (std::size_t i = 0; i < active.rows; ++i) {
      for (std::size_t j = 0; j < active.columns; ++j) {
        active(i, j) = f.value(hidden(i, j));
      }
    }
  }
  template <class T>
  void backward(matrix<const T> hidden, matrix<const T> dactive, matrix<T> dhidden) const {
    static_assert(detail::check_function<F, T>());
    for (std::size_t i = 0; i < dactive.rows; ++i) {
      for (std::size_t j = 0; j < dactive.columns; ++j) {
        dhidden(i, j) = dactive(i, j) * f.slope(hidden(i, j));
      }
    }
  }
};
template <class F>
pointwise(F) -> pointwise<F>;

/// A gated activation: hidden is [gate; up], active = f(gate) up. With SiLU: SwiGLU.
/// Source: Shazeer 2020 (arXiv:2002.05202).
template <class F>
struct gated {
  static constexpr int parts = 2;

  F f{};

  template <class T>
  void forward(matrix<const T> hidden, matrix<T> active) const {
    static_assert(detail::check_function<F, T>());
    const std::size_t width = active.columns;
    for (std::size_t i = 0; i < active.rows; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        active(i, j) = f.value(hidden(i, j)) * hidden(i, width + j);
      }
    }
  }
  template <class T>
  void backward(matrix<const T> hidden, matrix<const T> dactive, matrix<T> dhidden) const {
    static_assert(detail::check_function<F, T>());
    const std::size_t width = dactive.columns;
    for (std::size_t i = 0; i < dactive.rows; ++i) {
      for (std::size_t j = 0; j < width; ++j) {
        dhidden(i, j) = dactive(i, j) * hidden(i, width + j) * f.slope(hidden(i, j));
        dhidden(i, width + j) = dactive(i, j) * f.value(hidden(i, j));
      }
    }
  }
};
template <class F>
gated(F) -> gated<F>;

/// Activations that read and write matrices themselves, on the host.
template <class A>
inline constexpr bool runs_on_host = false;
template <class F>
inline constexpr bool runs_on_host<pointwise<F>> = true;
template <class F>
inline constexpr bool runs_on_host<gated<F>> = true;

}  // namespace rondo::inline v0_1
