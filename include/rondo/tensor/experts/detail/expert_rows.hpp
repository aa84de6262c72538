// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/host_device.hpp>
#include <rondo/core/partition.hpp>
#include <rondo/tensor/matrix.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <span>

/// Tokens that choose experts, and rows that go to them and come back. What is counted is one
/// source for host and GPU; rows are moved a row at a time by the host, an element by a thread.
namespace rondo::inline v0_1::detail {

/// Where a choice goes that found its expert full.
inline constexpr std::size_t nowhere = static_cast<std::size_t>(-1);

/// Tokens that one call of a counting body goes through: a thread's, or all of a run.
template <class Memory>
inline constexpr std::size_t tokens_at_once = Memory::on_device ? 32 : nowhere;

/// How many blocks of so many tokens there are.
[[nodiscard]] constexpr std::size_t blocks_of_tokens(std::size_t tokens, std::size_t at_once) {
  return tokens / at_once + (tokens % at_once == 0 ? 0 : 1);
}

/// counts(block, e) = the choices of a block of tokens that fall on expert e. What is no expert
/// counts nowhere.
struct count_choices {
  matrix<const int> expert;  ///< [tokens of a run, choices]
  std::size_t at_once;
  matrix<int> counts;  ///< [blocks, experts]
  RONDO_HOST_DEVICE void operator()(std::size_t block, std::size_t) const {
    for (std::size_t e = 0; e < counts.columns; ++e) {
      counts(block, e) = 0;
    }
    const std::size_t first = block * at_once;
    for (std::size_t i = 0; i < at_once && first + i < expert.rows; ++i) {
      for (std::size_t slot = 0; slot < expert.columns; ++slot) {
        const auto e = static_cast<std::size_t>(expert(first + i, slot));
        if (e < counts.columns) {
          ++counts(block, e);
        }
      }
    }
  }
};

/// From how many choices each block has to how many lie before it; sums[e] = those of all.
struct add_up_blocks {
  matrix<int> counts;
  int* sums;
  RONDO_HOST_DEVICE void operator()(std::size_t e, std::size_t) const {
    int sum = 0;
    for (std::size_t block = 0; block < counts.rows; ++block) {
      const int here = counts(block, e);
      counts(block, e) = sum;
      sum += here;
    }
    sums[e] = sum;
  }
};

/// row(token, slot) = where a choice travels. It is `before(block, e)` choices of its run behind
/// the first that fell on its expert, of which the expert takes `taken[e].count`, and these lie
/// from `taken[e].first` on.
struct place_choices {
  matrix<const int> expert;
  std::size_t at_once;
  matrix<int> before;  ///< is counted on
  const part* taken;
  matrix<std::size_t> row;
  RONDO_HOST_DEVICE void operator()(std::size_t block, std::size_t) const {
    const std::size_t first = block * at_once;
    for (std::size_t i = 0; i < at_once && first + i < expert.rows; ++i) {
      for (std::size_t slot = 0; slot < expert.columns; ++slot) {
        const auto e = static_cast<std::size_t>(expert(first + i, slot));
        const auto place = static_cast<std::size_t>(before(block, e)++);
        row(first + i, slot) = place < taken[e].count ? taken[e].first + place : nowhere;
      }
    }
  }
};

template <class T>
struct scatter_elements {
  const std::size_t* at;
  std::size_t copies;
  matrix<const T> from;
  matrix<T> to;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t column) const {
    if (at[row] != nowhere) {
      to(at[row], column) = from(row / copies, column);
    }
  }
};

/// to[at[i]] = from[i / copies], where it goes anywhere.
template <class Memory, class T>
void scatter_copies(const Memory& memory, std::span<const std::size_t> at, std::size_t copies,
                    matrix<const T> from, matrix<T> to) {
  if constexpr (Memory::on_device) {
    memory.each(at.size(), to.columns, scatter_elements<T>{at.data(), copies, from, to});
  } else {
    for (std::size_t row = 0; row < at.size(); ++row) {
      if (at[row] != nowhere) {
        std::copy_n(from.row(row / copies).data(), to.columns, to.row(at[row]).data());
      }
    }
  }
}

template <class T>
struct gather_elements {
  const std::size_t* at;
  matrix<const T> from;
  matrix<T> to;
  RONDO_HOST_DEVICE void operator()(std::size_t row, std::size_t column) const {
    to(row, column) = from(at[row], column);
  }
};

/// Calls `act(first, where, rows)` for rows that lie one behind the other there, too: all that come
/// from one rank for one expert. Row by row, passes of 384 floats a row took a tenth longer (1
/// rank, experts that copy, Zen 5, GCC 12, 2026-11-27).
template <class Act>
void for_each_stretch(std::span<const std::size_t> at, const Act& act) {
  for (std::size_t first = 0, end = 0; first < at.size(); first = end) {
    do {
      ++end;
    } while (end < at.size() && at[end] == at[end - 1] + 1);
    act(first, at[first], end - first);
  }
}

/// to[at[i]] = from[i]; rows have no gaps.
template <class Memory, class T>
void scatter_rows(const Memory& memory, std::span<const std::size_t> at, matrix<const T> from,
                  matrix<T> to) {
  if constexpr (Memory::on_device) {
    memory.each(at.size(), to.columns, scatter_elements<T>{at.data(), 1, from, to});
  } else {
    for_each_stretch(at, [&](std::size_t here, std::size_t there, std::size_t rows) {
      std::copy_n(from.row(here).data(), rows * to.columns, to.row(there).data());
    });
  }
}

/// to[i] = from[at[i]]; rows have no gaps.
template <class Memory, class T>
void gather_rows(const Memory& memory, std::span<const std::size_t> at, matrix<const T> from,
                 matrix<T> to) {
  if constexpr (Memory::on_device) {
    memory.each(at.size(), to.columns, gather_elements<T>{at.data(), from, to});
  } else {
    for_each_stretch(at, [&](std::size_t here, std::size_t there, std::size_t rows) {
      std::copy_n(from.row(there).data(), rows * to.columns, to.row(here).data());
    });
  }
}

template <class T, class W>
struct sum_choices_of {
  const std::size_t* at;
  const W* weight;
  std::size_t choices;
  matrix<const T> from;
  matrix<T> to;
  RONDO_HOST_DEVICE void operator()(std::size_t token, std::size_t column) const {
    W sum{0};
    for (std::size_t choice = token * choices; choice < (token + 1) * choices; ++choice) {
      if (at[choice] != nowhere) {
        sum +=
            (weight == nullptr ? W{1} : weight[choice]) * static_cast<W>(from(at[choice], column));
      }
    }
    to(token, column) = static_cast<T>(sum);
  }
};

/// to[token] = the sum over its choices of weight * from[at], or without a weight of from[at].
/// `sums()`: memory for a row of W; asked for on the host alone.
template <class Memory, class T, class W, class Sums>
void sum_choices(const Memory& memory, std::span<const std::size_t> at, const W* weight,
                 std::size_t choices, matrix<const T> from, matrix<T> to, const Sums& sums) {
  if constexpr (Memory::on_device) {
    memory.each(to.rows, to.columns, sum_choices_of<T, W>{at.data(), weight, choices, from, to});
  } else {
    W* const sum = sums();
    for (std::size_t token = 0; token < to.rows; ++token) {
      std::fill_n(sum, to.columns, W{0});
      for (std::size_t choice = token * choices; choice < (token + 1) * choices; ++choice) {
        if (at[choice] == nowhere) {
          continue;
        }
        const W by = weight == nullptr ? W{1} : weight[choice];
        const T* const row = from.row(at[choice]).data();
        for (std::size_t i = 0; i < to.columns; ++i) {
          sum[i] += by * static_cast<W>(row[i]);
        }
      }
      for (std::size_t i = 0; i < to.columns; ++i) {
        to(token, i) = static_cast<T>(sum[i]);
      }
    }
  }
}

/// What the pass backward makes of a choice: `to[at]` = weight * dy, and d_weight = dy . returned.
template <class T, class W>
struct weighed_choices {
  const std::size_t* at;
  const W* weight;
  matrix<const T> dy;
  matrix<const T> returned;
  matrix<T> to;
  matrix<W> d_weight;
};

template <class T, class W>
struct weigh_elements {
  const std::size_t* at;
  const W* weight;
  std::size_t choices;
  matrix<const T> dy;
  matrix<T> to;
  RONDO_HOST_DEVICE void operator()(std::size_t choice, std::size_t column) const {
    if (at[choice] != nowhere) {
      to(at[choice], column) =
          static_cast<T>(weight[choice] * static_cast<W>(dy(choice / choices, column)));
    }
  }
};

/// terms(choice, lane) = this lane's part of dy . returned.
template <class T, class W, std::size_t Lanes>
struct weight_terms {
  const std::size_t* at;
  std::size_t choices;
  matrix<const T> dy;
  matrix<const T> returned;
  matrix<W> terms;
  RONDO_HOST_DEVICE void operator()(std::size_t choice, std::size_t lane) const {
    W sum{0};
    if (at[choice] != nowhere) {
      for (std::size_t i = lane; i < dy.columns; i += Lanes) {
        sum += static_cast<W>(dy(choice / choices, i)) * static_cast<W>(returned(at[choice], i));
      }
    }
    terms(choice, lane) = sum;
  }
};
template <class W>
struct add_weight_terms {
  matrix<const W> terms;
  matrix<W> d_weight;
  RONDO_HOST_DEVICE void operator()(std::size_t token, std::size_t slot) const {
    const std::size_t choice = token * d_weight.columns + slot;
    W sum{0};
    for (std::size_t lane = 0; lane < terms.columns; ++lane) {
      sum += terms(choice, lane);
    }
    d_weight(token, slot) = sum;
  }
};

/// `terms(lanes)`: memory for so many numbers of each choice; asked for on GPUs alone.
template <class Memory, class T, class W, class Terms>
void weigh_choices(const Memory& memory, const weighed_choices<T, W>& of, const Terms& terms) {
  const std::size_t choices = of.d_weight.columns;
  if constexpr (Memory::on_device) {
    const matrix<W> parts = terms(Memory::lanes);
    memory.each(parts.rows, of.dy.columns,
                weigh_elements<T, W>{of.at, of.weight, choices, of.dy, of.to});
    memory.each(parts.rows, Memory::lanes,
                weight_terms<T, W, Memory::lanes>{of.at, choices, of.dy, of.returned, parts});
    memory.each(of.d_weight.rows, choices, add_weight_terms<W>{parts, of.d_weight});
  } else {
    for (std::size_t token = 0; token < of.d_weight.rows; ++token) {
      for (std::size_t slot = 0; slot < choices; ++slot) {
        const std::size_t choice = token * choices + slot;
        W dot{0};
        if (of.at[choice] != nowhere) {
          const W weight = of.weight[choice];
          const T* const dy = of.dy.row(token).data();
          const T* const back = of.returned.row(of.at[choice]).data();
          T* const to = of.to.row(of.at[choice]).data();
          const std::size_t width = of.dy.columns;
          for (std::size_t i = 0; i < width; ++i) {
            const auto upstream = static_cast<W>(dy[i]);
            dot += upstream * static_cast<W>(back[i]);
            to[i] = static_cast<T>(weight * upstream);
          }
        }
        of.d_weight(token, slot) = dot;
      }
    }
  }
}

}  // namespace rondo::inline v0_1::detail
