// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/tensor/attention/attention.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

/// Attention in plain loops: a user's kernel for tests, and one of one's own in double to hold it
/// against.
namespace attention {

/// A user's kernel. The bits of a row depend on the row and its keys alone.
struct loops {
  template <class T, class W>
  void forward(rondo::attention_heads heads, rondo::attention_block block,
               const rondo::attention_forward<T, W>& given) const {
    const auto& [q, k, v, out, lse] = given;
    const std::size_t d = heads.width;
    std::vector<W> score(k.rows);
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t head = 0; head < heads.query; ++head) {
        const std::size_t reads = head / heads.group();
        W most = -std::numeric_limits<W>::infinity();
        for (std::size_t key = 0; key < k.rows; ++key) {
          score[key] = block.hides(row, key) ? -std::numeric_limits<W>::infinity()
                                             : dot<W>(&q(row, head * d), &k(key, reads * d), d);
          most = std::max(most, score[key]);
        }
        W sum{};
        for (std::size_t i = 0; i < d; ++i) {
          out(row, head * d + i) = 0;
        }
        for (std::size_t key = 0; key < k.rows; ++key) {
          if (!block.hides(row, key)) {
            const W p = std::exp(score[key] - most);
            sum += p;
            for (std::size_t i = 0; i < d; ++i) {
              out(row, head * d + i) += p * static_cast<W>(v(key, reads * d + i));
            }
          }
        }
        lse(row, head) = most;
        if (sum > 0) {
          lse(row, head) += std::log(sum);
          for (std::size_t i = 0; i < d; ++i) {
            out(row, head * d + i) /= sum;
          }
        }
      }
    }
  }

  template <class T, class W>
  void backward(rondo::attention_heads heads, rondo::attention_block block,
                const rondo::attention_backward<T, W>& given) const {
    const auto& [q, k, v, d_out, lse, delta, d_q, d_k, d_v] = given;
    const std::size_t d = heads.width;
    const W scale = W{1} / std::sqrt(static_cast<W>(d));
    for (std::size_t row = 0; row < q.rows; ++row) {
      for (std::size_t head = 0; head < heads.query; ++head) {
        const std::size_t reads = head / heads.group();
        for (std::size_t key = 0; key < k.rows; ++key) {
          if (block.hides(row, key) || std::isinf(lse(row, head))) {
            continue;
          }
          const W p = std::exp(dot<W>(&q(row, head * d), &k(key, reads * d), d) - lse(row, head));
          W d_p{};
          for (std::size_t i = 0; i < d; ++i) {
            d_v(key, reads * d + i) += p * d_out(row, head * d + i);
            d_p += d_out(row, head * d + i) * static_cast<W>(v(key, reads * d + i));
          }
          const W d_score = p * (d_p - delta(row, head)) * scale;
          for (std::size_t i = 0; i < d; ++i) {
            d_q(row, head * d + i) += d_score * static_cast<W>(k(key, reads * d + i));
            d_k(key, reads * d + i) += d_score * static_cast<W>(q(row, head * d + i));
          }
        }
      }
    }
  }

 private:
  template <class W, class T>
  static W dot(const T* a, const T* b, std::size_t width) {
    W sum{};
    for (std::size_t i = 0; i < width; ++i) {
      sum += static_cast<W>(a[i]) * static_cast<W>(b[i]);
    }
    return sum / std::sqrt(static_cast<W>(width));
  }
};

/// The values and gradients of a whole sequence, [tokens, columns].
template <class T>
struct sequence {
  std::vector<T> query, key, value, d_out, out, lse, d_query, d_key, d_value;
};

inline sequence<float> drawn(std::size_t tokens, rondo::attention_heads heads, unsigned seed) {
  std::mt19937 random{seed};
  std::uniform_real_distribution<float> values{-1, 1};
  const auto draw = [&](std::size_t columns) {
    std::vector<float> all(tokens * columns);
    for (float& one : all) {
      one = values(random);
    }
    return all;
  };
  sequence<float> made;
  made.query = draw(heads.query_columns());
  made.key = draw(heads.key_value_columns());
  made.value = draw(heads.key_value_columns());
  made.d_out = draw(heads.query_columns());
  return made;
}

/// The definition, in double, with the softmax's own derivative: nothing of the kernel above.
inline sequence<double> oracle(const sequence<float>& given, std::size_t tokens,
                               rondo::attention_heads heads, rondo::visibility seen) {
  const std::size_t d = heads.width;
  const std::size_t a = heads.query_columns();
  const std::size_t g = heads.key_value_columns();
  sequence<double> to;
  to.out.assign(tokens * a, 0);
  to.d_query.assign(tokens * a, 0);
  to.d_key.assign(tokens * g, 0);
  to.d_value.assign(tokens * g, 0);
  to.lse.assign(tokens * heads.query, 0);
  for (std::size_t t = 0; t < tokens; ++t) {
    const std::size_t keys = seen == rondo::visibility::causal ? t + 1 : tokens;
    for (std::size_t h = 0; h < heads.query; ++h) {
      const std::size_t reads = h * heads.key_value / heads.query;
      std::vector<double> p(keys), d_p(keys);
      double sum = 0;
      for (std::size_t s = 0; s < keys; ++s) {
        double score = 0;
        for (std::size_t i = 0; i < d; ++i) {
          score += double{given.query[t * a + h * d + i]} * given.key[s * g + reads * d + i];
        }
        p[s] = std::exp(score / std::sqrt(double(d)));
        sum += p[s];
      }
      to.lse[t * heads.query + h] = std::log(sum);
      double mean = 0;
      for (std::size_t s = 0; s < keys; ++s) {
        p[s] /= sum;
        for (std::size_t i = 0; i < d; ++i) {
          const double upstream = given.d_out[t * a + h * d + i];
          to.out[t * a + h * d + i] += p[s] * given.value[s * g + reads * d + i];
          to.d_value[s * g + reads * d + i] += p[s] * upstream;
          d_p[s] += upstream * given.value[s * g + reads * d + i];
        }
        mean += p[s] * d_p[s];
      }
      for (std::size_t s = 0; s < keys; ++s) {
        const double d_score = p[s] * (d_p[s] - mean) / std::sqrt(double(d));
        for (std::size_t i = 0; i < d; ++i) {
          to.d_query[t * a + h * d + i] += d_score * given.key[s * g + reads * d + i];
          to.d_key[s * g + reads * d + i] += d_score * given.query[t * a + h * d + i];
        }
      }
    }
  }
  return to;
}

}  // namespace attention
