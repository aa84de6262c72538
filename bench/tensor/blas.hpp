// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/matrix.hpp>

#include <cblas.h>

#include <cstddef>

extern "C" void openblas_set_num_threads(int);

/// A user's products.
namespace bench {

using rondo::matrix;

/// c = a b + beta c, each transposed or not.
inline void gemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, matrix<const float> a,
                 matrix<const float> b, float beta, matrix<float> c, float alpha = 1) {
  const auto of = [](std::size_t n) { return static_cast<int>(n); };
  if (c.elements() != 0) {
    cblas_sgemm(CblasRowMajor, ta, tb, of(c.rows), of(c.columns),
                of(ta == CblasTrans ? a.rows : a.columns), alpha, a.data, of(a.stride), b.data,
                of(b.stride), beta, c.data, of(c.stride));
  }
}

}  // namespace bench
