// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/all_gather.hpp>
#include <rondo/collective/reduce_scatter.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/operation.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace rondo::inline v0_1::data {

/// One optimizer step in which every rank updates its own part of the parameters, so that it keeps
/// the optimizer's state of that part alone: ZeRO's first stage, and what all_reduce and an update
/// of everything give, at the same cost.
///
///     rondo::data::sharded_optimizer shards{comm, parameters.size()};
///     adam own_state{shards.own().count};
///     shards.step(parameters, gradient, [&](auto values, auto slopes) {
///       own_state.update(values, slopes);   // spans of own().count elements
///     });
///
/// Parts differ by at most one element, larger ones first. Afterwards `parameters` is the same on
/// every rank, and `gradient` holds the reduced values in the rank's own part, and its own
/// elsewhere. Gradients are averaged over the ranks, unless an operation stands behind the update
/// (`op::sum{}`); an algorithm may, too, in any order.
///
/// Cost per rank: 2 (n-1)/n of the elements, as an all_reduce; nothing is allocated. Errors:
/// buffers of another length; those of reduce_scatter and all_gather. Source: Rajbhandari et al.,
/// ZeRO (2020), arXiv:1910.02054.
template <class Comm>
class sharded_optimizer {
 public:
  sharded_optimizer(Comm& comm, std::size_t parameters) : comm_{&comm}, parameters_{parameters} {
    const auto ranks = static_cast<std::size_t>(comm.size());
    for (std::size_t rank = 0; rank < ranks; ++rank) {
      each_.push_back(even_part(parameters, ranks, rank).count);
    }
    own_ = even_part(parameters, ranks, static_cast<std::size_t>(comm.rank()));
  }

  /// The part of the parameters that this rank updates.
  [[nodiscard]] part own() const noexcept { return own_; }

  template <writable_buffer Parameters, writable_buffer Gradient, class Update>
  void step(Parameters&& parameters, Gradient&& gradient, const Update& update,
            source_location where = source_location::current()) {
    step_with(where, parameters, gradient, update);
  }
  template <writable_buffer Parameters, writable_buffer Gradient, class Update, class First>
  void step(Parameters&& parameters, Gradient&& gradient, const Update& update, const First& first,
            source_location where = source_location::current()) {
    step_with(where, parameters, gradient, update, first);
  }
  template <writable_buffer Parameters, writable_buffer Gradient, class Update, class First,
            class Second>
  void step(Parameters&& parameters, Gradient&& gradient, const Update& update, const First& first,
            const Second& second, source_location where = source_location::current()) {
    step_with(where, parameters, gradient, update, first, second);
  }

 private:
  template <class Parameters, class Gradient, class Update, class... Given>
  void step_with(source_location where, Parameters& parameters, Gradient& gradient,
                 const Update& update, const Given&... given) {
    using rondo::detail::choose;
    rondo::detail::check_policies<rondo::detail::allow<policy::operation, policy::algorithm>,
                                  Given...>();
    const auto operation = choose<policy::operation>(op::average{}, given...);
    const auto algorithm = choose<policy::algorithm>(automatic{}, given...);
    const auto values = writable(parameters);
    const auto slopes = writable(gradient);
    check("parameters", values.size());
    check("gradient", slopes.size());
    auto own_values = values.subspan(own_.first, own_.count);
    auto own_slopes = slopes.subspan(own_.first, own_.count);
    const counts each{each_};
    rondo::reduce_scatter(*comm_, slopes, own_slopes, each, operation, algorithm, where);
    update(own_values, own_slopes);
    rondo::all_gather(*comm_, own_values, values, each, algorithm, where);
  }

  void check(const char* what, std::size_t elements) const {
    if (elements != parameters_) {
      refuse(std::string{"sharded_optimizer: "} + what + " of rank " +
                 std::to_string(comm_->rank()) + " has " + std::to_string(elements) +
                 " elements, expected " + std::to_string(parameters_),
             comm_->rank());
    }
  }

  Comm* comm_;
  std::size_t parameters_;
  std::vector<std::size_t> each_;
  part own_{};
};

}  // namespace rondo::inline v0_1::data
