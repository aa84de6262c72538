// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/action.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/detail/mail.hpp>
#include <rondo/pipeline/detail/spare_buffers.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <vector>

namespace rondo::inline v0_1::pipeline::detail {

/// What passes from one action to another.
template <class Values>
struct parcel {
  Values payload{};
  ticks ready = 0;  ///< on virtual time
  bool received = false;
};

/// What a run leaves with the communicator for the next one, so that only the first of a shape
/// allocates.
template <class Values>
class run_memory {
 public:
  std::vector<departure<Values>> outgoing{};
  spare_buffers<Values> spare{};

  void begin(const plan& planned, int rank) {
    shape_ = planned.shape;
    chunk_of_.clear();
    int chunks = 0;
    for (int stage = 0; stage < planned.placement.stages(); ++stage) {
      chunk_of_.push_back(chunks);
      chunks += planned.placement.rank_of(stage) == rank ? 1 : 0;
    }
    for (auto* parcels : {&inputs_, &outputs_}) {
      parcels->resize(2 * index(chunks) * index(shape_.units()));
      for (parcel<Values>& each : *parcels) {
        each.ready = 0;
        each.received = false;
      }
    }
  }

  /// What comes in for an action of this rank, or for the message that brings it.
  [[nodiscard]] parcel<Values>& input(const action& what) { return inputs_[place(what)]; }
  /// What an action of this rank makes, until it is sent.
  [[nodiscard]] parcel<Values>& output(const action& what) { return outputs_[place(what)]; }

 private:
  [[nodiscard]] std::size_t place(const action& what) const {
    const bool ahead = what.kind == kind::forward || what.kind == kind::send_forward ||
                       what.kind == kind::receive_forward;
    const int chunk = chunk_of_[index(what.stage)];
    const int unit = shape_.unit_of(what.micro_batch, what.slice);
    return 2 * (index(chunk) * index(shape_.units()) + index(unit)) + (ahead ? 0 : 1);
  }

  shape shape_{};
  std::vector<int> chunk_of_{};  ///< of each stage, counted over those of this rank
  std::vector<parcel<Values>> inputs_{};
  std::vector<parcel<Values>> outputs_{};
};

}  // namespace rondo::inline v0_1::pipeline::detail
