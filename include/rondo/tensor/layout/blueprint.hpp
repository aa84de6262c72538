// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/tensor/layout/detail/name_list.hpp>
#include <rondo/tensor/layout/layout.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::inline v0_1 {

/// A network described by what it does to named dimensions, without a value in it: what
/// `plan_layout` and `find_layout` read to say what a layout costs.
///
///     rondo::blueprint net;
///     auto x = net.input("x", "batch:64, d_model:1024");
///     auto wi = net.parameter("wi", "d_model:1024, d_ff:4096");
///     auto wo = net.parameter("wo", "d_ff:4096, d_model:1024");
///     auto h = net.einsum("h", x, wi, "batch, d_ff");
///     auto y = net.einsum("y", net.map("gelu", {h}), wo, "batch, d_model");
///     rondo::plan_layout(net, rondo::layout{"d_ff:tensor"}, {{"tensor", 4}});   // two all_reduces
///
/// A dimension has one extent everywhere. Errors: a dimension with two extents, an output dimension
/// that no input has, a tensor of another blueprint.
class blueprint {
 public:
  /// A tensor, to hand to the operations after it.
  struct tensor {
    std::size_t index = 0;
  };

  enum class source { input, constant, parameter, made };
  enum class kind { einsum, embedding, map, add, reduce, softmax, cross_entropy, rename };

  struct tensor_entry {
    std::string name;
    source from = source::made;
    std::vector<std::size_t> dimensions;  ///< of `dimensions()`, outermost first
    std::size_t element_bytes = 4;
    bool differentiable = false;  ///< it has a gradient
  };
  struct operation {
    kind what = kind::map;
    std::vector<std::size_t> inputs;
    std::size_t output = 0;
    std::size_t along = 0;  ///< the dimension of softmax and cross_entropy
    std::vector<std::pair<std::size_t, std::size_t>> renamed;
  };

  explicit blueprint(std::size_t element_bytes = 4) : element_bytes_{element_bytes} {}

  /// What the network is given. An input has a gradient, which the layer before takes; a constant
  /// (tokens, targets, masks) has none.
  tensor input(std::string name, std::string_view dimensions) {
    return add_source(std::move(name), source::input, dimensions, element_bytes_);
  }
  tensor constant(std::string name, std::string_view dimensions, std::size_t element_bytes = 4) {
    return add_source(std::move(name), source::constant, dimensions, element_bytes);
  }
  /// A weight.
  tensor parameter(std::string name, std::string_view dimensions) {
    return add_source(std::move(name), source::parameter, dimensions, element_bytes_);
  }

  /// The sum over all dimensions that `dimensions` leaves out of the product of two tensors.
  tensor einsum(std::string name, tensor a, tensor b, std::string_view dimensions) {
    return add_operation(std::move(name), {kind::einsum, {index(a), index(b)}, 0, 0, {}},
                         names(dimensions));
  }
  /// Row of `table` for each of `tokens`: tokens' dimensions, then those of the table but `rows`.
  tensor embedding(std::string name, tensor tokens, tensor table, std::string_view rows) {
    auto dimensions = dimensions_of(tokens);
    for (const std::size_t d : dimensions_of(table)) {
      if (d != known(rows)) {
        dimensions.push_back(d);
      }
    }
    return add_operation(std::move(name),
                         {kind::embedding, {index(tokens), index(table)}, 0, known(rows), {}},
                         std::move(dimensions));
  }
  /// Any function element by element; it keeps its inputs for the backward pass. The result has the
  /// first input's dimensions.
  tensor map(std::string name, std::initializer_list<tensor> inputs) {
    return elementwise(std::move(name), kind::map, inputs);
  }
  /// The sum, which keeps nothing: a bias, a residual.
  tensor add(std::string name, tensor a, tensor b) {
    return elementwise(std::move(name), kind::add, {a, b});
  }
  /// The sum over all dimensions that `dimensions` leaves out.
  tensor reduce(std::string name, tensor of, std::string_view dimensions) {
    return add_operation(std::move(name), {kind::reduce, {index(of)}, 0, 0, {}}, names(dimensions));
  }
  tensor softmax(std::string name, tensor of, std::string_view along) {
    return add_operation(std::move(name), {kind::softmax, {index(of)}, 0, known(along), {}},
                         dimensions_of(of));
  }
  /// One loss for each row of logits.
  tensor cross_entropy(std::string name, tensor logits, tensor targets, std::string_view along) {
    auto dimensions = dimensions_of(logits);
    std::erase(dimensions, known(along));
    return add_operation(
        std::move(name),
        {kind::cross_entropy, {index(logits), index(targets)}, 0, known(along), {}},
        std::move(dimensions));
  }
  /// The same values, dimensions by other names, which other rules cut: "length:all_length". All
  /// are renamed at once: "a:b, b:a" swaps two.
  tensor rename(std::string name, tensor of, std::string_view names) {
    operation made{kind::rename, {index(of)}, 0, 0, {}};
    const auto before = dimensions_of(of);
    auto dimensions = before;
    for (auto& [from, to, at] : detail::read_name_list("rename", "name:new_name", names)) {
      const std::size_t old = known(from);
      const auto place =
          static_cast<std::size_t>(std::find(before.begin(), before.end(), old) - before.begin());
      if (place == before.size()) {
        refuse("blueprint: \"" + name + "\" renames \"" + from + "\", which \"" +
               tensors_[of.index].name + "\" does not have");
      }
      if (std::find_if(made.renamed.begin(), made.renamed.end(),
                       [&](const auto& each) { return each.first == old; }) != made.renamed.end()) {
        refuse("blueprint: \"" + name + "\" renames \"" + from + "\" twice");
      }
      dimensions[place] = declare({to, dimensions_[old].extent}, name);
      made.renamed.emplace_back(old, dimensions[place]);
    }
    return add_operation(std::move(name), std::move(made), std::move(dimensions));
  }

  [[nodiscard]] const std::vector<dimension>& dimensions() const noexcept { return dimensions_; }
  [[nodiscard]] const std::vector<tensor_entry>& tensors() const noexcept { return tensors_; }
  [[nodiscard]] const std::vector<operation>& operations() const noexcept { return operations_; }
  /// The dimensions of a tensor with their extents.
  [[nodiscard]] tensor_shape shape_of(tensor of) const {
    tensor_shape all;
    for (const std::size_t d : dimensions_of(of)) {
      all.push_back(dimensions_[d]);
    }
    return all;
  }
  /// All dimensions that an operation goes over: those of its inputs and of its output.
  [[nodiscard]] std::vector<std::size_t> space_of(const operation& of) const {
    auto all = tensors_[of.output].dimensions;
    for (const std::size_t input : of.inputs) {
      for (const std::size_t d : tensors_[input].dimensions) {
        if (std::find(all.begin(), all.end(), d) == all.end()) {
          all.push_back(d);
        }
      }
    }
    return all;
  }

 private:
  [[nodiscard]] std::size_t index(tensor of) const {
    if (of.index >= tensors_.size()) {
      refuse("blueprint: a tensor of another blueprint");
    }
    return of.index;
  }
  [[nodiscard]] std::vector<std::size_t> dimensions_of(tensor of) const {
    return tensors_[index(of)].dimensions;
  }

  [[nodiscard]] std::size_t find(std::string_view name) const {
    std::size_t d = 0;
    while (d < dimensions_.size() && dimensions_[d].name != name) {
      ++d;
    }
    return d;
  }
  [[nodiscard]] std::size_t known(std::string_view name) const {
    const std::size_t d = find(name);
    if (d == dimensions_.size()) {
      refuse("blueprint: no tensor so far has a dimension \"" + std::string{name} + '"');
    }
    return d;
  }
  std::size_t declare(const dimension& one, const std::string& by) {
    const std::size_t d = find(one.name);
    if (d == dimensions_.size()) {
      dimensions_.push_back(one);
    } else if (dimensions_[d].extent != one.extent) {
      refuse("blueprint: dimension \"" + one.name + "\" is " + std::to_string(one.extent) +
             " long in \"" + by + "\", but " + std::to_string(dimensions_[d].extent) + " before");
    }
    return d;
  }
  /// "batch, d_ff"; empty for a single number.
  [[nodiscard]] std::vector<std::size_t> names(std::string_view text) const {
    std::vector<std::size_t> all;
    while (!detail::trimmed(text).empty()) {
      const std::size_t end = text.find(',');
      all.push_back(known(detail::trimmed(text.substr(0, end))));
      text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    }
    return all;
  }

  tensor add_source(std::string name, source from, std::string_view dimensions,
                    std::size_t element_bytes) {
    tensor_entry made{std::move(name), from, {}, element_bytes, from != source::constant};
    for (const dimension& one : read_shape(dimensions)) {
      made.dimensions.push_back(declare(one, made.name));
    }
    return add_tensor(std::move(made));
  }

  tensor elementwise(std::string name, kind what, std::initializer_list<tensor> inputs) {
    operation made{what, {}, 0, 0, {}};
    for (const tensor each : inputs) {
      made.inputs.push_back(index(each));
    }
    if (made.inputs.empty()) {
      refuse("blueprint: \"" + name + "\" has no input");
    }
    auto dimensions = tensors_[made.inputs.front()].dimensions;
    for (const std::size_t input : made.inputs) {
      for (const std::size_t d : tensors_[input].dimensions) {
        if (std::find(dimensions.begin(), dimensions.end(), d) == dimensions.end()) {
          refuse("blueprint: \"" + name + "\" has the dimensions of its first input, without \"" +
                 dimensions_[d].name + "\" of \"" + tensors_[input].name +
                 "\"; name the largest input first");
        }
      }
    }
    return add_operation(std::move(name), std::move(made), std::move(dimensions));
  }

  tensor add_operation(std::string name, operation made, std::vector<std::size_t> dimensions) {
    tensor_entry output{std::move(name), source::made, std::move(dimensions), element_bytes_,
                        false};
    std::vector<std::size_t> given;
    for (const std::size_t input : made.inputs) {
      const tensor_entry& one = tensors_[input];
      output.differentiable = output.differentiable || one.differentiable;
      given.insert(given.end(), one.dimensions.begin(), one.dimensions.end());
    }
    for (const std::size_t d : output.dimensions) {
      if (made.what != kind::rename && std::find(given.begin(), given.end(), d) == given.end()) {
        refuse("blueprint: \"" + output.name + "\" has dimension \"" + dimensions_[d].name +
               "\", which none of its inputs has");
      }
    }
    made.output = tensors_.size();
    operations_.push_back(std::move(made));
    return add_tensor(std::move(output));
  }

  tensor add_tensor(tensor_entry made) {
    for (auto d = made.dimensions.begin(); d != made.dimensions.end(); ++d) {
      if (std::find(made.dimensions.begin(), d, *d) != d) {
        refuse("blueprint: \"" + made.name + "\" has two dimensions named \"" +
               dimensions_[*d].name + '"');
      }
    }
    tensors_.push_back(std::move(made));
    return {tensors_.size() - 1};
  }

  std::size_t element_bytes_;
  std::vector<dimension> dimensions_;
  std::vector<tensor_entry> tensors_;
  std::vector<operation> operations_;
};

/// The rules that cut no tensor of any of these networks: misspelt, most often, as "dff:tensor".
/// One text may serve many networks, so rules that a network does not use are not refused; a
/// program that knows all networks of its rules refuses what is left here.
///
///     if (!rondo::unused_rules(rules, encoder, decoder).empty()) { ...
template <std::same_as<blueprint>... Networks>
[[nodiscard]] std::vector<layout::rule> unused_rules(const layout& rules, const blueprint& network,
                                                     const Networks&... more) {
  std::vector<layout::rule> left = rules.rules();
  for (const blueprint* net : {&network, &more...}) {
    for (const dimension& one : net->dimensions()) {
      std::erase_if(left, [&](const layout::rule& each) { return each.dimension == one.name; });
    }
  }
  return left;
}

}  // namespace rondo::inline v0_1
