// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/detail/messages.hpp>
#include <rondo/schedule/detail/moments.hpp>
#include <rondo/schedule/detail/text_file.hpp>
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
        file_{"write_trace", path} {}

  void write() {
    file_.print("{\"displayTimeUnit\": \"ns\", \"traceEvents\": [\n");
    for (int rank = 0; rank < schedule_.size; ++rank) {
      if (rank % ranks_per_node_ == 0) {
        begin_event();
        file_.print(
            "{\"ph\": \"M\", \"name\": \"process_name\", \"pid\": %d, "
            "\"args\": {\"name\": \"%s, node %d\"}}",
            node(rank), name_of(schedule_.what).data(), node(rank));
      }
      for (const track which : {sends, receives, folds}) {
        begin_event();
        file_.print(
            "{\"ph\": \"M\", \"name\": \"thread_name\", \"pid\": %d, \"tid\": %d, "
            "\"args\": {\"name\": \"rank %d %s\"}}",
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
      file_.print(
          "{\"ph\": \"s\", \"id\": %d, \"name\": \"message\", \"cat\": \"message\", \"pid\": %d, "
          "\"tid\": %d, \"ts\": %.6f}",
          ++flow, node(one.from), thread(one.from, sends), begin * 1e6);
      begin_event();
      file_.print(
          "{\"ph\": \"f\", \"bp\": \"e\", \"id\": %d, \"name\": \"message\", "
          "\"cat\": \"message\", \"pid\": %d, \"tid\": %d, \"ts\": %.6f}",
          flow, node(one.to), thread(one.to, receives), begin * 1e6);
    }
    file_.print("\n]}\n");
    file_.close();
  }

 private:
  enum track { sends, receives, folds };

  [[nodiscard]] int node(int rank) const { return rank / ranks_per_node_; }
  [[nodiscard]] static int thread(int rank, track which) { return 3 * rank + which + 1; }

  void begin_event() {
    file_.print("%s", first_ ? "" : ",\n");
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
    file_.print(
        "{\"ph\": \"X\", \"name\": \"%s %d\", \"pid\": %d, \"tid\": %d, \"ts\": %.6f, "
        "\"dur\": %.6f, \"args\": {\"round\": %d, \"peer\": %d, \"first chunk\": %d, "
        "\"chunks\": %d, \"bytes\": %.0f}}",
        which == folds && one.what == verb::receive_fold ? "fold" : name_of(one.what).data(),
        data.first, node(rank), thread(rank, which), begin * 1e6, (end - begin) * 1e6, one.round,
        one.peer, data.first, data.count, data.count * chunk_bytes_);
  }

  const table& schedule_;
  moments_by_step times_;
  int ranks_per_node_;
  double chunk_bytes_;
  text_file file_;
  bool first_ = true;
};

inline void write_trace(const table& schedule, const timeline& times, const network& on,
                        double bytes, const std::string& path) {
  trace_writer{schedule, times, on, bytes, path}.write();
}

}  // namespace rondo::inline v0_1::schedule::detail
