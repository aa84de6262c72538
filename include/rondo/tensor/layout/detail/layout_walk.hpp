// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>
#include <rondo/tensor/layers/layer_plan.hpp>
#include <rondo/tensor/layout/blueprint.hpp>
#include <rondo/tensor/layout/detail/local_sizes.hpp>
#include <rondo/tensor/mesh.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::detail {

/// Goes through a network forward and backward, as one rank does, and notes what it costs. With
/// open dimensions it notes memory and operations that no choice for them can go below, and no
/// collectives.
class layout_walk {
 public:
  layout_walk(const blueprint& net, const mesh_shape& mesh, const std::vector<int>& axes)
      : net_{net}, mesh_{mesh}, sizes_{net, mesh, axes}, tensors_(net.tensors().size()) {
    bound_ = std::find(axes.begin(), axes.end(), open_dimension) != axes.end();
  }

  void run() {
    look_ahead();
    for (std::size_t o = 0; o < net_.operations().size(); ++o) {
      forward(o);
    }
    for (std::size_t o = net_.operations().size(); o-- > 0;) {
      backward(o);
    }
  }

  layer_plan made;
  std::size_t parameter_bytes = 0;
  std::size_t parameter_gradient_bytes = 0;
  double operations = 0;

 private:
  using kind = blueprint::kind;
  using source = blueprint::source;
  static constexpr auto none = static_cast<std::size_t>(-1);

  struct state {
    std::size_t bytes = 0;
    std::size_t readers = 0;
    std::size_t first_reader = 0;
    std::size_t last_reader = 0;
    std::size_t maker = none;  ///< the operation that makes it
    bool saved = false;
    bool gathered = false;   ///< by a rename: its source is saved in its stead
    bool undecided = false;  ///< whether it will be: so either, and for a bound none is saved
    bool alive = false;
    axis_set partial = 0;            ///< of a sum that a rename reduces
    std::vector<axis_set> gradient;  ///< over which axes each term of it is partial
    bool gradient_alive = false;
  };

  [[nodiscard]] const blueprint::tensor_entry& entry(std::size_t t) const {
    return net_.tensors()[t];
  }
  [[nodiscard]] std::size_t bytes(std::size_t t) const {
    return static_cast<std::size_t>(sizes_.elements(entry(t).dimensions)) * entry(t).element_bytes;
  }

  void look_ahead() {
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      tensors_[t].bytes = bytes(t);
      if (entry(t).from == source::parameter) {
        parameter_bytes += tensors_[t].bytes;
      } else if (entry(t).from != source::made) {
        come_alive(t);
      }
    }
    for (std::size_t o = 0; o < net_.operations().size(); ++o) {
      const auto& one = net_.operations()[o];
      for (const std::size_t input : one.inputs) {
        state& read = tensors_[input];
        read.first_reader = read.readers++ == 0 ? o : read.first_reader;
        read.last_reader = o;
      }
      tensors_[one.output].maker = o;
      tensors_[one.output].gathered = one.what == kind::rename && gathers(one);
      tensors_[one.output].undecided = one.what == kind::rename && may_gather_or_not(one);
    }
    for (const auto& one : net_.operations()) {
      for (const std::size_t t : kept(one)) {
        save(t);
      }
    }
    for (std::size_t t = 0; t < tensors_.size(); ++t) {
      made.saved_bytes += tensors_[t].saved ? tensors_[t].bytes : 0;
    }
  }

  /// What an operation needs again in the backward pass.
  [[nodiscard]] std::vector<std::size_t> kept(const blueprint::operation& of) const {
    std::vector<std::size_t> all;
    if (!entry(of.output).differentiable) {
      return all;
    }
    switch (of.what) {
      case kind::einsum:
        for (const std::size_t i : {0u, 1u}) {
          if (entry(of.inputs[1 - i]).differentiable) {
            all.push_back(of.inputs[i]);
          }
        }
        break;
      case kind::embedding:
        all.push_back(of.inputs[0]);
        break;
      case kind::map:
      case kind::cross_entropy:
        all = of.inputs;
        break;
      case kind::softmax:
        all.push_back(of.output);
        break;
      default:
        break;
    }
    return all;
  }
  void save(std::size_t t) {
    if (tensors_[t].undecided) {
      return;
    }
    if (tensors_[t].gathered) {
      t = maker_of(t).inputs.front();
    }
    tensors_[t].saved = tensors_[t].saved || entry(t).from != source::parameter;
  }
  [[nodiscard]] const blueprint::operation& maker_of(std::size_t t) const {
    return net_.operations()[tensors_[t].maker];
  }

  /// True where a dimension that was cut is whole under its new name, and none is cut instead.
  [[nodiscard]] bool gathers(const blueprint::operation& of) const {
    const axis_set before = sizes_.axes_over(entry(of.inputs.front()).dimensions);
    const axis_set after = sizes_.axes_over(entry(of.output).dimensions);
    return (before & ~after) != 0;
  }
  /// True where that depends on dimensions that are open.
  [[nodiscard]] bool may_gather_or_not(const blueprint::operation& of) const {
    axis_set cut_before = 0;
    bool open = false;
    for (const auto& [old, renamed] : of.renamed) {
      if (sizes_.is_open(old)) {
        return true;
      }
      cut_before |= sizes_.axis_bit(old);
      open = open || sizes_.is_open(renamed);
    }
    return open && cut_before != 0;
  }

  // Memory.

  void grow(std::size_t bytes) {
    live_ += bytes;
    made.peak_bytes = (std::max)(made.peak_bytes, live_);
  }
  void come_alive(std::size_t t) {
    if (!tensors_[t].alive && entry(t).from != source::parameter) {
      tensors_[t].alive = true;
      grow(tensors_[t].bytes);
    }
  }
  void let_go(std::size_t t) {
    live_ -= std::exchange(tensors_[t].alive, false) ? tensors_[t].bytes : 0;
  }

  // Collectives.

  void collect(std::vector<planned_collective>& pass, schedule::collective what, double count,
               std::size_t element_bytes, axis_set over) {
    if (over == 0 || bound_) {
      return;
    }
    std::string names;
    int ranks = 1;
    for (std::size_t a = 0; a < mesh_.axes().size(); ++a) {
      if ((over >> a & 1u) != 0) {
        names += (names.empty() ? "" : ",") + mesh_.axes()[a].name;
        ranks *= mesh_.axes()[a].size;
      }
    }
    pass.push_back({what, static_cast<std::size_t>(count), element_bytes, names, ranks});
  }

  /// The same values from one set of dimensions to another, partial over some axes before.
  void convert(std::vector<planned_collective>& pass, std::size_t from, std::size_t to,
               axis_set partial) {
    using schedule::collective;
    const auto& old_dimensions = entry(from).dimensions;
    const auto& new_dimensions = entry(to).dimensions;
    const std::size_t width = entry(to).element_bytes;
    const axis_set before = sizes_.axes_over(old_dimensions);
    const axis_set after = sizes_.axes_over(new_dimensions);
    for (unsigned a = 0; a < mesh_.axes().size(); ++a) {
      const axis_set bit = 1u << a;
      if ((partial & ~before & after & bit) != 0) {
        collect(pass, collective::reduce_scatter, sizes_.elements(new_dimensions, bit), width, bit);
      } else if ((before & ~after & bit) != 0) {
        collect(pass, collective::all_gather, sizes_.elements(old_dimensions, bit), width, bit);
      } else if ((before & after & bit) != 0 &&
                 place_of(old_dimensions, bit) != place_of(new_dimensions, bit)) {
        collect(pass, collective::all_to_all, sizes_.elements(old_dimensions, bit), width, bit);
      }
    }
    collect(pass, collective::all_reduce, sizes_.elements(new_dimensions), width, partial & ~after);
  }
  [[nodiscard]] std::size_t place_of(const std::vector<std::size_t>& dimensions,
                                     axis_set bit) const {
    std::size_t place = 0;
    while (sizes_.axis_bit(dimensions[place]) != bit) {
      ++place;
    }
    return place;
  }

  // One operation.

  [[nodiscard]] axis_set partial_output(const blueprint::operation& of) const {
    const bool sums =
        of.what == kind::einsum || of.what == kind::embedding || of.what == kind::reduce;
    return sums ? sizes_.axes_over(net_.space_of(of)) &
                      ~sizes_.axes_over(entry(of.output).dimensions)
                : 0u;
  }

  void forward(std::size_t o) {
    const auto& one = net_.operations()[o];
    come_alive(one.output);
    if (one.what == kind::rename) {
      const std::size_t input = one.inputs.front();
      convert(made.forward, input, one.output, tensors_[input].partial);
    } else if (goes_to_rename(one.output)) {
      tensors_[one.output].partial = partial_output(one);
    } else {
      collect(made.forward, schedule::collective::all_reduce,
              sizes_.elements(entry(one.output).dimensions), entry(one.output).element_bytes,
              partial_output(one));
    }
    statistics(one);
    if (one.what == kind::einsum) {
      operations += 2 * sizes_.elements(net_.space_of(one));
    }
    for (const std::size_t input : one.inputs) {
      if (tensors_[input].last_reader == o && !tensors_[input].saved) {
        let_go(input);
      }
    }
  }

  /// A partial sum whose only reader is a rename: the two go together.
  [[nodiscard]] bool goes_to_rename(std::size_t t) const {
    return tensors_[t].readers == 1 &&
           net_.operations()[tensors_[t].first_reader].what == kind::rename;
  }

  /// Maxima and sums over a cut dimension.
  void statistics(const blueprint::operation& of) {
    if (of.what != kind::softmax && of.what != kind::cross_entropy) {
      return;
    }
    const bool loss = of.what == kind::cross_entropy;
    auto rows = entry(of.inputs.front()).dimensions;
    std::erase(rows, of.along);
    const std::size_t width = loss ? sizeof(double) : entry(of.output).element_bytes;
    const axis_set over = sizes_.axis_bit(of.along);
    collect(made.forward, schedule::collective::all_reduce, sizes_.elements(rows), width, over);
    collect(made.forward, schedule::collective::all_reduce, (loss ? 2 : 1) * sizes_.elements(rows),
            width, over);
  }

  void backward(std::size_t o) {
    const auto& one = net_.operations()[o];
    if (!entry(one.output).differentiable) {
      return;
    }
    if (tensors_[one.output].readers == 0) {
      begin_gradient(one.output, 0);
    }
    for (const std::size_t t : kept(one)) {
      gather_again(t);
    }
    if (one.what == kind::softmax) {
      auto rows = entry(one.output).dimensions;
      std::erase(rows, one.along);
      collect(made.backward, schedule::collective::all_reduce, sizes_.elements(rows),
              entry(one.output).element_bytes, sizes_.axis_bit(one.along));
    }
    for (std::size_t i = 0; i < one.inputs.size(); ++i) {
      const std::size_t input = one.inputs[i];
      if (!entry(input).differentiable) {
        continue;
      }
      if (one.what == kind::einsum) {
        operations += 2 * sizes_.elements(net_.space_of(one));
      }
      if (one.what == kind::rename) {
        rename_back(one.output, input);
      } else {
        const axis_set partial =
            sizes_.axes_over(net_.space_of(one)) & ~sizes_.axes_over(entry(input).dimensions);
        begin_gradient(input, partial);
      }
      if (tensors_[input].first_reader == o) {
        end_gradient(input);
      }
    }
    drop_gradient(one.output);
    let_go(one.output);
    for (const std::size_t input : one.inputs) {
      if (tensors_[input].first_reader == o && tensors_[input].maker == none) {
        let_go(input);
      }
    }
  }

  void gather_again(std::size_t t) {
    if (tensors_[t].gathered && !tensors_[t].alive && !bound_) {
      come_alive(t);
      convert(made.backward, maker_of(t).inputs.front(), t, 0);
    }
  }

  void begin_gradient(std::size_t t, axis_set partial) {
    state& of = tensors_[t];
    if (std::find(of.gradient.begin(), of.gradient.end(), partial) == of.gradient.end()) {
      of.gradient.push_back(partial);
    }
    if (!std::exchange(of.gradient_alive, true)) {
      if (entry(t).from == source::parameter) {
        parameter_gradient_bytes += of.bytes;
      } else {
        grow(of.bytes);
      }
    }
  }
  /// Its last term is there: reduces it, unless a rename does that with its own conversion.
  void end_gradient(std::size_t t) {
    std::sort(tensors_[t].gradient.begin(), tensors_[t].gradient.end());
    if (tensors_[t].maker != none && maker_of(t).what == kind::rename &&
        tensors_[t].gradient.size() == 1) {
      return;
    }
    for (const axis_set partial : tensors_[t].gradient) {
      collect(made.backward, schedule::collective::all_reduce, sizes_.elements(entry(t).dimensions),
              entry(t).element_bytes, partial);
    }
    tensors_[t].gradient.assign(1, 0);
  }
  void drop_gradient(std::size_t t) {
    live_ -= std::exchange(tensors_[t].gradient_alive, false) ? tensors_[t].bytes : 0;
  }
  void rename_back(std::size_t output, std::size_t input) {
    const axis_set partial = tensors_[output].gradient.back();
    convert(made.backward, output, input, partial);
    begin_gradient(input, 0);
  }

  const blueprint& net_;
  const mesh_shape& mesh_;
  local_sizes sizes_;
  std::vector<state> tensors_;
  bool bound_ = false;
  std::size_t live_ = 0;
};

}  // namespace rondo::inline v0_1::detail
