// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/collective/send_receive.hpp>
#include <rondo/core/buffer.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/pipeline/costs.hpp>
#include <rondo/pipeline/message.hpp>
#include <rondo/pipeline/plan.hpp>
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

/// Sends the text of a failure in place of values.
template <class Comm>
void send_failure(Comm& comm, int to_rank, int tag_value, std::uint64_t what,
                  const failure_note& note) {
  const std::array<header, 1> first{header{what, 0, note.text.size(), 0, std::int64_t{note.rank}}};
  rondo::send(comm, first, to{to_rank}, tag{tag_value});
  if (!note.text.empty()) {
    rondo::send(comm, note.text, to{to_rank}, tag{tag_value});
  }
}

template <class Comm>
[[nodiscard]] failure_note receive_failure(Comm& comm, int from_rank, int tag_value,
                                           const header& first) {
  failure_note note{static_cast<int>(first.failed), std::string(first.count, ' ')};
  if (!note.text.empty()) {
    rondo::receive(comm, note.text, from{from_rank}, tag{tag_value});
  }
  return note;
}

template <class Comm>
[[nodiscard]] header receive_header(Comm& comm, int from_rank, int tag_value) {
  std::array<header, 1> first{};
  rondo::receive(comm, first, from{from_rank}, tag{tag_value});
  return first[0];
}

/// All ranks learn whether one failed, and agree on the failure of the lowest rank that knows one.
template <class Comm>
[[nodiscard]] failure_note agree(Comm& comm, failure_note mine) {
  if (comm.rank() != 0) {
    send_failure(comm, 0, verdict_tag, 0, mine);
    return receive_failure(comm, 0, verdict_tag, receive_header(comm, 0, verdict_tag));
  }
  for (int rank = 1; rank < comm.size(); ++rank) {
    failure_note theirs =
        receive_failure(comm, rank, verdict_tag, receive_header(comm, rank, verdict_tag));
    if (!mine) {
      mine = std::move(theirs);
    }
  }
  for (int rank = 1; rank < comm.size(); ++rank) {
    send_failure(comm, rank, verdict_tag, 0, mine);
  }
  return mine;
}

}  // namespace rondo::inline v0_1::pipeline::detail
