// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "hybrid.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

/// What the kernel takes from the trainer of ../tensor, which trainer.cpp runs on threads of the
/// host: the network's weights at the beginning, the batches, and the losses to hold it against.
namespace hybrid {

/// Ranks of the trainer's mesh: rank = tensor * data coordinate + tensor coordinate.
struct mesh_shape {
  int data, tensor;
  [[nodiscard]] int ranks() const { return data * tensor; }
};

/// How far a loss of 4 to 6 may be from the trainer's, which adds in another order. Threads of a
/// CPU are within 3e-6 over 12 steps, and of 22 flaws planted in the step the mildest made 3e-3.
constexpr float tolerance = 1e-4f;

struct shard {
  std::size_t rows, columns;
  std::vector<float> values;
};

/// What a rank begins with, and the tokens of all its steps.
struct beginning {
  std::vector<shard> weights;  ///< table, qkv, out, up, down, output
  std::size_t first_word = 0;
  std::size_t query_columns = 0, key_columns = 0;
  std::vector<int> tokens, targets;
};

/// For every rank of the mesh. Errors: a text that is too short.
std::vector<beginning> begin(mesh_shape mesh, const std::string& path, int steps);

/// The trainer's own losses, of one rank: those of any mesh have the same bits.
std::vector<float> losses_of_trainer(const std::string& path, int steps);

/// The memory of a rank. `room(n, T{})` is room for n elements, zeroed, that the rank's threads and
/// the host reach.
template <class Room>
rank_part lay_out(const beginning& from, int steps, const Room& room) {
  rank_part my{};
  const std::size_t rows = from.tokens.size() / static_cast<std::size_t>(steps);
  const auto make = [&](std::size_t height, std::size_t columns) {
    return matrix<float>{room(height * columns, float{}), height, columns};
  };
  const auto copy = [&](const auto& values) {
    auto* const to = room(values.size(), values[0]);
    std::copy(values.begin(), values.end(), to);
    return to;
  };
  learned* const weights[] = {&my.table, &my.qkv, &my.out, &my.up, &my.down, &my.output};
  for (std::size_t i = 0; i < 6; ++i) {
    const shard& held = from.weights[i];
    *weights[i] = {{copy(held.values), held.rows, held.columns},
                   make(held.rows, held.columns),
                   make(held.rows, held.columns)};
  }
  my.first_word = from.first_word;
  my.tokens = copy(from.tokens);
  my.targets = copy(from.targets);
  my.loss = room(static_cast<std::size_t>(steps), float{});
  for (auto* one : {&my.x0, &my.h1, &my.x1, &my.h2, &my.x2, &my.h3, &my.dh, &my.dx}) {
    *one = make(rows, sizes::d_model);
  }
  const std::size_t q = from.query_columns;
  const std::size_t k = from.key_columns;
  my.fused = make(rows, q + 2 * k);
  my.d_fused = make(rows, q + 2 * k);
  my.q = my.fused.columns_at({0, q});
  my.k = my.fused.columns_at({q, k});
  my.v = my.fused.columns_at({q + k, k});
  my.d_q = my.d_fused.columns_at({0, q});
  my.d_k = my.d_fused.columns_at({q, k});
  my.d_v = my.d_fused.columns_at({q + k, k});
  my.heads = make(rows, q);
  my.d_heads = make(rows, q);
  my.lse = make(rows, q / sizes::heads.width);
  my.delta = make(rows, q / sizes::heads.width);
  my.both = make(rows, my.up.value.rows);
  my.d_both = make(rows, my.up.value.rows);
  my.inner = make(rows, my.down.value.columns);
  my.z = make(rows, my.output.value.rows);
  my.dz = make(rows, my.output.value.rows);
  my.log_sum = make(rows, 1);
  my.losses = make(rows, 1);
  return my;
}

}  // namespace hybrid
