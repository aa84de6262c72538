// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/pipeline/plan.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// PyTorch's text form of a schedule: one line per rank, one cell per action.
///
///     0F0,0F1,,0B0,(0F2;3B1)OVERLAP_F_B,0I1,0W1,0SEND_F0,1RECV_F0,0UNSHARD
///
/// A cell is the stage, what it does, and the micro-batch; an empty cell is an idle slot. Slices,
/// which PyTorch does not have, follow as `s1`: 0F3s1.
namespace rondo::inline v0_1::pipeline {

[[nodiscard]] inline std::string to_csv(const plan& written) {
  std::string text;
  text.reserve(written.actions() * 8);
  for (const row& actions : written.rows) {
    for (std::size_t i = 0; i < actions.size(); ++i) {
      if (i != 0) {
        text += ',';
      }
      if (actions[i].with_next && i + 1 < actions.size()) {
        text += '(' + to_text(actions[i]) + ';' + to_text(actions[i + 1]) + ")OVERLAP_F_B";
        ++i;
      } else {
        text += to_text(actions[i]);
      }
    }
    text += '\n';
  }
  return text;
}

namespace detail {

[[noreturn]] inline void refuse_cell(std::string_view cell, int rank, std::string_view why) {
  raise(error{error_code::corrupt_data,
              "pipeline: from_csv: cell '" + std::string{cell} + "' of rank " +
                  std::to_string(rank) + ": " + std::string{why},
              rank});
}

[[nodiscard]] constexpr bool is_digit(char c) { return '0' <= c && c <= '9'; }

/// Takes a number off the front of `rest`.
[[nodiscard]] inline int take_number(std::string_view& rest, int most, std::string_view cell,
                                     int rank) {
  int number = 0;
  const auto [end, status] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
  if (status != std::errc{} || number < 0 || number > most) {
    refuse_cell(cell, rank, "expected a number from 0 to " + std::to_string(most));
  }
  rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
  return number;
}

[[nodiscard]] inline action parse_cell(std::string_view cell, int rank) {
  if (cell.empty()) {
    return {};
  }
  std::string_view rest = cell;
  const int stage = take_number(rest, 32766, cell, rank);
  std::size_t length = 0;
  while (length < rest.size() && !is_digit(rest[length])) {
    ++length;
  }
  for (int index = 0; index < static_cast<int>(kind::idle); ++index) {
    const auto what = static_cast<kind>(index);
    if (rest.substr(0, length) != letters_of(what)) {
      continue;
    }
    rest.remove_prefix(length);
    if (!is_compute(what) && !is_message(what)) {
      if (!rest.empty()) {
        refuse_cell(cell, rank, "takes no micro-batch");
      }
      return make_action(what, stage, 0);
    }
    const int micro_batch = take_number(rest, (1 << 20) - 1, cell, rank);
    int slice = 0;
    if (!rest.empty() && rest.front() == 's') {
      rest.remove_prefix(1);
      slice = take_number(rest, 126, cell, rank);
    }
    if (!rest.empty()) {
      refuse_cell(cell, rank, "something follows the micro-batch");
    }
    return make_action(what, stage, micro_batch, slice);
  }
  refuse_cell(cell, rank,
              "expected F, B, I, W, SEND_F, RECV_F, SEND_B, RECV_B, UNSHARD, RESHARD "
              "or REDUCE_GRAD after the stage");
}

[[nodiscard]] inline std::string_view take_until(std::string_view& rest, char end) {
  const std::size_t at = rest.find(end);
  const std::string_view taken = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return taken;
}

inline void parse_line(std::string_view line, int rank, row& into) {
  for (bool more = !line.empty(); more;) {
    const bool has_comma = line.find(',') != std::string_view::npos;
    const std::string_view cell = take_until(line, ',');
    more = has_comma;
    if (!cell.empty() && cell.front() == '(') {
      constexpr std::string_view end = ")OVERLAP_F_B";
      std::string_view pair = cell.substr(1);
      const std::size_t close = pair.find(')');
      if (close == std::string_view::npos || pair.substr(close) != end) {
        refuse_cell(cell, rank, "expected (action;action)OVERLAP_F_B");
      }
      pair = pair.substr(0, close);
      action first = parse_cell(take_until(pair, ';'), rank);
      const action second = parse_cell(pair, rank);
      if (first.kind != kind::forward || !makes_input_gradient(second.kind)) {
        refuse_cell(cell, rank, "only a forward and a backward overlap");
      }
      first.with_next = true;
      into.push_back(first);
      into.push_back(second);
    } else {
      into.push_back(parse_cell(cell, rank));
    }
  }
}

}  // namespace detail

/// Reads a schedule whose stages lie on ranks as `where` says.
[[nodiscard]] inline plan from_csv(std::string_view text, placement where) {
  plan read{{}, std::move(where), {}};
  while (!text.empty()) {
    std::string_view line = detail::take_until(text, '\n');
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    read.rows.emplace_back();
    detail::parse_line(line, static_cast<int>(read.rows.size()) - 1, read.rows.back());
  }
  if (read.rows.empty() ||
      (read.placement.ranks() != 0 && read.placement.ranks() != read.ranks())) {
    raise(error{error_code::corrupt_data,
                "pipeline: from_csv: got " + std::to_string(read.rows.size()) +
                    " lines, expected one per rank: " + std::to_string(read.placement.ranks())});
  }
  int micro_batches = 1;
  int slices = 1;
  for (const row& actions : read.rows) {
    for (const action& each : actions) {
      micro_batches = (std::max)(micro_batches, each.micro_batch + 1);
      slices = (std::max)(slices, each.slice + 1);
    }
  }
  read.shape = {read.ranks(), micro_batches, slices};
  return read;
}

/// Reads a schedule of one chain; a stage lies on the rank whose line names it (for a message, on
/// the line of its own half).
[[nodiscard]] inline plan from_csv(std::string_view text) {
  plan read = from_csv(text, placement{});
  std::vector<int> rank_of;
  for (int rank = 0; rank < read.ranks(); ++rank) {
    for (const action& each : read.row_of(rank)) {
      if (each.kind == kind::idle) {
        continue;
      }
      const auto stage = static_cast<std::size_t>(each.stage);
      if (stage >= rank_of.size()) {
        rank_of.resize(stage + 1, -1);
      }
      if (rank_of[stage] != -1 && rank_of[stage] != rank) {
        detail::refuse_cell(to_text(each), rank,
                            "stage is on rank " + std::to_string(rank_of[stage]) + " already");
      }
      rank_of[stage] = rank;
    }
  }
  for (std::size_t stage = 0; stage < rank_of.size(); ++stage) {
    if (rank_of[stage] == -1) {
      raise(error{error_code::corrupt_data,
                  "pipeline: from_csv: no rank has stage " + std::to_string(stage)});
    }
  }
  read.placement = placement{std::move(rank_of), read.ranks()};
  return read;
}

}  // namespace rondo::inline v0_1::pipeline
