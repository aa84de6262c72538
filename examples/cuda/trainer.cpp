// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "trainer.hpp"

#include "../tensor/train.hpp"

#include <rondo/rondo.hpp>
#include <rondo/tensor.hpp>

#include <optional>

namespace hybrid {

std::vector<beginning> begin(mesh_shape mesh, const std::string& path, int steps) {
  const std::string text = text_of(path.c_str());
  std::vector<beginning> all(static_cast<std::size_t>(mesh.ranks()));
  rondo::threads::run(mesh.ranks(), [&](auto& comm) {
    rondo::mesh grid{comm, {{"data", mesh.data}, {"tensor", mesh.tensor}}};
    const auto on = by_hand(grid);
    const gpt network{on};
    beginning& mine = all[static_cast<std::size_t>(comm.rank())];
    for (const weight* one : network.weights()) {
      const auto values = one->view().values();
      mine.weights.push_back({one->rows(), one->columns(), {values.begin(), values.end()}});
    }
    const int at = on.vocabulary.rank();
    mine.first_word = on.vocabulary_cut.runs(at)[0].first;
    const rondo::head_split heads{sizes::heads, on.heads.size()};
    mine.query_columns = heads.query_columns().width(at);
    mine.key_columns = heads.key_value_columns().width(at);
    for (int step = 0; step < steps; ++step) {
      for (const rondo::part own : on.batch_cut.runs(on.batch.rank())) {
        draw(text, step, own, mine.tokens, mine.targets);
      }
    }
  });
  return all;
}

std::vector<float> losses_of_trainer(const std::string& path, int steps) {
  std::vector<float> losses;
  rondo::threads::run(1, [&](auto& comm) {
    losses = train<gpt>(comm, 1, std::nullopt, text_of(path.c_str()), steps).losses;
  });
  return losses;
}

}  // namespace hybrid
