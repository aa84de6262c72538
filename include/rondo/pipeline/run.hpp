// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/send_receive.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/prove.hpp>
#include <rondo/pipeline/wire.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <map>
#include <string>
#include <utility>

/// Runs a proved plan with the user's own stages.
namespace rondo::inline v0_1::pipeline {

/// Which work a stage is asked for.
struct site {
  int stage = 0;  ///< in the plan's numbering, over all chunks
  int part = 0;   ///< part of the model; `stage`, but for replicas
  int micro_batch = 0;
  int slice = 0;
  bool first = false;  ///< the input is empty: take the micro-batch from where data comes from
  bool last = false;   ///< the result of `forward` goes nowhere; `backward` gets an empty gradient
};

/// The user's stages of one rank; a rank with several chunks has one object for all of them.
///
///     struct my_stages {
///       using buffer = std::vector<float>;                  // passes between stages; made from a
///       count buffer forward(site, buffer input); buffer backward_input(site, buffer
///       output_gradient);  // gradient of the input void backward_weight(site); // adds to the
///       gradient of the weights
///     };
///
/// or, in place of the last two, `buffer backward(site, buffer output_gradient)` that does both; a
/// plan with split backwards then calls it where the input gradient is due. What a stage needs
/// again it keeps itself, from `forward` to `backward` or `backward_weight`. Optional: `unshard(int
/// stage)`, `reshard(int stage)`, `reduce_gradient(int stage)`.
template <class Stage>
concept runnable_stage = requires(Stage& stage, site where, typename Stage::buffer values) {
  requires std::constructible_from<typename Stage::buffer, std::size_t>;
  { stage.forward(where, std::move(values)) } -> std::same_as<typename Stage::buffer>;
  requires rondo::buffer<typename Stage::buffer>;
};

/// What a run tells the rank that made it.
struct run_report {
  ticks finished = 0;  ///< on virtual time: the end of this rank's last action
};

namespace detail {

/// No clock but the wall's.
struct real_time {
  [[nodiscard]] static ticks time(const action&) { return 0; }
  [[nodiscard]] static ticks hop_time(const action&, int, int) { return 0; }
};

template <class Stage>
inline constexpr bool has_whole_backward = requires(Stage& stage, site where,
                                                    typename Stage::buffer values) {
  stage.backward(where, std::move(values));
};
template <class Stage>
inline constexpr bool has_split_backward = requires(Stage& stage, site where,
                                                    typename Stage::buffer values) {
  stage.backward_input(where, std::move(values));
  stage.backward_weight(where);
};

/// One rank's part of a run. After a failure it goes on with messages only, which then carry the
/// failure, so that every rank comes to the end of its row.
template <class Comm, class Stage, cost_model Model>
class executor {
  using values = typename Stage::buffer;
  using element = element_of<values>;
  static constexpr std::uint64_t type = hash_of(type_name<element>());

 public:
  executor(Comm& comm, const plan& planned, Stage& stage, const Model& model)
      : comm_{comm}, plan_{planned}, stage_{stage}, model_{model} {
    if (comm.size() != planned.ranks()) {
      refuse("pipeline: run: the plan is for " + std::to_string(planned.ranks()) +
                 " ranks, the communicator has " + std::to_string(comm.size()),
             comm.rank());
    }
  }

  run_report run() {
    const row& actions = plan_.row_of(comm_.rank());
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const action& what = actions[i];
      if (is_send(what.kind)) {
        send(what);
      } else if (is_receive(what.kind)) {
        receive(what);
      } else if (!failed_) {
        const bool begins = what.with_next && i + 1 < actions.size();
        const bool ends = i > 0 && actions[i - 1].with_next;
        if (!ends) {
          set_clock(what, begins ? &actions[i + 1] : nullptr);
        }
        guarded([&] { compute(what); });
      }
    }
    const failure_note first = agree(comm_, failed_);
    if (own_) {
      std::rethrow_exception(own_);
    }
    if (first) {
      raise(error{error_code::rank_failed,
                  "pipeline: run: rank " + std::to_string(first.rank) + ": " + first.text,
                  first.rank});
    }
    return {now_};
  }

 private:
  struct parcel {
    values payload{};
    ticks ready = 0;
  };

  [[nodiscard]] site site_of(const action& what) const {
    return {what.stage, plan_.placement.part_of(what.stage),  what.micro_batch,
            what.slice, plan_.placement.is_first(what.stage), plan_.placement.is_last(what.stage)};
  }

  /// The receive that would bring the input of F, B or I; messages are known by it everywhere.
  [[nodiscard]] static action inflow(const action& what) {
    action receive = what;
    receive.kind = what.kind == kind::forward ? kind::receive_forward : kind::receive_backward;
    return receive;
  }
  [[nodiscard]] std::uint64_t key(const action& receive) const {
    return number_of(receive, plan_.shape);
  }

  [[nodiscard]] ticks ready(const action& what) const {
    if (what.kind == kind::backward_weight || !is_compute(what.kind)) {
      return 0;
    }
    const auto there = parcels_.find(key(inflow(what)));
    return there == parcels_.end() ? 0 : there->second.ready;
  }

  void set_clock(const action& what, const action* beside) {
    now_ = (std::max)(now_, ready(what));
    if (beside != nullptr) {
      now_ = (std::max)(now_, ready(*beside)) + pair_time(model_, what, *beside);
    } else {
      now_ += static_cast<ticks>(model_.time(what));
    }
  }

  [[nodiscard]] values take(const action& receive) {
    auto there = parcels_.extract(key(receive));
    return there.empty() ? values{} : std::move(there.mapped().payload);
  }

  void compute(const action& what) {
    const site where = site_of(what);
    switch (what.kind) {
      case kind::forward:
        hand_on(what, stage_.forward(where, take(inflow(what))));
        return;
      case kind::backward:
      case kind::backward_input:
        hand_on(what, go_back(what, where));
        return;
      case kind::backward_weight:
        if constexpr (has_split_backward<Stage>) {
          stage_.backward_weight(where);
        }
        return;
      default:
        maintain(what);
        return;
    }
  }

  [[nodiscard]] values go_back(const action& what, const site& where) {
    if constexpr (has_split_backward<Stage>) {
      if (what.kind == kind::backward_input || !has_whole_backward<Stage>) {
        values gradient = stage_.backward_input(where, take(inflow(what)));
        if (what.kind == kind::backward) {
          stage_.backward_weight(where);
        }
        return gradient;
      }
    }
    if constexpr (has_whole_backward<Stage>) {
      return stage_.backward(where, take(inflow(what)));
    } else {
      refuse(
          "pipeline: run: the plan has backward passes, but the stage has neither backward nor "
          "backward_input and backward_weight");
    }
  }

  void maintain(const action& what) {
    const auto call = [&](auto member, const char* name) {
      if constexpr (requires { member(stage_); }) {
        member(stage_);
      } else {
        refuse("pipeline: run: the plan asks for " + std::string{name} +
               ", which the stage does not have");
      }
    };
    if (what.kind == kind::unshard) {
      call([&](auto& s) -> decltype(s.unshard(0)) { return s.unshard(what.stage); }, "unshard");
    } else if (what.kind == kind::reshard) {
      call([&](auto& s) -> decltype(s.reshard(0)) { return s.reshard(what.stage); }, "reshard");
    } else if (what.kind == kind::reduce_gradient) {
      call([&](auto& s) -> decltype(s.reduce_gradient(0)) { return s.reduce_gradient(what.stage); },
           "reduce_gradient");
    }
  }

  /// Keeps a result for the stage that needs it, here or until it is sent.
  void hand_on(const action& what, values result) {
    const bool ahead = what.kind == kind::forward;
    if (ahead ? plan_.placement.is_last(what.stage) : plan_.placement.is_first(what.stage)) {
      return;
    }
    action receive = inflow(what);
    receive.stage = static_cast<std::int16_t>(ahead ? what.stage + 1 : what.stage - 1);
    const int from = comm_.rank();
    const int to = plan_.placement.rank_of(receive.stage);
    const ticks hop = from == to ? 0 : static_cast<ticks>(model_.hop_time(what, from, to));
    parcels_.insert_or_assign(key(receive), parcel{std::move(result), now_ + hop});
  }

  void send(const action& what) {
    const action receive = other_half(what);
    const std::uint64_t number = key(receive);
    const int peer = plan_.placement.rank_of(receive.stage);
    if (failed_) {
      send_failure(comm_, peer, tag_of(number), number, failed_);
      return;
    }
    auto there = parcels_.extract(number);
    const parcel& out = there.mapped();
    const std::array<header, 1> first{
        header{number, type, std::size(out.payload), out.ready, std::int64_t{-1}}};
    rondo::send(comm_, first, to{peer}, tag{tag_of(number)});
    if (first[0].count > 0) {
      rondo::send(comm_, out.payload, to{peer}, tag{tag_of(number)});
    }
  }

  void receive(const action& what) {
    const std::uint64_t number = key(what);
    const int peer = plan_.placement.rank_of(far_stage(what));
    const header first = receive_header(comm_, peer, tag_of(number));
    if (first.failed >= 0) {
      failure_note theirs = receive_failure(comm_, peer, tag_of(number), first);
      if (!failed_) {
        failed_ = std::move(theirs);
      }
      return;
    }
    if (first.type != type || first.what != number) {
      raise(mismatch{"pipeline: run: rank " + std::to_string(comm_.rank()) + " expected " +
                         std::string{type_name<element>()} + " for " + to_text(what) + ", rank " +
                         std::to_string(peer) +
                         (first.type != type ? " sent elements of another type"
                                             : " sent another message; do the plans differ?"),
                     peer});
    }
    parcel in{values(static_cast<std::size_t>(first.count)), first.ready};
    if (first.count > 0) {
      rondo::receive(comm_, in.payload, from{peer}, tag{tag_of(number)});
    }
    if (!failed_) {
      parcels_.insert_or_assign(number, std::move(in));
    }
  }

  template <class Work>
  void guarded(const Work& work) {
#if defined(__cpp_exceptions)
    try {
      work();
    } catch (const std::exception& thrown) {
      fail(thrown.what());
    } catch (...) {
      fail("an object that is no std::exception");
    }
#else
    work();
#endif
  }
  void fail(std::string text) {
    own_ = std::current_exception();
    failed_ = {comm_.rank(), std::move(text)};
    parcels_.clear();
  }

  Comm& comm_;
  const plan& plan_;
  Stage& stage_;
  const Model& model_;
  std::map<std::uint64_t, parcel> parcels_{};
  ticks now_ = 0;
  failure_note failed_{};
  std::exception_ptr own_{};
};

}  // namespace detail

/// Runs this rank's row of a proved plan: one step of training, or one batch of serving. Every rank
/// of the communicator calls it, with the same plan. Values of any length may pass between stages,
/// each message tells its length.
///
/// The plan must be proved for the channel that the communicator is: `rendezvous` is safe
/// everywhere; `mailbox` waits less, where messages are short enough to be kept for the receiver
/// (thread ranks: up to 1 KiB, and 16 messages between two ranks).
///
/// Order: a stage's calls come in the order of the plan, so that gradients have the same bits as
/// when the stages run one after another on one rank. Errors: an exception of a stage ends the run
/// on all ranks, there with itself, elsewhere as `error` (rank_failed) with its text and rank;
/// `mismatch` if stages disagree about types. All ranks agree on success before it returns. Cost:
/// two messages each way between neighbours per micro-batch and chunk, two per rank at the end.
template <class Comm, runnable_stage Stage>
run_report run(Comm& comm, const proved& safe, Stage& stage) {
  const detail::real_time clock{};
  return detail::executor<Comm, Stage, detail::real_time>{comm, safe.plan(), stage, clock}.run();
}

/// The same on virtual time: messages carry a clock, each action takes what the cost model says,
/// and the report tells when this rank ended. It ends to the tick where `simulate` says.
template <class Comm, runnable_stage Stage, cost_model Model>
run_report run(Comm& comm, const proved& safe, Stage& stage, const Model& virtual_time) {
  return detail::executor<Comm, Stage, Model>{comm, safe.plan(), stage, virtual_time}.run();
}

}  // namespace rondo::inline v0_1::pipeline
