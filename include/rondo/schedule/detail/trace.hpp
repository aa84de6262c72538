// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/text.hpp>
#include <rondo/schedule/detail/messages.hpp>
#include <rondo/schedule/detail/moments.hpp>
#include <rondo/schedule/network.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/schedule/simulate.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1::schedule::detail {

/// A timeline in the Trace Event Format. Times in the file are microseconds.
class trace_writer {
 public:
  trace_writer(const table& schedule, const timeline& times, const network& on, double bytes,
               const std::string& path)
      : schedule_{schedule},
        times_{schedule, times},
        ranks_per_node_{on.ranks_per_node > 0 ? on.ranks_per_node : schedule.size},
        chunk_bytes_{bytes / schedule.row(0).chunks},
        path_{path} {}

  void write() {
    out_.print("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n");
    for (int rank = 0; rank < schedule_.size; ++rank) {
      if (rank % ranks_per_node_ == 0) {
        begin_event();
        out_.print(
            "{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": {}, "
            "\"args\": {\"name\": \"{}, node {}\"}}",
            node(rank), name_of(schedule_.what), node(rank));
      }
      for (const track which : {sends, receives, folds}) {
        begin_event();
        out_.print(
            "{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": {}, \"tid\": {}, "
            "\"args\": {\"name\": \"rank {} {}\"}}",
            node(rank), thread(rank, which), rank,
            which == sends      ? "sends"
            : which == receives ? "receives"
                                : "folds");
      }
      for (std::size_t i = 0; i < schedule_.row(rank).steps.size(); ++i) {
        step_slices(rank, i);
      }
    }
    int flow = 0;
    for (const message& one : messages_of(schedule_)) {
      const double begin = times_.of(one.from, one.send).begin;
      begin_event();
      out_.print(
          "{\"ph\": \"s\", \"id\": {}, \"name\": \"message\", \"cat\": \"message\", \"pid\": {}, "
          "\"tid\": {}, \"ts\": {}}",
          ++flow, node(one.from), thread(one.from, sends), text::fixed{begin * 1e6, 6});
      begin_event();
      out_.print(
          "{\"ph\": \"f\", \"bp\": \"e\", \"id\": {}, \"name\": \"message\", "
          "\"cat\": \"message\", \"pid\": {}, \"tid\": {}, \"ts\": {}}",
          flow, node(one.to), thread(one.to, receives), text::fixed{begin * 1e6, 6});
    }
    out_.print("\n]}\n");
    text::write_file("schedule::write_trace", path_, out_.take());
  }

 private:
  enum track { sends, receives, folds };

  [[nodiscard]] int node(int rank) const { return rank / ranks_per_node_; }
  [[nodiscard]] static int thread(int rank, track which) { return 3 * rank + which + 1; }

  void begin_event() {
    out_ << (first_ ? "" : ",\n");
    first_ = false;
  }

  void step_slices(int rank, std::size_t which) {
    const step& one = schedule_.row(rank).steps[which];
    const moment& when = times_.of(rank, which);
    switch (one.what) {
      case verb::send:
        slice(rank, sends, one, when.begin, when.end);
        break;
      case verb::receive:
      case verb::receive_fold: {
        const double arrival = times_.arrival(rank, which);
        slice(rank, receives, one, when.begin, arrival);
        if (one.what == verb::receive_fold && when.end > arrival) {
          slice(rank, folds, one, arrival, when.end);
        }
        break;
      }
      default:
        slice(rank, folds, one, when.begin, when.end);
    }
  }

  void slice(int rank, track which, const step& one, double begin, double end) {
    const run& data = one.what == verb::send ? one.left : one.into;
    begin_event();
    out_.print(
        "{\"ph\": \"X\", \"name\": \"{} {}\", \"pid\": {}, \"tid\": {}, \"ts\": {}, "
        "\"dur\": {}, \"args\": {\"round\": {}, \"peer\": {}, \"first chunk\": {}, "
        "\"chunks\": {}, \"bytes\": {}}}",
        which == folds && one.what == verb::receive_fold ? "fold" : name_of(one.what), data.first,
        node(rank), thread(rank, which), text::fixed{begin * 1e6, 6},
        text::fixed{(end - begin) * 1e6, 6}, one.round, one.peer, data.first, data.count,
        text::fixed{data.count * chunk_bytes_, 0});
  }

  const table& schedule_;
  moments_by_step times_;
  int ranks_per_node_;
  double chunk_bytes_;
  std::string path_;
  text::writer out_{};
  bool first_ = true;
};

}  // namespace rondo::inline v0_1::schedule::detail
