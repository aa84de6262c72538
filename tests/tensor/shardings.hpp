// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "harness/refusal.hpp"

#include <rondo/tensor/reshard/sharding.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

/// Shardings of one 8 x 6 tensor whose elements are their own row-major numbers.
namespace sample {

using refusals::contains;
using refusals::refusal;
using rondo::cut;
using numbers = std::vector<std::uint32_t>;

/// The elements in the memory of a rank, in order, found index by index.
inline numbers held_elements(const rondo::tensor_sharding& of, int rank) {
  numbers held;
  if (rank >= of.ranks() || !of.held_by(rank)) {
    return held;
  }
  const cut& rows = of.dimensions()[0].division;
  const cut& columns = of.dimensions()[1].division;
  for (std::size_t i = 0; i < rows.width(of.place(rank, 0)); ++i) {
    for (std::size_t j = 0; j < columns.width(of.place(rank, 1)); ++j) {
      held.push_back(static_cast<std::uint32_t>(rows.global(of.place(rank, 0), i) * 6 +
                                                columns.global(of.place(rank, 1), j)));
    }
  }
  return held;
}

/// Meshes of 1 to 8 ranks; both dimensions whole, even, uneven with an empty rank, fused, with
/// indices that two ranks hold, over one axis or a product of axes; replicas and pinned stages.
inline std::vector<rondo::tensor_sharding> every_sharding() {
  using rondo::mesh_shape;
  std::vector<rondo::tensor_sharding> all;
  const auto add = [&](const mesh_shape& mesh, rondo::placed_dimension rows,
                       rondo::placed_dimension columns, std::vector<rondo::pinned_axis> pins = {}) {
    all.emplace_back("w", sizeof(std::uint32_t), mesh, std::vector{rows, columns}, pins);
  };
  const rondo::placed_dimension all_rows{"rows", cut::whole(8, 1), {}};
  const rondo::placed_dimension all_columns{"columns", cut::whole(6, 1), {}};
  for (int ranks = 1; ranks <= 8; ++ranks) {
    const mesh_shape line{{"tensor", ranks}};
    add(line, {"rows", cut::even(8, ranks), {"tensor"}}, all_columns);
    add(line, all_rows, {"columns", cut::even(6, ranks), {"tensor"}});
    add(line, all_rows, all_columns);
    const std::array fused{cut::even(4, ranks), cut::even(2, ranks), cut::even(2, ranks)};
    add(line, {"rows", cut::fused(fused), {"tensor"}}, all_columns);
  }
  std::vector<std::size_t> uneven{5, 0, 3};
  add(mesh_shape{{"tensor", 3}}, {"rows", cut::widths(uneven), {"tensor"}}, all_columns);
  const cut shared{8, {{{0, 4}}, {{0, 4}}, {{4, 4}}, {{4, 4}}}};  // key/value heads on more ranks
  add(mesh_shape{{"tensor", 4}}, {"rows", shared, {"tensor"}}, all_columns);
  const cut backwards{6, {{{4, 2}, {0, 1}}, {{1, 3}}}};
  add(mesh_shape{{"tensor", 2}}, all_rows, {"columns", backwards, {"tensor"}});
  const mesh_shape square{{"data", 2}, {"tensor", 3}};
  add(square, {"rows", cut::even(8, 2), {"data"}}, {"columns", cut::even(6, 3), {"tensor"}});
  add(square, {"rows", cut::even(8, 6), {"tensor", "data"}}, all_columns);
  add(square, {"rows", cut::even(8, 3), {"tensor"}}, all_columns);
  const mesh_shape cube{{"pipeline", 2}, {"data", 2}, {"tensor", 2}};
  add(cube, {"rows", cut::even(8, 2), {"tensor"}}, all_columns, {{"pipeline", 1}});
  add(cube, {"rows", shared, {"data", "tensor"}}, all_columns, {{"pipeline", 0}});
  add(cube, {"rows", cut::even(8, 2), {"data"}}, {"columns", backwards, {"tensor"}},
      {{"pipeline", 1}});
  return all;
}

}  // namespace sample
