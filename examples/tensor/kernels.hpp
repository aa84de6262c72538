// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/tensor/attention/attention.hpp>
#include <rondo/tensor/matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>

/// The kernels that a user brings; rondo adds the collectives between them. Plain loops, in which
/// the bits of an element depend on its row and its column alone, as exact mode asks. What makes
/// one result of many is for the host and for the device.
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

/// A block of attention, softmax(query key^T / sqrt(width)) value, result by result: each query and
/// each key can be another thread's.
struct attention_of_block {
  rondo::attention_heads heads;
  rondo::attention_block at;
  matrix<const float> q, k, v;

  /// What a query reads, and the logarithm of its sum of exponentials.
  RONDO_HOST_DEVICE void forward(std::size_t row, std::size_t head, matrix<float> out,
                                 matrix<float> lse) const {
    const std::size_t own = head * heads.width;
    const std::size_t read = head / heads.group() * heads.width;
    float most = -INFINITY;
    for (std::size_t key = 0; key < k.rows; ++key) {
      if (!at.hides(row, key)) {
        most = std::fmax(most, score(row, head, key));
      }
    }
    for (std::size_t i = 0; i < heads.width; ++i) {
      out(row, own + i) = 0;
    }
    float sum = 0;
    for (std::size_t key = 0; key < k.rows; ++key) {
      if (!at.hides(row, key)) {
        const float p = std::exp(score(row, head, key) - most);
        sum += p;
        for (std::size_t i = 0; i < heads.width; ++i) {
          out(row, own + i) += p * v(key, read + i);
        }
      }
    }
    for (std::size_t i = 0; i < heads.width && sum > 0; ++i) {
      out(row, own + i) /= sum;
    }
    lse(row, head) = sum > 0 ? most + std::log(sum) : most;
  }

  /// d_q += its gradient, for one query.
  RONDO_HOST_DEVICE void of_query(std::size_t row, std::size_t head, matrix<const float> d_out,
                                  matrix<const float> lse, matrix<const float> delta,
                                  matrix<float> d_q) const {
    for (std::size_t key = 0; key < k.rows; ++key) {
      if (!at.hides(row, key)) {
        const float by = of_score(row, head, key, d_out, lse, delta).gradient;
        for (std::size_t i = 0; i < heads.width; ++i) {
          d_q(row, head * heads.width + i) += by * k(key, head / heads.group() * heads.width + i);
        }
      }
    }
  }

  /// d_k and d_v += theirs, for one key of one key/value head.
  RONDO_HOST_DEVICE void of_key(std::size_t key, std::size_t head, matrix<const float> d_out,
                                matrix<const float> lse, matrix<const float> delta,
                                matrix<float> d_k, matrix<float> d_v) const {
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t reads = head * heads.group();
           !at.hides(row, key) && reads < (head + 1) * heads.group(); ++reads) {
        const auto by = of_score(row, reads, key, d_out, lse, delta);
        for (std::size_t i = 0; i < heads.width; ++i) {
          d_v(key, head * heads.width + i) += by.share * d_out(row, reads * heads.width + i);
          d_k(key, head * heads.width + i) += by.gradient * q(row, reads * heads.width + i);
        }
      }
    }
  }

 private:
  RONDO_HOST_DEVICE float score(std::size_t row, std::size_t head, std::size_t key) const {
    float sum = 0;
    for (std::size_t i = 0; i < heads.width; ++i) {
      sum += q(row, head * heads.width + i) * k(key, head / heads.group() * heads.width + i);
    }
    return sum / std::sqrt(static_cast<float>(heads.width));
  }

  struct scored {
    float share, gradient;  ///< what the query takes of the key's value; the score's gradient
  };
  RONDO_HOST_DEVICE scored of_score(std::size_t row, std::size_t head, std::size_t key,
                                    matrix<const float> d_out, matrix<const float> lse,
                                    matrix<const float> delta) const {
    const float share = std::exp(score(row, head, key) - lse(row, head));
    float d_share = 0;
    for (std::size_t i = 0; i < heads.width; ++i) {
      d_share +=
          d_out(row, head * heads.width + i) * v(key, head / heads.group() * heads.width + i);
    }
    const float scale = 1 / std::sqrt(static_cast<float>(heads.width));
    return {share, share * (d_share - delta(row, head)) * scale};
  }
};

/// The same for rondo's attention layers.
struct attention {
  void forward(rondo::attention_heads heads, rondo::attention_block at,
               const rondo::attention_forward<float>& given) const {
    const auto& [q, k, v, out, lse] = given;
    const attention_of_block block{heads, at, q, k, v};
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t head = 0; head < heads.query; ++head) {
        block.forward(row, head, out, lse);
      }
    }
  }
  void backward(rondo::attention_heads heads, rondo::attention_block at,
                const rondo::attention_backward<float>& given) const {
    const auto& [q, k, v, d_out, lse, delta, d_q, d_k, d_v] = given;
    const attention_of_block block{heads, at, q, k, v};
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t head = 0; head < heads.query; ++head) {
        block.of_query(row, head, d_out, lse, delta, d_q);
      }
    }
    for (std::size_t key = 0; key < k.rows; ++key) {
      for (std::size_t head = 0; head < heads.key_value; ++head) {
        block.of_key(key, head, d_out, lse, delta, d_k, d_v);
      }
    }
  }
};

struct silu {
  RONDO_HOST_DEVICE static float value(float x) { return x / (1 + std::exp(-x)); }
  RONDO_HOST_DEVICE static float slope(float x) {
    const float s = 1 / (1 + std::exp(-x));
    return s * (1 + x * (1 - s));
  }
};

/// A row of y = x / rms(x).
RONDO_HOST_DEVICE inline void normalise_row(matrix<const float> x, matrix<float> y,
                                            std::size_t row) {
  float squares = 1e-5F;
  for (std::size_t i = 0; i < x.columns; ++i) {
    squares += x(row, i) * x(row, i) / static_cast<float>(x.columns);
  }
  for (std::size_t i = 0; i < x.columns; ++i) {
    y(row, i) = x(row, i) / std::sqrt(squares);
  }
}
inline void normalise(matrix<const float> x, matrix<float> y) {
  for (std::size_t row = 0; row < x.rows; ++row) {
    normalise_row(x, y, row);
  }
}

/// A row of dx += the gradient of `normalise`.
RONDO_HOST_DEVICE inline void normalise_row_back(matrix<const float> x, matrix<const float> dy,
                                                 matrix<float> dx, std::size_t row) {
  const auto columns = static_cast<float>(x.columns);
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
inline void normalise_back(matrix<const float> x, matrix<const float> dy, matrix<float> dx) {
  for (std::size_t row = 0; row < x.rows; ++row) {
    normalise_row_back(x, dy, dx, row);
  }
}

/// What tells feature i of d that its token is number `position` of a sequence.
RONDO_HOST_DEVICE inline float place_in_sequence(std::size_t position, std::size_t i,
                                                 std::size_t d) {
  const float angle = static_cast<float>(position) /
                      std::pow(100.0F, static_cast<float>(i / 2 * 2) / static_cast<float>(d));
  return 0.1F * (i % 2 == 0 ? std::sin(angle) : std::cos(angle));
}

/// Adam's rate in step 0, 1, ..., and what it does to one weight.
RONDO_HOST_DEVICE inline float adam_rate(int step) {
  return 1e-2F * std::sqrt(1 - std::pow(0.99F, static_cast<float>(step + 1))) /
         (1 - std::pow(0.9F, static_cast<float>(step + 1)));
}
RONDO_HOST_DEVICE inline void adam(float rate, float gradient, float& mean, float& square,
                                   float& value) {
  mean = 0.9F * mean + 0.1F * gradient;
  square = 0.99F * square + 0.01F * gradient * gradient;
  value -= rate * mean / (std::sqrt(square) + 1e-8F);
}

inline void add(matrix<const float> more, matrix<float> to) {
  for (std::size_t row = 0; row < to.rows; ++row) {
    for (std::size_t i = 0; i < to.columns; ++i) {
      to(row, i) += more(row, i);
    }
  }
}

}  // namespace tensor_example
