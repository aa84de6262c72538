// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/policies.hpp>
#include <rondo/tensor/convert.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/exact/exact.hpp>
#include <rondo/tensor/exact/tree_exchange.hpp>
#include <rondo/tensor/layers/linear.hpp>
#include <rondo/tensor/wire.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::detail {

/// A conversion that goes on while the caller computes, or that has been made already because it
/// cannot.
template <class Pending>
struct under_way {
  std::optional<Pending> call;
  void wait() {
    if (call) {
      call->wait();
    }
  }
};

struct nothing_pending {
  static void wait() {}
};

/// All rows of a matrix, which may still be arriving.
template <class T, class Call>
struct whole_rows {
  matrix<const T> values;
  Call call;
  void wait() { call.wait(); }
};

/// How many rows the whole matrix has.
template <class X>
[[nodiscard]] std::size_t rows_of(const X& x) {
  if constexpr (is_sharded<X, 0>) {
    return x.division->extent();
  } else {
    return x.values.rows;
  }
}

/// What the layers that split a linear product over features have in common: the ranks, how the
/// features are cut, the user's products, and memory for what is reduced or gathered.
template <class Team, class Kernels, class Order, class Wire>
class split_linear {
 public:
  static_assert(check_wire<Order, Wire>());

  split_linear(Team ranks, cut features, Kernels kernels, Order order, Wire codec)
      : ranks_{std::move(ranks)},
        features_{std::move(features)},
        kernels_{std::move(kernels)},
        order_{order},
        wire_{std::move(codec)} {
    if (features_.ranks() != ranks_.size()) {
      refuse("a linear layer's features are cut for " + std::to_string(features_.ranks()) +
                 " ranks, but the axis \"" + Team::name() + "\" has " +
                 std::to_string(ranks_.size()),
             ranks_.rank());
    }
    const cut counted = features_.first_holders();
    if constexpr (is_exact<Order>) {
      const cut leaves = leaf_cut(counted, order_.features);
      for (const held_leaf& leaf : leaves_of(features_, ranks_.rank(), order_.features)) {
        if (holds(leaves, ranks_.rank(), leaf.number)) {
          leaves_.push_back(leaf);
        }
      }
      tree_.emplace(leaves);
    } else {
      counted_ = counted_by(counted, ranks_.rank());
      for (int rank = 0; Team::on_device && rank < ranks_.size(); ++rank) {
        if (const auto parts = counted_by(counted, rank).size(); parts > 1) {
          refuse("a linear layer on GPUs: rank " + std::to_string(rank) + " holds features in " +
                     std::to_string(parts) +
                     " parts with others' between them, whose products the host would have to add; "
                     "cut them so that each rank counts its own in one part",
                 ranks_.rank());
        }
      }
    }
  }

  [[nodiscard]] const Team& ranks() const noexcept { return ranks_; }
  [[nodiscard]] const cut& features() const noexcept { return features_; }
  [[nodiscard]] std::size_t width() const { return features_.width(ranks_.rank()); }
  [[nodiscard]] const Kernels& kernels() const noexcept { return kernels_; }

  /// Refuses weights and a shard of the features that do not fit this rank's width.
  template <class Shard>
  void check(const char* who, const Shard& shard, std::size_t rows,
             std::size_t weight_width) const {
    if (shard.division != &features_ && *shard.division != features_) {
      refuse(std::string{who} + ": a shard by another cut than the layer's features",
             ranks_.rank());
    }
    check_shape(who, shard.values.rows, shard.values.columns, rows, width(), ranks_.rank());
    check_count(who, "the weight's split side", weight_width, width(), ranks_.rank());
  }

  /// Refuses a bias, or a gradient of one, that does not fit or that nobody can add.
  template <class T>
  void check_bias(const char* who, std::span<T> bias, std::size_t outputs) const {
    if (!bias.empty() && bias.size() != outputs) {
      refuse(std::string{who} + ": a bias of " + std::to_string(bias.size()) + " elements for " +
                 std::to_string(outputs) + " outputs",
             ranks_.rank());
    }
    if constexpr (Team::on_device && !bias_kernels<Kernels, std::remove_const_t<T>>) {
      if (!bias.empty()) {
        refuse(std::string{who} +
                   ": on GPUs the kernels add a bias; give them add_bias(bias, y) "
                   "and bias_gradient(dy, dbias)",
               ranks_.rank());
      }
    }
  }

  /// Refuses gradients that are not of the weights' shapes.
  template <class T>
  void check_gradients(const char* dw, const char* dbias, const linear_gradients<T>& to,
                       std::size_t outputs, std::size_t inputs) const {
    check_shape(dw, to.weight.rows, to.weight.columns, outputs, inputs, ranks_.rank());
    check_bias(dbias, to.bias, outputs);
  }
  template <class T, class Memory>
  void check_gradients(const char* dw, const char* dbias,
                       const exact_linear_gradients<T, Memory>& to, std::size_t outputs,
                       std::size_t inputs) const {
    check_count(dw, "the tree_sum", to.weight.elements(), outputs * inputs, ranks_.rank());
    if (to.bias.elements() != 0) {
      check_count(dbias, "the tree_sum", to.bias.elements(), outputs, ranks_.rank());
    }
  }

  [[nodiscard]] const Order& order() const noexcept { return order_; }

  /// All rows of `x`, gathered if it is a shard of them. They may still be under way.
  template <class X>
  auto whole_behind(source_location where, const X& x) {
    using T = typename X::element;
    if constexpr (is_replicated<X>) {
      return whole_rows<T, nothing_pending>{x.values, {}};
    } else {
      const auto all = ranks_.passage().gathered.template get<T>(rows_of(x), x.values.columns);
      auto call = convert_behind(where, x, replicated<T, X::axis>{all});
      return whole_rows<T, decltype(call)>{all, std::move(call)};
    }
  }

  /// Begins a conversion if it can go on by itself, else makes it.
  template <class From, class To>
  auto convert_behind(source_location where, const From& from, const To& to) {
    return with_wire([&](const auto&... coded) {
      using pending = decltype(convert_call::make(where, ranks_, from, to, async{}, coded...));
      under_way<pending> made;
      if (ranks_.size() > 1 && goes_by_itself(from) && goes_by_itself(to)) {
        made.call.emplace(convert_call::make(where, ranks_, from, to, async{}, coded...));
      } else {
        convert_call::make(where, ranks_, from, to, coded...);
      }
      return made;
    });
  }

  /// out = the sum over all ranks' features of what `product(features, out)` computes for some of
  /// this rank's: for all of them, or in exact mode leaf by leaf. A feature that several ranks hold
  /// counts once, on the first of them. The result may still be under way.
  template <class T, class To, class Product>
  auto reduce_behind(source_location where, const To& out, std::size_t rows, std::size_t columns,
                     const Product& product) {
    if constexpr (is_exact<Order>) {
      using leaf_sums = tree_sum<T, typename Team::memory_type::template array<T>>;
      auto& sums = ranks_.passage().kept.template get<leaf_sums>();
      T* lent = nullptr;
      if constexpr (is_replicated<To>) {
        lent = out.values.contiguous() ? out.values.data : nullptr;
      }
      sums.restart(rows * columns, lent);
      for (const held_leaf& leaf : leaves_) {
        product(leaf.local, matrix<T>{sums.room(ranks_.memory()).data(), rows, columns});
        sums.put(leaf.number, ranks_.memory());
      }
      auto& kept = ranks_.passage().node_bytes;
      kept = (std::max)(kept, sums.bytes());
      tree_->reduce(ranks_, sums, out, where);
      return nothing_pending{};
    } else {
      using terms = partial<T, op::sum, To::axis>;
      if constexpr (is_replicated<To>) {
        add_up(out.values, product);
        return convert_behind(where, terms{out.values}, out);
      } else {
        const auto sums = ranks_.passage().terms.template get<T>(rows, columns);
        add_up(sums, product);
        return convert_behind(where, terms{sums}, out);
      }
    }
  }

 private:
  [[nodiscard]] static bool holds(const cut& by, int rank, std::size_t index) {
    for (const part run : by.runs(rank)) {
      if (index >= run.first && index < run.first + run.count) {
        return true;
      }
    }
    return false;
  }

  /// Which of a rank's features no rank before it holds.
  [[nodiscard]] std::vector<part> counted_by(const cut& first_holders, int rank) const {
    std::vector<part> parts;
    for (std::size_t local = 0; local < features_.width(rank); ++local) {
      if (holds(first_holders, rank, features_.global(rank, local))) {
        if (parts.empty() || parts.back().first + parts.back().count != local) {
          parts.push_back({local, 0});
        }
        ++parts.back().count;
      }
    }
    return parts;
  }

  /// to = the sum of `product` over the features that this rank counts.
  template <class T, class Product>
  void add_up(matrix<T> to, const Product& product) {
    product(counted_.empty() ? part{} : counted_.front(), to);
    for (std::size_t next = 1; next < counted_.size(); ++next) {
      const auto more = ranks_.passage().in.template get<T>(to.rows, to.columns);
      product(counted_[next], more);
      for (std::size_t row = 0; row < to.rows; ++row) {  // of the host: GPUs have one part each
        add_to(to.row(row).data(), more.row(row).data(), to.columns);
      }
    }
  }

  template <class P>
  static bool goes_by_itself(const P& placed) {
    if constexpr (is_sharded<P>) {
      return P::dimension == 0 && placed.values.contiguous() && placed.division->contiguous();
    } else {
      return placed.values.contiguous();
    }
  }

  template <class Act>
  auto with_wire(const Act& act) {
    if constexpr (std::is_same_v<Wire, no_codec>) {
      return act();
    } else {
      return act(wire_);
    }
  }

  Team ranks_;
  cut features_;
  Kernels kernels_;
  Order order_;
  Wire wire_;
  std::vector<part> counted_;      ///< features that no rank before this one holds
  std::vector<held_leaf> leaves_;  ///< the same in exact mode
  std::optional<tree_exchange> tree_;
};

}  // namespace rondo::inline v0_1::detail
