// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/matrix.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

/// A user's kernels as plain loops, and matrices to try them on.
namespace loops {

using rondo::matrix;

/// The three products. An element's bits depend on its row, its column and the sum's range alone.
struct kernels {
  template <class X, class W, class T>
  void product(matrix<X> x, matrix<W> w, matrix<T> y) const {
    for (std::size_t i = 0; i < x.rows; ++i) {
      for (std::size_t j = 0; j < w.rows; ++j) {
        T sum{};
        for (std::size_t k = 0; k < x.columns; ++k) {
          sum += x(i, k) * w(j, k);
        }
        y(i, j) = sum;
      }
    }
  }
  template <class Y, class W, class T>
  void input_gradient(matrix<Y> dy, matrix<W> w, matrix<T> dx) const {
    for (std::size_t i = 0; i < dx.rows; ++i) {
      for (std::size_t k = 0; k < dx.columns; ++k) {
        T sum{};
        for (std::size_t j = 0; j < dy.columns; ++j) {
          sum += dy(i, j) * w(j, k);
        }
        dx(i, k) = sum;
      }
    }
  }
  template <class Y, class X, class T>
  void weight_gradient(matrix<Y> dy, matrix<X> x, matrix<T> dw) const {
    for (std::size_t i = 0; i < dy.rows; ++i) {
      for (std::size_t j = 0; j < dw.rows; ++j) {
        for (std::size_t k = 0; k < dw.columns; ++k) {
          dw(j, k) += dy(i, j) * x(i, k);
        }
      }
    }
  }
};

/// A matrix that owns its values.
template <class T>
struct owned {
  std::vector<T> memory;
  std::size_t rows = 0;
  std::size_t columns = 0;

  owned() = default;
  owned(std::size_t h, std::size_t w, T value = {}) : memory(h * w, value), rows{h}, columns{w} {}

  [[nodiscard]] matrix<T> view() { return {memory.data(), rows, columns}; }
  [[nodiscard]] matrix<const T> view() const { return {memory.data(), rows, columns}; }
  [[nodiscard]] T& operator()(std::size_t i, std::size_t j) { return memory[i * columns + j]; }
  [[nodiscard]] const T& operator()(std::size_t i, std::size_t j) const {
    return memory[i * columns + j];
  }
  friend bool operator==(const owned&, const owned&) = default;
};

/// The same pseudo-random numbers in (-1, 1) on every rank: element (i, j) of matrix `which`.
inline double number(std::uint64_t which, std::size_t i, std::size_t j) {
  std::uint64_t mixed =
      which * 0x9e3779b97f4a7c15u + i * 0xbf58476d1ce4e5b9u + j * 0x94d049bb133111ebu;
  mixed = (mixed ^ (mixed >> 31)) * 0xd6e8feb86659fd93u;
  mixed = (mixed ^ (mixed >> 32)) * 0xd6e8feb86659fd93u;
  return static_cast<double>(mixed >> 11) / 4503599627370496.0 - 1.0;
}

/// Rows and columns of matrix `which` at the given global indices.
template <class T>
owned<T> numbers(std::uint64_t which, const std::vector<std::size_t>& rows,
                 const std::vector<std::size_t>& columns) {
  owned<T> made(rows.size(), columns.size());
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (std::size_t j = 0; j < columns.size(); ++j) {
      made(i, j) = static_cast<T>(static_cast<float>(number(which, rows[i], columns[j])));
    }
  }
  return made;
}

/// 0, 1, .. count-1.
inline std::vector<std::size_t> all(std::size_t count) {
  std::vector<std::size_t> indices(count);
  for (std::size_t i = 0; i < count; ++i) {
    indices[i] = i;
  }
  return indices;
}

/// The global indices that `rank` holds.
template <class Cut>
std::vector<std::size_t> held(const Cut& by, int rank) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < by.width(rank); ++i) {
    indices.push_back(by.global(rank, i));
  }
  return indices;
}

}  // namespace loops
