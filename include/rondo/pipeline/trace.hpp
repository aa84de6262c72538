// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/text.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/simulate.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace rondo::inline v0_1::pipeline {
namespace detail {

class trace_writer {
 public:
  explicit trace_writer(const forecast& traced)
      : traced_{traced}, out_{traced.plan.actions() * 224 + 4096} {}

  [[nodiscard]] std::string take() {
    out_ << "{\"traceEvents\":[";
    for (int rank = 0; rank < traced_.plan.ranks(); ++rank) {
      begin("M", rank) << ",\"name\":\"process_name\",\"args\":{\"name\":\"rank " << rank << "\"}}";
      write_row(rank);
    }
    out_ << "\n]}\n";
    return out_.take();
  }

 private:
  text::writer& begin(std::string_view phase, int rank) {
    out_ << (first_ ? "\n" : ",\n") << "{\"ph\":\"" << phase << "\",\"pid\":" << rank;
    first_ = false;
    return out_;
  }

  void write_row(int rank) {
    const row& actions = traced_.plan.row_of(rank);
    int held = 0;
    for (std::size_t i = 0; i < actions.size(); ++i) {
      const action& what = actions[i];
      const interval when = traced_.timeline[index(rank)][i];
      if (!is_compute(what.kind)) {
        continue;
      }
      // The second of two that overlap has a line of its own.
      const int line = i > 0 && actions[i - 1].with_next ? 1 : 0;
      begin("X", rank) << ",\"tid\":" << line << ",\"ts\":" << when.start
                       << ",\"dur\":" << when.end - when.start << ",\"name\":\"" << to_text(what)
                       << "\"}";
      if (const action receive = receive_before(what, traced_.plan.placement);
          receive.kind != kind::idle) {
        write_flow("f", rank, line, when.start, receive);
      }
      if (const action send = send_after(what, traced_.plan.placement); send.kind != kind::idle) {
        write_flow("s", rank, line, when.end > when.start ? when.end - 1 : when.start,
                   other_half(send));
      }
      if (what.kind == kind::forward || makes_input_gradient(what.kind)) {
        held += what.kind == kind::forward ? 1 : -1;
        begin("C", rank) << ",\"ts\":" << when.end
                         << ",\"name\":\"held\",\"args\":{\"chunks\":" << held << "}}";
      }
    }
  }

  /// One end of the arrow of a message; both ends know it by the number of its receive.
  void write_flow(std::string_view phase, int rank, int line, ticks when, const action& receive) {
    begin(phase, rank) << ",\"tid\":" << line << ",\"ts\":" << when
                       << ",\"id\":" << number_of(receive, traced_.plan.shape)
                       << ",\"cat\":\"m\",\"name\":\"m\""
                       << (phase == "f" ? ",\"bp\":\"e\"}" : "}");
  }

  const forecast& traced_;
  text::writer out_;
  bool first_ = true;
};

}  // namespace detail

/// A timeline for Perfetto or chrome://tracing: a process per rank, an arrow per message, a counter
/// of the chunks that a rank holds. A tick is shown as a microsecond.
[[nodiscard]] inline std::string to_trace(const forecast& traced) {
  return detail::trace_writer{traced}.take();
}

inline void write_trace(const forecast& traced, const std::string& path) {
  text::write_file("pipeline::write_trace", path, to_trace(traced));
}

}  // namespace rondo::inline v0_1::pipeline
