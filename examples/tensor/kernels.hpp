// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

/// The kernels that a user brings; rondo adds the collectives between them. Plain loops, in which
/// the bits of an element depend on its row and its column alone, as exact mode asks.
namespace tensor_example {

using rondo::matrix;

struct products {
  void product(matrix<const float> x, matrix<const float> w, matrix<float> y) const {
    for (std::size_t i = 0; i < x.rows; ++i) {
      for (std::size_t j = 0; j < w.rows; ++j) {
        float sum = 0;
        for (std::size_t k = 0; k < x.columns; ++k) {
          sum += x(i, k) * w(j, k);
        }
        y(i, j) = sum;
      }
    }
  }
  void input_gradient(matrix<const float> dy, matrix<const float> w, matrix<float> dx) const {
    for (std::size_t i = 0; i < dx.rows; ++i) {
      std::fill_n(&dx(i, 0), dx.columns, 0.0F);
      for (std::size_t j = 0; j < dy.columns; ++j) {
        for (std::size_t k = 0; k < dx.columns; ++k) {
          dx(i, k) += dy(i, j) * w(j, k);
        }
      }
    }
  }
  void weight_gradient(matrix<const float> dy, matrix<const float> x, matrix<float> dw) const {
    for (std::size_t i = 0; i < dy.rows; ++i) {
      for (std::size_t j = 0; j < dw.rows; ++j) {
        for (std::size_t k = 0; k < dw.columns; ++k) {
          dw(j, k) += dy(i, j) * x(i, k);
        }
      }
    }
  }
};

/// softmax(query key^T / sqrt(width)) value and its gradients.
struct attention {
  void forward(rondo::attention_heads heads, rondo::attention_block at,
               const rondo::attention_forward<float>& given) const {
    const auto& [q, k, v, out, lse] = given;
    std::vector<float> p(k.rows);
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t head = 0; head < heads.query; ++head) {
        const std::size_t own = head * heads.width;
        const std::size_t read = head / heads.group() * heads.width;
        float most = -std::numeric_limits<float>::infinity();
        for (std::size_t key = 0; key < k.rows; ++key) {
          p[key] = at.hides(row, key) ? -std::numeric_limits<float>::infinity()
                                      : score(&q(row, own), &k(key, read), heads.width);
          most = std::max(most, p[key]);
        }
        std::fill_n(&out(row, own), heads.width, 0.0F);
        float sum = 0;
        for (std::size_t key = 0; key < k.rows; ++key) {
          if (!at.hides(row, key)) {
            p[key] = std::exp(p[key] - most);
            sum += p[key];
            for (std::size_t i = 0; i < heads.width; ++i) {
              out(row, own + i) += p[key] * v(key, read + i);
            }
          }
        }
        for (std::size_t i = 0; i < heads.width && sum > 0; ++i) {
          out(row, own + i) /= sum;
        }
        lse(row, head) = sum > 0 ? most + std::log(sum) : most;
      }
    }
  }

  void backward(rondo::attention_heads heads, rondo::attention_block at,
                const rondo::attention_backward<float>& given) const {
    const auto& [q, k, v, d_out, lse, delta, d_q, d_k, d_v] = given;
    const float scale = 1 / std::sqrt(static_cast<float>(heads.width));
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t head = 0; head < heads.query; ++head) {
        const std::size_t own = head * heads.width;
        const std::size_t read = head / heads.group() * heads.width;
        for (std::size_t key = 0; key < k.rows; ++key) {
          if (at.hides(row, key)) {
            continue;
          }
          const float p =
              std::exp(score(&q(row, own), &k(key, read), heads.width) - lse(row, head));
          float d_p = 0;
          for (std::size_t i = 0; i < heads.width; ++i) {
            d_v(key, read + i) += p * d_out(row, own + i);
            d_p += d_out(row, own + i) * v(key, read + i);
          }
          const float d_score = p * (d_p - delta(row, head)) * scale;
          for (std::size_t i = 0; i < heads.width; ++i) {
            d_q(row, own + i) += d_score * k(key, read + i);
            d_k(key, read + i) += d_score * q(row, own + i);
          }
        }
      }
    }
  }

 private:
  static float score(const float* a, const float* b, std::size_t width) {
    float sum = 0;
    for (std::size_t i = 0; i < width; ++i) {
      sum += a[i] * b[i];
    }
    return sum / std::sqrt(static_cast<float>(width));
  }
};

struct silu {
  static float value(float x) { return x / (1 + std::exp(-x)); }
  static float slope(float x) {
    const float s = 1 / (1 + std::exp(-x));
    return s * (1 + x * (1 - s));
  }
};

/// y = x / rms(x), row by row.
inline void normalise(matrix<const float> x, matrix<float> y) {
  for (std::size_t row = 0; row < x.rows; ++row) {
    float squares = 1e-5F;
    for (std::size_t i = 0; i < x.columns; ++i) {
      squares += x(row, i) * x(row, i) / static_cast<float>(x.columns);
    }
    for (std::size_t i = 0; i < x.columns; ++i) {
      y(row, i) = x(row, i) / std::sqrt(squares);
    }
  }
}

/// dx += the gradient of `normalise`.
inline void normalise_back(matrix<const float> x, matrix<const float> dy, matrix<float> dx) {
  const auto columns = static_cast<float>(x.columns);
  for (std::size_t row = 0; row < x.rows; ++row) {
    float squares = 1e-5F;
    float dot = 0;
    for (std::size_t i = 0; i < x.columns; ++i) {
      squares += x(row, i) * x(row, i) / columns;
      dot += x(row, i) * dy(row, i);
    }
    const float by = 1 / std::sqrt(squares);
    for (std::size_t i = 0; i < x.columns; ++i) {
      dx(row, i) += by * (dy(row, i) - x(row, i) * dot * by * by / columns);
    }
  }
}

inline void add(matrix<const float> more, matrix<float> to) {
  for (std::size_t row = 0; row < to.rows; ++row) {
    for (std::size_t i = 0; i < to.columns; ++i) {
      to(row, i) += more(row, i);
    }
  }
}

}  // namespace tensor_example
