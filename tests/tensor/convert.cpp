// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"

#include <rondo/tensor/convert.hpp>
#include <rondo/testing/reference.hpp>
#include <rondo/transport/threads/run.hpp>

#include <cmath>
#include <random>
#include <vector>

namespace {

using rondo::along;
using rondo::conversion;
using rondo::cut;
using rondo::matrix;
using rondo::part;
using rondo::testing::expect;

using whole = rondo::replicated<double>;
using term = rondo::partial<double>;
using rows = rondo::sharded<double, 0>;
using columns = rondo::sharded<double, 1>;

// The table of JAX's shard_map (JEP 17111) and Megatron-LM's mappings.py, as types.
static_assert(rondo::conversion_of<term, whole>() == conversion::all_reduce);
static_assert(rondo::conversion_of<term, rows>() == conversion::reduce_scatter);
static_assert(rondo::conversion_of<columns, whole>() == conversion::all_gather);
static_assert(rondo::conversion_of<whole, columns>() == conversion::slice);
static_assert(rondo::conversion_of<rows, columns>() == conversion::all_to_all);
static_assert(rondo::backward_of<term, whole>() == conversion::nothing);
static_assert(rondo::backward_of<term, columns>() == conversion::all_gather);
static_assert(rondo::backward_of<rows, whole>() == conversion::slice);
static_assert(rondo::backward_of_terms<rows, whole>() == conversion::reduce_scatter);
static_assert(rondo::backward_of_terms<whole, whole>() == conversion::all_reduce);
static_assert(rondo::backward_of<whole, rows>() == conversion::all_gather);
static_assert(rondo::backward_of<columns, rows>() == conversion::all_to_all);

constexpr std::size_t height = 7;
constexpr std::size_t width = 11;

/// The same on every rank: element (i, j) of matrix `which`, small integers, so sums are exact.
double value(std::size_t which, std::size_t i, std::size_t j) {
  return static_cast<double>((which * 7919 + i * 131 + j * 31) % 23) - 11.0;
}

/// A matrix with a gap behind every row.
struct stored {
  stored(std::size_t h, std::size_t w, std::size_t gap)
      : memory(h * (w + gap) + 1, -99.0), view{memory.data(), h, w, w + gap} {}
  std::vector<double> memory;
  matrix<double> view;
};

template <class P>
inline constexpr int dimension = rondo::detail::dimension_of<P>;

/// One rank's part of the matrix that placement P makes of `which`; a term differs on every rank.
template <class P>
struct held {
  stored memory;
  P placed;
  held(const cut& by, int rank, std::size_t gap)
      : memory(dimension<P> == 0 ? by.width(rank) : height,
               dimension<P> == 1 ? by.width(rank) : width, gap),
        placed{place(memory.view, by)} {}

  static P place(matrix<double> view, const cut& by) {
    if constexpr (dimension<P> >= 0) {
      return P{view, by};
    } else {
      return P{view};
    }
  }
  /// Calls act(element, row, column) with global indices.
  template <class Act>
  void each(const cut& by, int rank, const Act& act) {
    const auto view = memory.view;
    for (std::size_t i = 0; i < view.rows; ++i) {
      for (std::size_t j = 0; j < view.columns; ++j) {
        act(view(i, j), dimension<P> == 0 ? by.global(rank, i) : i,
            dimension<P> == 1 ? by.global(rank, j) : j);
      }
    }
  }
};

/// The cuts to try for a dimension: even, uneven with an empty rank, fused.
std::vector<cut> cuts(std::size_t extent, int ranks) {
  std::vector<std::size_t> uneven(static_cast<std::size_t>(ranks), 0);
  uneven.back() = 2;
  uneven.front() += extent - 2;
  const std::vector<cut> parts{cut::even(extent / 2, ranks), cut::even(extent - extent / 2, ranks)};
  return {cut::even(extent, ranks), cut::widths(uneven), cut::fused(parts)};
}

template <class From, class To>
void for_all_cuts(const auto& act) {
  for (const int ranks : {1, 2, 3, 5, 8}) {
    const auto by_rows = cuts(height, ranks);
    const auto by_columns = cuts(width, ranks);
    rondo::threads::run(ranks, [&](auto& comm) {
      const auto tensor = along<"tensor">(comm);
      for (std::size_t kind = 0; kind < by_rows.size(); ++kind) {
        for (const std::size_t gap : {0, 3}) {
          const cut& from_cut = dimension<From> == 0 ? by_rows[kind] : by_columns[kind];
          const cut& to_cut = dimension<To> == 0 ? by_rows[kind] : by_columns[kind];
          act(comm, tensor, from_cut, to_cut, gap);
        }
      }
    });
  }
}

/// Every rank holds its part of one matrix; converted, it holds its part of the same.
template <class From, class To>
void keeps_the_matrix() {
  for_all_cuts<From, To>(
      [](auto& comm, const auto& tensor, const cut& from_cut, const cut& to_cut, std::size_t gap) {
        held<From> from{from_cut, comm.rank(), gap};
        held<To> to{to_cut, comm.rank(), gap};
        constexpr bool terms = rondo::is_partial<From>;
        from.each(from_cut, comm.rank(), [&](double& v, std::size_t i, std::size_t j) {
          v = value(terms ? static_cast<std::size_t>(comm.rank()) : 0, i, j);
        });
        rondo::convert(tensor, from.placed, to.placed);
        to.each(to_cut, comm.rank(), [&](double& v, std::size_t i, std::size_t j) {
          double expected = 0;
          for (int rank = 0; rank < (terms ? comm.size() : 1); ++rank) {
            expected += value(static_cast<std::size_t>(rank), i, j);
          }
          expect(v == expected, "the matrix after a conversion");
        });
        for (std::size_t k = 0; gap != 0 && k < to.memory.view.rows; ++k) {
          expect(to.memory.view.data[k * to.memory.view.stride + to.memory.view.columns] == -99.0,
                 "gaps are left alone");
        }
      });
}

/// <a, b> over the whole mesh: a replicated pair counts once, everything else on every rank.
template <class P, class G>
double inner(auto& comm, held<P>& a, held<G>& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.memory.view.rows; ++i) {
    for (std::size_t j = 0; j < a.memory.view.columns; ++j) {
      sum += a.memory.view(i, j) * b.memory.view(i, j);
    }
  }
  constexpr bool once = rondo::is_replicated<P> && rondo::is_replicated<G>;
  std::vector<double> all{once && comm.rank() != 0 ? 0.0 : sum};
  rondo::all_reduce(comm, all);
  return all[0];
}

/// <A x, y> = <x, A^T y> with A the conversion and A^T that of the gradients.
template <class From, class To, class Given = rondo::gradient_of<To>>
void transposes() {
  using back = rondo::gradient_of<From>;
  for_all_cuts<From, To>(
      [](auto& comm, const auto& tensor, const cut& from_cut, const cut& to_cut, std::size_t gap) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        held<From> x{from_cut, comm.rank(), gap};
        held<To> ax{to_cut, comm.rank(), gap};
        held<Given> y{to_cut, comm.rank(), gap};
        held<back> aty{from_cut, comm.rank(), gap};
        x.each(from_cut, comm.rank(), [&](double& v, std::size_t i, std::size_t j) {
          v = value(rondo::is_partial<From> ? rank : 0, i, j);
        });
        y.each(to_cut, comm.rank(), [&](double& v, std::size_t i, std::size_t j) {
          v = value(100 + (rondo::is_partial<Given> ? rank : 0), i, j);
        });
        rondo::convert(tensor, x.placed, ax.placed);
        rondo::convert(tensor, y.placed, aty.placed);
        expect(inner(comm, ax, y) == inner(comm, x, aty), "<A x, y> = <x, A^T y>");
      });
}

}  // namespace

TEST_CASE("convert: the matrix is the same before and after, whatever the cut") {
  keeps_the_matrix<term, whole>();
  keeps_the_matrix<term, rows>();
  keeps_the_matrix<term, columns>();
  keeps_the_matrix<rows, whole>();
  keeps_the_matrix<columns, whole>();
  keeps_the_matrix<whole, rows>();
  keeps_the_matrix<whole, columns>();
  keeps_the_matrix<rows, columns>();
  keeps_the_matrix<columns, rows>();
  keeps_the_matrix<whole, whole>();
}

TEST_CASE("convert: the gradient's conversion is the transpose of the value's") {
  transposes<term, whole>();
  transposes<term, rows>();
  transposes<term, columns>();
  transposes<rows, whole>();
  transposes<columns, whole>();
  transposes<whole, rows>();
  transposes<whole, columns>();
  transposes<rows, columns>();
  transposes<columns, rows>();
  // Ranks that each computed with a part of the result bring terms of the gradient.
  transposes<rows, whole, term>();
  transposes<columns, whole, term>();
  transposes<term, whole, term>();
  transposes<whole, whole, term>();
}

TEST_CASE("convert: partial maxima become the maximum") {
  rondo::threads::run(3, [&](auto& comm) {
    std::vector<float> values{static_cast<float>(comm.rank()), static_cast<float>(-comm.rank())};
    const matrix view{values.data(), 1, 2};
    rondo::convert(along<"tensor">(comm), rondo::partial<float, rondo::op::max>{view},
                   rondo::replicated<float>{view});
    expect(values == std::vector<float>{2, 0}, "the maximum");
  });
}

TEST_CASE("convert: begun with async{}, it ends at wait()") {
  rondo::threads::run(3, [&](auto& comm) {
    const auto tensor = along<"tensor">(comm);
    const cut tokens = cut::even(7, 3);
    std::vector<float> all(14, static_cast<float>(comm.rank() + 1));
    std::vector<float> mine(tokens.width(comm.rank()) * 2);
    const matrix view{all.data(), 7, 2};
    const rondo::sharded<float, 0> shard{matrix{mine.data(), tokens.width(comm.rank()), 2}, tokens};
    rondo::convert(tensor, rondo::partial<float>{view}, shard, rondo::async{}).wait();
    for (const float v : mine) {
      expect(v == 6.0F, "the sum of three ranks");
    }
    auto gathering = rondo::convert(tensor, shard, rondo::replicated<float>{view}, rondo::async{});
    gathering.wait();
    auto doubling = rondo::convert(tensor, rondo::partial<float>{view},
                                   rondo::replicated<float>{view}, rondo::async{});
    doubling.wait();
    for (const float v : all) {
      expect(v == 18.0F, "gathered and summed");
    }
  });
}

TEST_CASE("convert: shapes that do not fit the cut are refused with the numbers") {
  const auto refusal = [](const auto& act) {
    try {
      act();
    } catch (const rondo::error& refused) {
      return std::string{refused.what()};
    }
    return std::string{};
  };
  const cut wide = cut::even(8, 2);
  const cut doubled = cut::whole(4, 1);
  std::vector<float> memory(64);
  rondo::threads::run(1, [&](auto& comm) {
    const auto tensor = along<"tensor">(comm);
    const rondo::replicated<float> all{matrix{memory.data(), 4, 4}};
    const rondo::sharded<float, 1> other{matrix{memory.data(), 4, 4}, wide};
    expect(refusal([&] { rondo::convert(tensor, other, all); }).find("over 2 ranks") !=
               std::string::npos,
           "a cut over other ranks");
    const rondo::sharded<float, 1> slim{matrix{memory.data(), 4, 3}, doubled};
    expect(refusal([&] { rondo::convert(tensor, slim, all); }).find("gives this one 4") !=
               std::string::npos,
           "a width that is not the cut's");
    const rondo::sharded<float, 0> high{matrix{memory.data(), 4, 5}, doubled};
    expect(refusal([&] {
             rondo::convert(tensor, high, all);
           }).find("got [4, 4], expected [4, 5]") != std::string::npos,
           "a shape that is not the whole's");
  });
  const cut shared = cut::whole(4, 2);
  rondo::threads::run(2, [&](auto& comm) {
    const auto tensor = along<"tensor">(comm);
    std::vector<float> own(32);
    const rondo::sharded<float, 1> heads{matrix{own.data(), 2, 4}, shared};
    expect(refusal([&] {
             rondo::convert(tensor, heads, rondo::replicated<float>{matrix{own.data(), 2, 4}});
           }).find("ranks hold the same indices") != std::string::npos,
           "indices held twice");
  });
}
