// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline.hpp>

#include <string>
#include <string_view>
#include <vector>

/// All schedules by name, and the costs of what one rank holds, cut to the size of one action.
namespace schedules {

namespace pipeline = rondo::pipeline;

/// Costs of one micro-batch on all that one rank holds of the model.
struct rank_costs {
  pipeline::ticks forward = 1;
  pipeline::ticks backward_input = 1;
  pipeline::ticks backward_weight = 1;
  pipeline::ticks hop = 0;
  pipeline::ticks overlapped = -1;  ///< a forward and a backward together; -1: their sum
};

struct entry {
  std::string_view name;
  int pieces;  ///< actions that a rank cuts one micro-batch into: chunks, or slices
  pipeline::plan (*make)(const pipeline::shape&, int pieces);
};

template <class Policy>
pipeline::plan make_plain(const pipeline::shape& asked, int) {
  return Policy{}(asked);
}
template <class Policy>
pipeline::plan make_cut(const pipeline::shape& asked, int pieces) {
  return Policy{pieces}(asked);
}

/// `pieces` for the schedules that take any number of them.
inline std::vector<entry> all(int pieces) {
  using namespace pipeline;
  return {{gpipe::name, 1, make_plain<gpipe>},
          {one_f_one_b::name, 1, make_plain<one_f_one_b>},
          {interleaved_one_f_one_b::name, pieces, make_cut<interleaved_one_f_one_b>},
          {breadth_first::name, pieces, make_cut<breadth_first>},
          {sequence_one_f_one_b::name, pieces, make_cut<sequence_one_f_one_b>},
          {zero_bubble_h1::name, 1, make_plain<zero_bubble_h1>},
          {zero_bubble_h2::name, 1, make_plain<zero_bubble_h2>},
          {interleaved_zero_bubble::name, pieces, make_cut<interleaved_zero_bubble>},
          {zero_bubble_v::name, 2, make_plain<zero_bubble_v>},
          {v_half::name, 2, make_plain<v_half>},
          {v_min::name, 2, make_plain<v_min>},
          {dual_pipe::name, 1, make_plain<dual_pipe>},
          {dual_pipe_v::name, 2, make_plain<dual_pipe_v>},
          {forward_only::name, 1, make_plain<forward_only>}};
}

/// Costs of one action where a rank's work is cut into `pieces`, in parts of a tick: a tick has
/// `pieces` of them, so that nothing is rounded.
inline pipeline::costs cut(const rank_costs& whole, int pieces) {
  pipeline::costs one{whole.forward, whole.backward_input, whole.backward_weight,
                      whole.hop * pieces};
  one.overlapped = whole.overlapped;
  return one;
}

}  // namespace schedules
