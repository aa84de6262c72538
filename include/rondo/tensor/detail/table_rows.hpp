// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/detail/elements.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

/// Rows of a table that tokens name: read, and added to. On the host a row at a time; on a GPU an
/// element is a thread, and the sums have the same bits.
namespace rondo::inline v0_1::detail {

/// Words whose rows lie here, from row `row` of the table on.
struct held_words {
  part words;
  std::size_t row;

  /// Whether the token is one of them; a negative number is none.
  template <class Token>
  [[nodiscard]] RONDO_HOST_DEVICE constexpr bool holds(Token token) const {
    return static_cast<std::size_t>(token) - words.first < words.count;
  }
  template <class Token>
  [[nodiscard]] RONDO_HOST_DEVICE constexpr std::size_t row_of(Token token) const {
    return row + (static_cast<std::size_t>(token) - words.first);
  }
};

/// Zeros; not a number, where the token is no word at all.
template <class Token, class T>
struct clear_rows {
  static constexpr float nan = std::numeric_limits<float>::quiet_NaN();
  const Token* tokens;
  std::size_t words;
  matrix<T> out;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t column) const {
    out(i, column) = static_cast<std::size_t>(tokens[i]) < words ? T{} : static_cast<T>(nan);
  }
};

template <class Token, class T>
struct take_rows {
  const Token* tokens;
  held_words held;
  matrix<const T> table;
  matrix<T> out;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t column) const {
    if (held.holds(tokens[i])) {
      out(i, column) = static_cast<T>(out(i, column) + table(held.row_of(tokens[i]), column));
    }
  }
};

/// Chains the tokens that are one word, in their order: `links` [2, tokens] says which comes next,
/// `last` if none does, and whether one comes before.
template <class Token>
struct chain_tokens {
  static constexpr std::uint32_t last = static_cast<std::uint32_t>(-1);
  const Token* tokens;
  held_words held;
  matrix<std::uint32_t> links;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t) const {
    const Token token = tokens[i];
    if (!held.holds(token)) {
      return;
    }
    std::size_t before = 0;
    while (tokens[before] != token) {
      ++before;
    }
    std::size_t after = i + 1;
    while (after < links.columns && tokens[after] != token) {
      ++after;
    }
    links(0, i) = after < links.columns ? static_cast<std::uint32_t>(after) : last;
    links(1, i) = before < i ? 1 : 0;
  }
};

/// The first token of a chain adds the rows of all.
template <class Token, class T>
struct add_chains {
  const Token* tokens;
  held_words held;
  matrix<const std::uint32_t> links;
  matrix<const T> from;
  matrix<T> table;
  RONDO_HOST_DEVICE void operator()(std::size_t i, std::size_t column) const {
    if (!held.holds(tokens[i]) || links(1, i) != 0) {
      return;
    }
    T& sum = table(held.row_of(tokens[i]), column);
    for (std::uint32_t next = static_cast<std::uint32_t>(i); next != chain_tokens<Token>::last;
         next = links(0, next)) {
      sum = static_cast<T>(sum + from(next, column));
    }
  }
};

/// out[i] = the row of tokens[i], or zeros if it does not lie here.
template <class Memory, class Token, class T>
void look_up(const Memory& memory, std::span<const Token> tokens, std::size_t words,
             std::span<const held_words> held, matrix<const T> table, matrix<T> out) {
  if constexpr (Memory::on_device) {
    memory.each(out.rows, out.columns, clear_rows<Token, T>{tokens.data(), words, out});
    for (const held_words& some : held) {
      memory.each(out.rows, out.columns, take_rows<Token, T>{tokens.data(), some, table, out});
    }
  } else {
    for (std::size_t i = 0; i < out.rows; ++i) {
      std::fill_n(out.row(i).data(), out.columns, T{});
      for (const held_words& some : held) {
        if (some.holds(tokens[i])) {
          add_to(out.row(i).data(), table.row(some.row_of(tokens[i])).data(), out.columns);
        }
      }
    }
  }
}

/// Adds from[i] to the row of tokens[i], if it lies here, in the order of the tokens.
/// `links()`: memory for twice as many numbers as there are tokens; asked for on GPUs alone, where
/// each token that lies here is compared with up to all others.
template <class Memory, class Token, class T, class Links>
void add_rows_of(const Memory& memory, std::span<const Token> tokens,
                 std::span<const held_words> held, matrix<const T> from, matrix<T> table,
                 const Links& links) {
  if constexpr (Memory::on_device) {
    const matrix<std::uint32_t> next = links();
    for (const held_words& some : held) {
      memory.each(tokens.size(), 1, chain_tokens<Token>{tokens.data(), some, next});
      memory.each(tokens.size(), table.columns,
                  add_chains<Token, T>{tokens.data(), some, next, from, table});
    }
  } else {
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      for (const held_words& some : held) {
        if (some.holds(tokens[i])) {
          add_to(table.row(some.row_of(tokens[i])).data(), from.row(i).data(), table.columns);
        }
      }
    }
  }
}

}  // namespace rondo::inline v0_1::detail
