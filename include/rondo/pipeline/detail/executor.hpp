// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/buffer.hpp>
#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/detail/mail.hpp>
#include <rondo/pipeline/detail/only_run.hpp>
#include <rondo/pipeline/detail/run_memory.hpp>
#include <rondo/pipeline/detail/stage_calls.hpp>
#include <rondo/pipeline/detail/wire.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/pipeline/stage.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace rondo::inline v0_1::pipeline::detail {

/// One rank's part of a run. After a failure it goes on with messages only, which then carry the
/// failure, so that every rank comes to the end of its row.
template <class Comm, class Stage, cost_model Model>
class executor {
  using values = typename Stage::buffer;
  using element = element_of<values>;
  using memory = run_memory<values>;
  static constexpr std::uint64_t type = hash_of(type_name<element>());

 public:
  executor(Comm& comm, const plan& planned, Stage& stage, const Model& model, source_location where)
      : alone_{settled(comm)},
        comm_{comm},
        plan_{planned},
        stage_{stage},
        model_{model},
        where_{where},
        memory_{comm.kept().template get<memory>()},
        mail_{comm, memory_.outgoing, memory_.spare, failed_.text, where} {
    if (comm.size() != planned.ranks()) {
      refuse("pipeline: run: the plan is for " + std::to_string(planned.ranks()) +
                 " ranks, the communicator has " + std::to_string(comm.size()),
             comm.rank());
    }
    memory_.begin(planned, comm.rank());
  }

  /// Returns the end of this rank's last action, on virtual time.
  ticks run() {
#if defined(__cpp_exceptions)
    try {
      return run_row();
    } catch (const std::exception& thrown) {
      abandon(thrown.what());
      throw;
    }
#else
    return run_row();
#endif
  }

 private:
  ticks run_row() {
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
    mail_.post_all();
    const failure_note first = agree(comm_, failed_, where_);
    mail_.sweep();  // all have ended their rows: nothing is under way
    if (own_) {
      std::rethrow_exception(own_);
    }
    if (first) {
      raise(rank_failure{first.rank, "pipeline: run: " + first.text});
    }
    return now_;
  }

#if defined(__cpp_exceptions)
  /// Peers may be reading what was offered to them. Ends the communicator, which waits for that.
  void abandon(const char* why) noexcept {
    if (memory_.outgoing.empty()) {
      return;
    }
    try {
      static constexpr signature what{"pipeline::run", ""};
      comm_.message(call{&what, 0, -1, where_}, [&](auto& turn) {
        turn.fail(error_code::revoked, comm_.rank(),
                  "rank " + std::to_string(comm_.rank()) + " left pipeline::run: " + why);
      });
    } catch (const std::exception&) {
      // The caller throws what went wrong first.
    }
  }
#endif

  [[nodiscard]] site site_of(const action& what) const {
    return {what.stage, plan_.placement.part_of(what.stage),  what.micro_batch,
            what.slice, plan_.placement.is_first(what.stage), plan_.placement.is_last(what.stage)};
  }

  [[nodiscard]] ticks ready(const action& what) {
    return what.kind == kind::backward_weight || !is_compute(what.kind) ? 0
                                                                        : memory_.input(what).ready;
  }

  void set_clock(const action& what, const action* beside) {
    now_ = (std::max)(now_, ready(what));
    if (beside != nullptr) {
      now_ = (std::max)(now_, ready(*beside)) + pair_time(model_, what, *beside);
    } else {
      now_ += time_of(model_, what);
    }
  }

  /// The input of F, B or I; at the ends of a chain an empty one.
  [[nodiscard]] values take(const action& what) {
    return enters_at(what.stage, what.kind == kind::forward, plan_.placement)
               ? mail_.empty()
               : mail_.for_stage(std::move(memory_.input(what).payload));
  }

  void compute(const action& what) {
    const site where = site_of(what);
    if (what.kind == kind::forward) {
      hand_on(what, stage_.forward(where, take(what)));
    } else if (what.kind == kind::backward || what.kind == kind::backward_input) {
      hand_on(what, backward(stage_, what, where, [&] { return take(what); }));
    } else if (what.kind == kind::backward_weight) {
      backward_weight(stage_, where);
    } else {
      maintain(stage_, what);
    }
  }

  /// Keeps a result for the stage that needs it, here or until it is sent.
  void hand_on(const action& what, values result) {
    const bool ahead = what.kind == kind::forward;
    if (leaves_at(what.stage, ahead, plan_.placement)) {
      mail_.drop(std::move(result));
      return;
    }
    action next = what;
    next.stage = static_cast<std::int16_t>(stage_after(what.stage, ahead));
    const int from = comm_.rank();
    const int to = plan_.placement.rank_of(next.stage);
    const ticks hop = from == to ? 0 : hop_of(model_, what, from, to);
    auto& out = from == to ? memory_.input(next) : memory_.output(what);
    out.payload = std::move(result);
    out.ready = now_ + hop;
  }

  void send(const action& what) {
    const action receive = other_half(what);
    const std::uint64_t number = number_of(receive, plan_.shape);
    const int peer = plan_.placement.rank_of(receive.stage);
    auto& out = memory_.output(what);
    if (failed_) {
      mail_.send(peer, {number, 0, failed_.text.size(), 0, std::int64_t{failed_.rank}}, {});
    } else {
      const header first{number, type, std::size(out.payload), out.ready, std::int64_t{-1}};
      mail_.send(peer, first, std::move(out.payload));
    }
  }

  /// Takes messages of the sender until this one is there.
  void receive(const action& what) {
    const int peer = plan_.placement.rank_of(far_stage(what));
    for (const auto& wanted = memory_.input(what); !wanted.received;) {
      const header first = mail_.receive_header(peer);
      accept(first, peer, what);
    }
  }

  void accept(const header& first, int peer, const action& wanted) {
    const action came = receive_of(first.what, plan_.shape);
    const bool known = came.stage < plan_.placement.stages() &&
                       plan_.placement.rank_of(came.stage) == comm_.rank() &&
                       has_far_stage(came, plan_.placement);
    if (!known || (first.failed < 0 && first.type != type)) {
      raise(mismatch{"pipeline: run: rank " + std::to_string(comm_.rank()) + " expected " +
                         rondo::detail::without_version(type_name<element>()) + " for " +
                         to_text(wanted) + ", rank " + std::to_string(peer) +
                         (known ? " sent elements of another type"
                                : " sent another message; do the plans differ?"),
                     peer});
    }
    auto& in = memory_.input(came);
    in.received = true;
    if (first.failed >= 0) {
      failure_note theirs = mail_.receive_failure(peer, first);
      if (!failed_) {
        failed_ = std::move(theirs);
      }
      return;
    }
    in.payload = mail_.receive_values(peer, static_cast<std::size_t>(first.count));
    in.ready = first.ready;
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
    failed_ = {comm_.rank(), excuse(std::move(text))};
  }

  only_run alone_;
  Comm& comm_;
  const plan& plan_;
  Stage& stage_;
  const Model& model_;
  source_location where_;
  memory& memory_;
  failure_note failed_{};
  mail<Comm, values> mail_;
  ticks now_ = 0;
  std::exception_ptr own_{};
};

}  // namespace rondo::inline v0_1::pipeline::detail
