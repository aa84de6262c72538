// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/transport/detail/thread.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Why does nobody come? Asked once a millisecond by a rank that has waited for long; costs the
/// fast path nothing but the records it reads.
namespace rondo::inline v0_1::detail {

/// Ranks that can read what each has announced about itself:
///  - `word_of(r, number)`  the word of rank r's call `number`, 0 if it is not known
///  - `call_of(r, number)`  that call in words
///  - `newest_call(r)`      the number of rank r's last call, 0 if it has made none
///  - `message_of(r)`       the send or receive that rank r is in, in words; empty if none
///  - `has_returned(r)`     rank r will make no more calls
///  - `fail(code, rank, message)` ends the communicator
///  - `what_ends_a_rank`     what a rank did that has returned, in words
template <class Group>
concept accountable = requires(Group& in, int rank, std::uint32_t number, std::string text) {
  { in.size() } -> std::convertible_to<int>;
  { in.word_of(rank, number) } -> std::same_as<std::uint64_t>;
  { in.call_of(rank, number) } -> std::same_as<std::string>;
  { in.newest_call(rank) } -> std::same_as<std::uint32_t>;
  { in.message_of(rank) } -> std::same_as<std::string>;
  { in.has_returned(rank) } -> std::same_as<bool>;
  in.fail(error_code::mismatch, rank, text);
  { Group::what_ends_a_rank } -> std::convertible_to<const char*>;
};

/// Calls that a rank's records go back: a rank is rarely further ahead of another.
inline constexpr std::uint32_t records_kept = 16;

/// What rank `rank` said last about itself, for a rank in call `number`.
template <accountable Group>
[[nodiscard]] std::string account_of(const Group& in, int rank, std::uint32_t number) {
  const std::string text = "rank " + std::to_string(rank) + ' ';
  // A message is being sent or received now; a collective call of this number may be over.
  if (const auto message = in.message_of(rank); !message.empty()) {
    return text + "is in " + message;
  }
  if (in.word_of(rank, number) != 0) {
    return text + "is in call " + std::to_string(number) + ", " + in.call_of(rank, number);
  }
  if (in.has_returned(rank)) {
    return text + Group::what_ends_a_rank + " without it";
  }
  const std::uint32_t newest = in.newest_call(rank);
  if (newest == 0) {
    return text + "has made no collective call on this communicator yet";
  }
  const bool behind = static_cast<std::int32_t>(newest - number) < 0;  // numbers come around
  return text +
         (behind ? "has not come; its last call was "
                 : "has gone on to call " + std::to_string(newest) + ", ") +
         in.call_of(rank, newest);
}

/// Whether ranks that have come called different things under this number.
template <accountable Group>
[[nodiscard]] bool disagree(const Group& in, std::uint32_t number) {
  std::uint64_t any = 0;
  for (int rank = 0; rank < in.size(); ++rank) {
    const auto theirs = in.word_of(rank, number);
    if (theirs != 0 && any != 0 && theirs != any) {
      return true;
    }
    any = theirs != 0 ? theirs : any;
  }
  return false;
}

/// Every rank's word for call `number`, 0 of one that has not come. The odd one out is easier to
/// name when more ranks have come: they are given a moment.
template <accountable Group>
[[nodiscard]] std::vector<std::uint64_t> words_of(const Group& in, std::uint32_t number) {
  std::vector<std::uint64_t> words(static_cast<std::size_t>(in.size()));
  const auto all_came = [&] {
    bool complete = true;
    for (std::size_t rank = 0; rank < words.size(); ++rank) {
      words[rank] = in.word_of(static_cast<int>(rank), number);
      complete = complete && words[rank] != 0;
    }
    return complete;
  };
  for (int patience = 20; !all_came() && patience != 0; --patience) {
    sleep_for(std::chrono::milliseconds{1});
  }
  return words;
}

/// A rank that called what most did: on a tie the lowest, or this one if rank 0 has not come.
[[nodiscard]] inline std::size_t usual_one(const std::vector<std::uint64_t>& words, int self) {
  const auto votes = [&](std::size_t rank) {
    int same = 0;
    for (const auto word : words) {
      same += word != 0 && word == words[rank] ? 1 : 0;
    }
    return same;
  };
  std::size_t usual = words[0] != 0 ? 0 : static_cast<std::size_t>(self);
  for (std::size_t rank = 0; rank < words.size(); ++rank) {
    usual = votes(rank) > votes(usual) ? rank : usual;
  }
  return usual;
}

/// Ranks that called something else under the number of our call. Ends the communicator and returns
/// true if there are any.
template <accountable Group>
bool find_disagreement(Group& in, int self, std::uint64_t word) {
  auto number = static_cast<std::uint32_t>(word >> 32);
  if (!disagree(in, number)) {
    return false;
  }
  // Where words tell of all calls before, too, the first call that differs is the one to name.
  while (number > 1 && disagree(in, number - 1)) {
    --number;
  }
  const auto words = words_of(in, number);
  const std::size_t usual = usual_one(words, self);
  std::size_t odd = 0;
  while (odd < words.size() && (words[odd] == 0 || words[odd] == words[usual])) {
    ++odd;
  }
  if (odd == words.size()) {
    return false;
  }
  const auto expected = in.call_of(static_cast<int>(usual), number);
  const auto got = in.call_of(static_cast<int>(odd), number);
  in.fail(error_code::mismatch, static_cast<int>(odd),
          "ranks disagree about call " + std::to_string(number) + ": got " + got + " on rank " +
              std::to_string(odd) + ", expected " + expected + " as on rank " +
              std::to_string(usual) +
              (got == expected ? ", with other counts, or with other parameters of the algorithm, "
                                 "operation or codec"
                               : "") +
              "; every rank must make the same calls in the same order");
  return true;
}

/// A rank that will never come because it has left. `besides` is what else is known of it.
template <accountable Group>
bool find_absence(Group& in, int peer, int self, std::uint32_t number, const call& mine,
                  const std::string& besides = {}) {
  if (!in.has_returned(peer)) {
    return false;
  }
  const bool message = mine.what->with == partner_kind::peer;  // they are not counted
  in.fail(error_code::mismatch, peer,
          "rank " + std::to_string(peer) + ' ' + Group::what_ends_a_rank + ", but rank " +
              std::to_string(self) + " waits for it in " + mine.describe() +
              (message ? "" : " (call " + std::to_string(number) + ")") + besides);
  return true;
}

}  // namespace rondo::inline v0_1::detail
