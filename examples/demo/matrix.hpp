// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/vectorize.hpp>

#include <cstddef>

/// The three matrix products of a layer, row-major, as plain loops. The summed dimension is a
/// multiple of 4, or of 16 for the last of them.
namespace demo {

/// to[j] += the sum over s < 4 of factors[s stride] rows[s, j], for j < n
[[gnu::always_inline]] inline void add_four_rows(const float* factors, std::size_t stride,
                                                 const float* __restrict rows, float* __restrict to,
                                                 std::size_t n) {
  const float a = factors[0];
  const float b = factors[stride];
  const float c = factors[2 * stride];
  const float d = factors[3 * stride];
  for (std::size_t j = 0; j < n; ++j) {
    to[j] += a * rows[j] + b * rows[n + j] + c * rows[2 * n + j] + d * rows[3 * n + j];
  }
}

/// c[m, n] += a[m, k] b[k, n]
inline void multiply(const float* a, const float* b, float* c, std::size_t m, std::size_t k,
                     std::size_t n) {
  rondo::vectorized([&]() RONDO_INLINE_BODY {
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t x = 0; x < k; x += 4) {
        add_four_rows(a + i * k + x, 1, b + x * n, c + i * n, n);
      }
    }
  });
}

/// c[k, n] += a[m, k] transposed, times b[m, n]
inline void multiply_transposed(const float* a, const float* b, float* c, std::size_t m,
                                std::size_t k, std::size_t n) {
  rondo::vectorized([&]() RONDO_INLINE_BODY {
    for (std::size_t x = 0; x < k; ++x) {
      for (std::size_t i = 0; i < m; i += 4) {
        add_four_rows(a + i * k + x, k, b + i * n, c + x * n, n);
      }
    }
  });
}

/// c[m, k] += a[m, n] times b[k, n] transposed
inline void multiply_by_transposed(const float* a, const float* b, float* c, std::size_t m,
                                   std::size_t n, std::size_t k) {
  rondo::vectorized([&]() RONDO_INLINE_BODY {
    for (std::size_t i = 0; i < m; ++i) {
      for (std::size_t x = 0; x < k; ++x) {
        float lanes[16] = {};
        for (std::size_t j = 0; j < n; j += 16) {
          for (std::size_t lane = 0; lane < 16; ++lane) {
            lanes[lane] += a[i * n + j + lane] * b[x * n + j + lane];
          }
        }
        float sum = 0;
        for (const float one : lanes) {
          sum += one;
        }
        c[i * k + x] += sum;
      }
    }
  });
}

}  // namespace demo
