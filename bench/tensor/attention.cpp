// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What attention over split sequences and experts cost over the same steps written by hand for one
// shape: even shards, no mask, no capacity. BLAS is the user's products. The variants take turns;
// medians of the rounds' ratios are printed.
#include "blas.hpp"
#include "turns.hpp"

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/all_to_all.hpp>
#include <rondo/collective/reduce_scatter.hpp>
#include <rondo/tensor/attention/exchanged_attention.hpp>
#include <rondo/tensor/attention/gathered_attention.hpp>
#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/transport/threads/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

namespace {

using bench::gemm;
using rondo::cut;
using rondo::matrix;
using floats = std::vector<float>;

constexpr std::size_t tokens = 384;
constexpr rondo::detail::host_memory host;
constexpr rondo::attention_heads heads{12, 12, 32};
constexpr std::size_t width = 384;  // of all heads

/// A block of attention by BLAS; one for each rank, for it keeps the scores.
struct products {
  mutable floats scores, gradients;

  void forward(rondo::attention_heads of, rondo::attention_block,
               const rondo::attention_forward<float>& given) const {
    const auto& [q, k, v, out, lse] = given;
    for (std::size_t h = 0; h < of.query; ++h) {
      const rondo::part at{h * of.width, of.width};
      const matrix<float> p = probabilities(of, q.columns_at(at), k.columns_at(at));
      for (std::size_t row = 0; row < p.rows; ++row) {
        const auto values = p.row(row);
        const float most = *std::max_element(values.begin(), values.end());
        float sum = 0;
        for (float& value : values) {
          value = std::exp(value - most);
          sum += value;
        }
        for (float& value : values) {
          value /= sum;
        }
        lse(row, h) = most + std::log(sum);
      }
      gemm(CblasNoTrans, CblasNoTrans, p, v.columns_at(at), 0, out.columns_at(at));
    }
  }
  void backward(rondo::attention_heads of, rondo::attention_block,
                const rondo::attention_backward<float>& given) const {
    const auto& [q, k, v, d_out, lse, delta, d_q, d_k, d_v] = given;
    const float scale = 1 / std::sqrt(static_cast<float>(of.width));
    for (std::size_t h = 0; h < of.query; ++h) {
      const rondo::part at{h * of.width, of.width};
      const matrix<float> p = probabilities(of, q.columns_at(at), k.columns_at(at));
      for (std::size_t row = 0; row < p.rows; ++row) {
        for (float& value : p.row(row)) {
          value = std::exp(value - lse(row, h));
        }
      }
      gemm(CblasTrans, CblasNoTrans, p, d_out.columns_at(at), 1, d_v.columns_at(at));
      gradients.resize(p.elements());
      const matrix<float> d_p{gradients.data(), p.rows, p.columns};
      gemm(CblasNoTrans, CblasTrans, d_out.columns_at(at), v.columns_at(at), 0, d_p);
      for (std::size_t row = 0; row < p.rows; ++row) {
        for (std::size_t key = 0; key < p.columns; ++key) {
          d_p(row, key) = p(row, key) * (d_p(row, key) - delta(row, h)) * scale;
        }
      }
      gemm(CblasNoTrans, CblasNoTrans, d_p, k.columns_at(at), 1, d_q.columns_at(at));
      gemm(CblasTrans, CblasNoTrans, d_p, q.columns_at(at), 1, d_k.columns_at(at));
    }
  }

 private:
  matrix<float> probabilities(rondo::attention_heads of, matrix<const float> q,
                              matrix<const float> k) const {
    scores.resize(q.rows * k.rows);
    const matrix<float> p{scores.data(), q.rows, k.rows};
    gemm(CblasNoTrans, CblasTrans, q, k, 0, p, 1 / std::sqrt(static_cast<float>(of.width)));
    return p;
  }
};

/// A rank's values and gradients.
struct shards {
  std::size_t rows;
  floats q = drawn(rows, 1), k = drawn(rows, 2), v = drawn(rows, 3), d_out = drawn(rows, 4);
  floats out = floats(rows * width), d_q = out, d_k = out, d_v = out, lse{}, delta{};

  static floats drawn(std::size_t rows, int which) {
    floats values(rows * width);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = std::sin(static_cast<float>(i * 7 + static_cast<std::size_t>(which)));
    }
    return values;
  }
  static matrix<float> view(floats& of, std::size_t columns = width) {
    return {of.data(), of.size() / columns, columns};
  }
};

constexpr rondo::attention_block everything{0, 0, false};

template <class Comm>
struct ring_by_hand {
  Comm& comm;
  shards s;
  products by{};
  floats now{}, next{}, d_now{}, d_next{}, o{}, l{};
  std::vector<std::size_t> sent{}, received{};

  /// Sends to the next rank, receives from the one before.
  auto pass(const floats& from, floats& to) {
    const auto n = static_cast<std::size_t>(comm.size());
    const auto r = static_cast<std::size_t>(comm.rank());
    sent.assign(n, 0);
    received.assign(n, 0);
    sent[(r + 1) % n] = from.size();
    received[(r + n - 1) % n] = to.size();
    return rondo::all_to_all(comm, from, to, rondo::counts{sent, received}, rondo::async{});
  }
  /// Calls act(keys, values) for all ranks', and `after()` behind each.
  template <class Act, class After>
  void travel(const Act& act, const After& after) {
    const std::size_t half = s.rows * width;
    now.assign(s.k.begin(), s.k.end());
    now.insert(now.end(), s.v.begin(), s.v.end());
    next.resize(now.size());
    for (int step = 0; step < comm.size(); ++step) {
      const matrix<const float> k{now.data(), s.rows, width}, v{now.data() + half, s.rows, width};
      if (step + 1 < comm.size()) {
        auto coming = pass(now, next);
        act(k, v);
        coming.wait();
        std::swap(now, next);
      } else {
        act(k, v);
      }
      after();
    }
  }
  void operator()() {
    const std::size_t half = s.rows * width;
    const auto out = shards::view(s.out), lse = shards::view(s.lse, heads.query);
    o.resize(half);
    l.resize(s.lse.size());
    bool first = true;
    travel(
        [&](matrix<const float> k, matrix<const float> v) {
          const matrix<float> to = first ? out : shards::view(o);
          const matrix<float> logs = first ? lse : shards::view(l, heads.query);
          by.forward(heads, everything, {shards::view(s.q), k, v, to, logs});
          if (!first) {
            rondo::detail::merge_attention(host, heads.width, out, lse, to, logs);
          }
          first = false;
        },
        [] {});
    const auto delta = shards::view(s.delta, heads.query);
    rondo::detail::attention_delta(host, heads.width, shards::view(s.d_out), out, delta);
    std::fill(s.d_q.begin(), s.d_q.end(), 0.0F);
    d_now.assign(2 * half, 0.0F);
    d_next.resize(2 * half);
    travel(
        [&](matrix<const float> k, matrix<const float> v) {
          by.backward(heads, everything,
                      {shards::view(s.q),
                       k,
                       v,
                       shards::view(s.d_out),
                       lse,
                       delta,
                       shards::view(s.d_q),
                       {d_now.data(), s.rows, width},
                       {d_now.data() + half, s.rows, width}});
        },
        [&] {
          if (comm.size() > 1) {
            pass(d_now, d_next).wait();
            std::swap(d_now, d_next);
          }
        });
    std::copy_n(d_now.begin(), half, s.d_k.begin());
    std::copy_n(d_now.begin() + static_cast<std::ptrdiff_t>(half), half, s.d_v.begin());
  }
};

template <class Comm>
struct gathered_by_hand {
  Comm& comm;
  shards s;
  products by{};
  floats k = floats(tokens * width), v = k, d_k = k, d_v = k;

  void operator()() {
    const auto out = shards::view(s.out), lse = shards::view(s.lse, heads.query);
    const auto delta = shards::view(s.delta, heads.query);
    rondo::all_gather(comm, s.k, k);
    rondo::all_gather(comm, s.v, v);
    by.forward(heads, everything, {shards::view(s.q), shards::view(k), shards::view(v), out, lse});
    rondo::all_gather(comm, s.k, k);
    rondo::all_gather(comm, s.v, v);
    rondo::detail::attention_delta(host, heads.width, shards::view(s.d_out), out, delta);
    for (floats* of : {&s.d_q, &d_k, &d_v}) {
      std::fill(of->begin(), of->end(), 0.0F);
    }
    by.backward(heads, everything,
                {shards::view(s.q), shards::view(k), shards::view(v), shards::view(s.d_out), lse,
                 delta, shards::view(s.d_q), shards::view(d_k), shards::view(d_v)});
    rondo::reduce_scatter(comm, d_k, s.d_k);
    rondo::reduce_scatter(comm, d_v, s.d_v);
  }
};

template <class Comm>
struct exchanged_by_hand {
  Comm& comm;
  shards s;
  products by{};
  std::size_t own = width / static_cast<std::size_t>(comm.size());
  floats packed = s.q, q = floats(tokens * own), k = q, v = q, d_out = q, out = q, d_q = q, d_k = q,
         d_v = q;

  void to_heads(const floats& from, floats& to) {
    float* next = packed.data();
    for (std::size_t first = 0; first < width; first += own) {
      for (std::size_t row = 0; row < s.rows; ++row) {
        next = std::copy_n(from.data() + row * width + first, own, next);
      }
    }
    rondo::all_to_all(comm, packed, to);
  }
  void to_tokens(const floats& from, floats& to) {
    rondo::all_to_all(comm, from, packed);
    const float* next = packed.data();
    for (std::size_t first = 0; first < width; first += own) {
      for (std::size_t row = 0; row < s.rows; ++row, next += own) {
        std::copy_n(next, own, to.data() + row * width + first);
      }
    }
  }
  void operator()() {
    const rondo::attention_heads mine{own / heads.width, own / heads.width, heads.width};
    const auto view = [&](floats& of) { return shards::view(of, own); };
    const auto lse = shards::view(s.lse, mine.query), delta = shards::view(s.delta, mine.query);
    to_heads(s.q, q);
    to_heads(s.k, k);
    to_heads(s.v, v);
    by.forward(mine, everything, {view(q), view(k), view(v), view(out), lse});
    to_tokens(out, s.out);
    to_heads(s.q, q);
    to_heads(s.k, k);
    to_heads(s.v, v);
    to_heads(s.out, out);
    to_heads(s.d_out, d_out);
    rondo::detail::attention_delta(host, heads.width, view(d_out), view(out), delta);
    for (floats* of : {&d_q, &d_k, &d_v}) {
      std::fill(of->begin(), of->end(), 0.0F);
    }
    by.backward(
        mine, everything,
        {view(q), view(k), view(v), view(d_out), lse, delta, view(d_q), view(d_k), view(d_v)});
    to_tokens(d_q, s.d_q);
    to_tokens(d_k, s.d_k);
    to_tokens(d_v, s.d_v);
  }
};

constexpr std::size_t experts = 12;
constexpr std::size_t choices = 2;

/// Experts of one product each; their weights lie one behind the other.
struct expert_products {
  floats* weight;
  floats* gradient;
  matrix<float> of(floats& all, std::size_t expert) const {
    return {all.data() + expert * width * width, width, width};
  }
  void forward(std::size_t e, matrix<const float> rows, matrix<float> out) const {
    gemm(CblasNoTrans, CblasTrans, rows, of(*weight, e), 0, out);
  }
  void backward(std::size_t e, matrix<const float> rows, matrix<const float> d_out,
                matrix<float> d_rows) const {
    gemm(CblasNoTrans, CblasNoTrans, d_out, of(*weight, e), 0, d_rows);
    gemm(CblasTrans, CblasNoTrans, d_out, rows, 1, of(*gradient, e));
  }
};

/// Tokens with two choices each, of which no one is dropped.
struct routed {
  std::size_t rows;
  floats x = shards::drawn(rows, 1), dy = shards::drawn(rows, 2), y = x, dx = x;
  std::vector<int> expert = std::vector<int>(rows * choices);
  floats gate = floats(rows * choices, 0.5F), d_gate = gate;
  floats weight = floats(experts * width * width, 0.01F), gradient = weight;

  explicit routed(std::size_t own) : rows{own} {
    for (std::size_t t = 0; t < rows; ++t) {
      expert[t * choices] = static_cast<int>(t * t % experts);
      expert[t * choices + 1] = static_cast<int>((t * t + 1 + t % (experts - 1)) % experts);
    }
  }
};

template <class Comm>
struct experts_by_hand {
  Comm& comm;
  routed r;
  expert_products by{&r.weight, &r.gradient};
  std::vector<int> mine = std::vector<int>(experts),
                   all = std::vector<int>(experts * static_cast<std::size_t>(comm.size()));
  std::vector<std::size_t> place = std::vector<std::size_t>(r.rows * choices), sent{}, received{};
  floats leaving = floats(r.rows * choices * width), returned = leaving, arrived{}, queue{}, made{},
         d_queue{};

  /// Rows as they travel, by rank and then expert, to rows by expert and then rank; and back.
  template <class Act>
  void for_each_arrival(const Act& act) const {
    const auto n = static_cast<std::size_t>(comm.size());
    const std::size_t own = experts / n;
    const std::size_t first = own * static_cast<std::size_t>(comm.rank());
    std::size_t travels = 0;
    for (std::size_t rank = 0; rank < n; ++rank) {
      for (std::size_t e = first; e < first + own; ++e) {
        std::size_t queued = 0;
        for (std::size_t i = first; i <= e; ++i) {
          for (std::size_t other = 0; other < (i == e ? rank : n); ++other) {
            queued += static_cast<std::size_t>(all[other * experts + i]);
          }
        }
        const auto rows = static_cast<std::size_t>(all[rank * experts + e]);
        act(travels * width, queued * width, rows * width);
        travels += rows;
      }
    }
  }
  template <class Act>
  void for_each_expert(const Act& act) const {
    const auto n = static_cast<std::size_t>(comm.size());
    const std::size_t own = experts / n;
    std::size_t at = 0;
    for (std::size_t i = 0; i < own; ++i) {
      const std::size_t e = own * static_cast<std::size_t>(comm.rank()) + i;
      std::size_t rows = 0;
      for (std::size_t rank = 0; rank < n; ++rank) {
        rows += static_cast<std::size_t>(all[rank * experts + e]);
      }
      act(e, at * width, rows);
      at += rows;
    }
  }
  void dispatch(floats& to) {
    arrived.resize(std::accumulate(received.begin(), received.end(), std::size_t{0}));
    to.resize(arrived.size());
    rondo::all_to_all(comm, leaving, arrived, rondo::counts{sent, received});
    for_each_arrival([&](std::size_t from, std::size_t at, std::size_t count) {
      std::copy_n(arrived.data() + from, count, to.data() + at);
    });
  }
  void combine(const floats& from) {
    for_each_arrival([&](std::size_t to, std::size_t at, std::size_t count) {
      std::copy_n(from.data() + at, count, arrived.data() + to);
    });
    rondo::all_to_all(comm, arrived, returned, rondo::counts{received, sent});
  }
  void operator()() {
    const auto n = static_cast<std::size_t>(comm.size());
    std::fill(mine.begin(), mine.end(), 0);
    for (const int e : r.expert) {
      ++mine[static_cast<std::size_t>(e)];
    }
    rondo::all_gather(comm, mine, all);
    std::vector<std::size_t> next(experts);
    std::exclusive_scan(mine.begin(), mine.end(), next.begin(), std::size_t{0});
    sent.assign(n, 0);
    received.assign(n, 0);
    for (std::size_t e = 0; e < experts; ++e) {
      const std::size_t owner = e / (experts / n);
      sent[owner] += static_cast<std::size_t>(mine[e]) * width;
      for (std::size_t rank = 0; rank < n && static_cast<int>(owner) == comm.rank(); ++rank) {
        received[rank] += static_cast<std::size_t>(all[rank * experts + e]) * width;
      }
    }
    for (std::size_t i = 0; i < place.size(); ++i) {
      place[i] = next[static_cast<std::size_t>(r.expert[i])]++ * width;
      std::copy_n(r.x.data() + i / choices * width, width, leaving.data() + place[i]);
    }
    dispatch(queue);
    made.resize(queue.size());
    const auto rows_at = [](floats& of, std::size_t at, std::size_t rows) {
      return matrix<float>{of.data() + at, rows, width};
    };
    for_each_expert([&](std::size_t e, std::size_t at, std::size_t rows) {
      by.forward(e, rows_at(queue, at, rows), rows_at(made, at, rows));
    });
    combine(made);
    add_up(r.y, [&](std::size_t i) { return r.gate[i]; });
    for (std::size_t i = 0; i < place.size(); ++i) {
      const float* const up = r.dy.data() + i / choices * width;
      float dot = 0;
      for (std::size_t j = 0; j < width; ++j) {
        dot += up[j] * returned[place[i] + j];
        leaving[place[i] + j] = r.gate[i] * up[j];
      }
      r.d_gate[i] = dot;
    }
    dispatch(d_queue);
    for_each_expert([&](std::size_t e, std::size_t at, std::size_t rows) {
      by.backward(e, rows_at(queue, at, rows), rows_at(d_queue, at, rows), rows_at(made, at, rows));
    });
    combine(made);
    add_up(r.dx, [](std::size_t) { return 1.0F; });
  }
  template <class Weight>
  void add_up(floats& to, const Weight& weight) {
    std::fill(to.begin(), to.end(), 0.0F);
    for (std::size_t i = 0; i < place.size(); ++i) {
      const float w = weight(i);
      for (std::size_t j = 0; j < width; ++j) {
        to[i / choices * width + j] += w * returned[place[i] + j];
      }
    }
  }
};

/// Prints one line; ends the program where layer and hand differ by more than rounding.
void report(const char* what, int ranks, const bench::turns& times, double apart) {
  std::printf("%-20s %5d  %8.2f ms  %7.3f  %7.3f\n", what, ranks, times.milliseconds(0),
              times.ratio(2, 0), times.ratio(1, 0));
  if (!(apart < 1e-3)) {
    std::printf("the layer's values are not those by hand: %g apart\n", apart);
    std::exit(1);
  }
}

double difference(const floats& a, const floats& b) {
  double most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double off = std::abs(double{a[i]} - b[i]) / (1 + std::abs(b[i]));
    most = off <= 1e9 ? std::max(most, off) : 1e9;
  }
  return most;
}

template <template <class> class ByHand, class Make>
void compare_attention(const char* what, int ranks, int rounds, bool whole_lse, const Make& make) {
  bench::turns times{3};
  double apart = 0;
  rondo::threads::run(ranks, [&](auto& comm) {
    using communicator = std::remove_reference_t<decltype(comm)>;
    const cut by = cut::even(tokens, ranks);
    const auto team = rondo::along<"context">(comm);
    auto layer = make(team, by);
    shards s{by.width(comm.rank())};
    s.lse.resize(whole_lse ? tokens * heads.query / static_cast<std::size_t>(ranks)
                           : s.rows * heads.query);
    s.delta = s.lse;
    ByHand<communicator> hand{comm, s}, control{comm, s};
    const auto by_layer = [&] {
      const auto view = [&](floats& of) {
        return rondo::sharded<float, 0, "context">{shards::view(of), by};
      };
      const matrix<float> lse{s.lse.data(), whole_lse ? tokens : s.rows,
                              s.lse.size() / (whole_lse ? tokens : s.rows)};
      layer.forward(view(s.q), view(s.k), view(s.v), view(s.out), lse);
      layer.backward(view(s.q), view(s.k), view(s.v), view(s.out), lse, view(s.d_out), view(s.d_q),
                     view(s.d_k), view(s.d_v));
    };
    for (int round = 0; round < rounds + 2; ++round) {
      times.round(
          comm, round, 1, [&] { hand(); }, by_layer, [&] { control(); });
    }
    if (comm.rank() == 0) {
      for (const auto of : {&shards::out, &shards::d_q, &shards::d_k, &shards::d_v}) {
        apart = std::max(apart, difference(s.*of, hand.s.*of));
      }
    }
  });
  report(what, ranks, times, apart);
}

void compare_experts(int ranks, int rounds) {
  bench::turns times{3};
  double apart = 0;
  rondo::threads::run(ranks, [&](auto& comm) {
    using communicator = std::remove_reference_t<decltype(comm)>;
    const cut by = cut::even(tokens, ranks);
    routed r{by.width(comm.rank())};
    experts_by_hand<communicator> hand{comm, r}, control{comm, r};
    hand.by = {&hand.r.weight, &hand.r.gradient};
    control.by = {&control.r.weight, &control.r.gradient};
    rondo::expert_parallel layer{rondo::along<"expert">(comm), by, experts, 0,
                                 expert_products{&r.weight, &r.gradient}};
    rondo::expert_pass<float> pass;
    const auto view = [&](floats& of) {
      return rondo::sharded<float, 0, "expert">{shards::view(of), by};
    };
    const auto by_layer = [&] {
      layer.forward(pass, view(r.x),
                    rondo::routing<float>{{r.expert.data(), r.rows, choices},
                                          {r.gate.data(), r.rows, choices}},
                    view(r.y));
      layer.backward(pass, view(r.dy), view(r.dx), matrix<float>{r.d_gate.data(), r.rows, choices});
    };
    for (int round = 0; round < rounds + 2; ++round) {
      times.round(
          comm, round, 1, [&] { hand(); }, by_layer, [&] { control(); });
    }
    if (comm.rank() == 0) {
      for (const auto of : {&routed::y, &routed::dx, &routed::d_gate, &routed::gradient}) {
        apart = std::max(apart, difference(r.*of, hand.r.*of));
      }
    }
  });
  report("expert_parallel", ranks, times, apart);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
  openblas_set_num_threads(1);
  using rondo::visibility;
  std::printf(
      "                     ranks    by hand   control    layer\n"
      "                                          /hand    /hand\n");
  for (const int ranks : {1, 2, 3, 4}) {
    compare_attention<ring_by_hand>(
        "ring_attention", ranks, rounds, false, [](auto team, const cut& by) {
          return rondo::ring_attention{team, by, heads, products{}, visibility::all};
        });
    compare_attention<gathered_by_hand>(
        "gathered_attention", ranks, rounds, false, [](auto team, const cut& by) {
          return rondo::gathered_attention{team, by, heads, products{}, visibility::all};
        });
    compare_attention<exchanged_by_hand>(
        "exchanged_attention", ranks, rounds, true, [](auto team, const cut& by) {
          return rondo::exchanged_attention{team, by, heads, products{}, visibility::all};
        });
    compare_experts(ranks, rounds);
  }
}
