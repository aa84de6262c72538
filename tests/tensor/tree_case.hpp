// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "tensor/loops.hpp"

#include <rondo/tensor/attention/sequence_cut.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/testing/reference.hpp>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

/// Sums of leaves on any ranks, and the definition of their tree.
namespace tree_case {

using loops::owned;
using rondo::cut;
using rondo::matrix;
using rondo::testing::expect;

template <class T>
using whole = rondo::replicated<T, "tensor">;
template <class T>
using rows_of = rondo::sharded<T, 0, "tensor">;

/// Element i of leaf `leaf`: magnitudes differ so much that every other order has other bits.
template <class T>
T term(std::size_t leaf, std::size_t i) {
  const double drawn = loops::number(3, leaf, i);
  return static_cast<T>(std::ldexp(drawn, static_cast<int>((leaf * 7 + i) % 23)));
}

/// The definition: a node is the sum of its halves, or of the one half that has leaves.
template <class T>
T tree(std::size_t level, std::size_t index, std::size_t leaves, std::size_t i) {
  if (level == 0) {
    return term<T>(index, i);
  }
  const T left = tree<T>(level - 1, 2 * index, leaves, i);
  const bool more = (2 * index + 1) << (level - 1) < leaves;
  return more ? static_cast<T>(left + tree<T>(level - 1, 2 * index + 1, leaves, i)) : left;
}
template <class T>
std::vector<T> oracle(std::size_t leaves, std::size_t elements) {
  std::size_t level = 0;
  while (std::size_t{1} << level < leaves) {
    ++level;
  }
  std::vector<T> sums(elements);
  for (std::size_t i = 0; i < elements && leaves != 0; ++i) {
    sums[i] = tree<T>(level, 0, leaves, i);
  }
  return sums;
}

template <class T>
rondo::tree_sum<T> terms_of(const cut& leaves, int rank, std::size_t elements, T* lent = nullptr) {
  rondo::tree_sum<T> sums;
  sums.restart(elements, lent);
  for (const std::size_t leaf : loops::held(leaves, rank)) {
    const auto room = sums.room();
    for (std::size_t i = 0; i < elements; ++i) {
      room[i] = term<T>(leaf, i);
    }
    sums.put(leaf);
  }
  return sums;
}

template <class T>
void expect_bits(const T& got, const T& right, const char* what) {
  expect(std::memcmp(&got, &right, sizeof(T)) == 0, what);
}

/// Every kind of result, on the calling rank.
template <class T, class Comm>
void check(Comm& comm, const cut& leaves, std::size_t rows, std::size_t columns) {
  const auto team = rondo::along<"tensor">(comm);
  const auto right = oracle<T>(leaves.extent(), rows * columns);
  const auto sums = terms_of<T>(leaves, comm.rank(), rows * columns);
  rondo::tree_exchange exchange{leaves};
  for (int repeat = 0; repeat < 2; ++repeat) {
    owned<T> all(rows, columns, T(7));
    exchange.reduce(team, sums, whole<T>{all.view()});
    for (std::size_t i = 0; i < right.size(); ++i) {
      expect_bits(all.memory[i], right[i], "the whole sum");
    }
    owned<T> lent(rows, columns, T(7));
    const auto in_place = terms_of<T>(leaves, comm.rank(), right.size(), lent.memory.data());
    expect(in_place.bytes() + right.size() * sizeof(T) == sums.bytes() || sums.bytes() == 0,
           "one array less");
    exchange.reduce(team, in_place, whole<T>{lent.view()});
    for (std::size_t i = 0; i < right.size(); ++i) {
      expect_bits(lent.memory[i], right[i], "the whole sum in the memory that was lent");
    }
    owned<T> gaps(rows, columns + 2, T(7));
    exchange.reduce(team, sums, whole<T>{{gaps.memory.data(), rows, columns, columns + 2}});
    for (const cut& by : {cut::even(rows, comm.size()), rondo::zigzag(rows, comm.size())}) {
      owned<T> own(by.width(comm.rank()), columns);
      exchange.reduce(team, sums, rows_of<T>{own.view(), by});
      for (std::size_t r = 0; r < own.rows; ++r) {
        for (std::size_t c = 0; c < columns; ++c) {
          expect_bits(own(r, c), right[by.global(comm.rank(), r) * columns + c], "a shard");
        }
      }
    }
    for (std::size_t r = 0; r < rows; ++r) {
      for (std::size_t c = 0; c < columns + 2; ++c) {
        expect_bits(gaps(r, c), c < columns ? right[r * columns + c] : T(7), "rows with gaps");
      }
    }
  }
}

}  // namespace tree_case
