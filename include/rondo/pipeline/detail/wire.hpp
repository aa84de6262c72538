// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/send_receive.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

/// How values travel between stages: a header that says what follows, then the values.
namespace rondo::inline v0_1::pipeline::detail {

/// What a rank tells others when it cannot go on.
struct failure_note {
  int rank = -1;  ///< that failed first; -1: none did
  std::string text{};
  [[nodiscard]] explicit operator bool() const { return rank >= 0; }
};

struct header {
  std::uint64_t what = 0;   ///< the receive that this is for
  std::uint64_t type = 0;   ///< of the elements
  std::uint64_t count = 0;  ///< elements, or characters of a failure's text
  ticks ready = 0;          ///< on virtual time
  std::int64_t failed = -1;
};

inline constexpr int mail_tag = (1 << 30) - 1;
inline constexpr int verdict_tag = 1 << 30;

/// A text that is short enough for every transport to keep for its receiver.
[[nodiscard]] inline std::string excuse(std::string text) {
  constexpr std::size_t longest = 960;
  if (text.size() > longest) {
    text.resize(longest - 3);
    text += "...";
  }
  return text;
}

/// Tells a rank what became of the run.
template <class Comm>
void send_failure(Comm& comm, int to_rank, const failure_note& note, source_location where) {
  const std::array<header, 1> first{header{0, 0, note.text.size(), 0, std::int64_t{note.rank}}};
  rondo::send(comm, first, to{to_rank}, tag{verdict_tag}, where);
  if (!note.text.empty()) {
    rondo::send(comm, note.text, to{to_rank}, tag{verdict_tag}, where);
  }
}

template <class Comm>
[[nodiscard]] failure_note receive_failure(Comm& comm, int from_rank, int tag_value,
                                           const header& first, source_location where) {
  failure_note note{static_cast<int>(first.failed), std::string(first.count, ' ')};
  if (!note.text.empty()) {
    rondo::receive(comm, note.text, from{from_rank}, tag{tag_value}, where);
  }
  return note;
}

template <class Comm>
[[nodiscard]] header receive_header(Comm& comm, int from_rank, int tag_value,
                                    source_location where) {
  std::array<header, 1> first{};
  rondo::receive(comm, first, from{from_rank}, tag{tag_value}, where);
  return first[0];
}

/// All ranks learn whether one failed, and agree on the failure of the lowest rank that knows one.
template <class Comm>
[[nodiscard]] failure_note agree(Comm& comm, failure_note mine, source_location where) {
  const auto verdict_of = [&](int rank) {
    return receive_failure(comm, rank, verdict_tag, receive_header(comm, rank, verdict_tag, where),
                           where);
  };
  if (comm.rank() != 0) {
    send_failure(comm, 0, mine, where);
    return verdict_of(0);
  }
  for (int rank = 1; rank < comm.size(); ++rank) {
    failure_note theirs = verdict_of(rank);
    if (!mine) {
      mine = std::move(theirs);
    }
  }
  for (int rank = 1; rank < comm.size(); ++rank) {
    send_failure(comm, rank, mine, where);
  }
  return mine;
}

}  // namespace rondo::inline v0_1::pipeline::detail
