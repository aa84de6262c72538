// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/pipeline/costs.hpp>

/// Published figures of the zero-bubble papers: what their authors' script prints
/// (github.com/sail-sg/zero-bubble-pipeline-parallelism, branch arxiv, efficiency.py).
namespace published {

/// The table of arXiv:2401.10241: profiled microseconds of one stage, and bubble rates.
struct zero_bubble_row {
  int stages;
  int micro_batches;
  rondo::pipeline::costs costs;
  int hidden;  ///< of the model: a weight gradient keeps 32 h of the 34 h + 5 a s bytes
  int heads;
  double one_f_one_b;
  double h1;
  double h2;  ///< of the span
  double zb_1p;
  double zb_2p;

  /// Costs with memory in the paper's units, for a sequence of 1024.
  [[nodiscard]] constexpr rondo::pipeline::costs with_memory() const {
    rondo::pipeline::costs priced = costs;
    priced.activation = 34 * hidden + 5 * heads * 1024;
    priced.retained = 32 * hidden;
    return priced;
  }
};

inline constexpr zero_bubble_row zero_bubble_table[] = {
    {8, 24, {18522, 18086, 9337, 601}, 2304, 24, .2431, .1585, .1083, .1585, .0433},
    {8, 32, {18513, 18086, 9331, 626}, 2304, 24, .1985, .1242, .0837, .1242, .0039},
    {8, 64, {18546, 18097, 9321, 762}, 2304, 24, .1240, .0674, .0444, .0674, .0026},
    {8, 24, {29718, 29444, 19927, 527}, 4096, 32, .2347, .1323, .0698, .1323, .0029},
    {8, 32, {29802, 29428, 19530, 577}, 4096, 32, .1898, .1045, .0559, .1045, .0022},
    {8, 64, {29935, 29621, 19388, 535}, 4096, 32, .1091, .0554, .0294, .0554, .0010},
    {16, 48, {11347, 11248, 8132, 377}, 5120, 40, .2552, .1397, .0672, .1397, .0066},
    {16, 64, {11307, 11254, 8101, 379}, 5120, 40, .2082, .1088, .0516, .1088, .0054},
    {16, 128, {11325, 11308, 8109, 378}, 5120, 40, .1251, .0576, .0266, .0576, .0028},
    {32, 96, {10419, 10207, 7715, 408}, 6144, 48, .2646, .1421, .0641, .1421, .0038},
    {32, 128, {10408, 10204, 7703, 408}, 6144, 48, .2168, .1106, .0490, .1106, .0029},
    {32, 256, {10402, 10248, 7698, 460}, 6144, 48, .1352, .0594, .0257, .0594, .0018},
};

/// Exact times for the first six rows: an independent re-run of that script.
struct zero_bubble_times {
  rondo::pipeline::ticks one_f_one_b;
  rondo::pipeline::ticks h1;
  rondo::pipeline::ticks h2_span;
  double h2_barrier;
  int chunks;
  double interleaved;          ///< with the wrap from the last rank to the first where there is one
  double interleaved_printed;  ///< in the paper, whose script leaves out most of them
};

inline constexpr zero_bubble_times zero_bubble_exact[] = {
    {1456749, 1310405, 1236632, .1083, 3, .1090, .1055},
    {1833838, 1678164, 1604083, .0837, 3, .0847, .0818},
    {3357932, 3154286, 3078371, .0444, 3, .0461, .0443},
    {2480217, 2187537, 2040670, .1003, 4, .0827, .0808},
    {3110876, 2814376, 2669588, .0778, 4, .0644, .0628},
    {5671364, 5348572, 5205366, .0405, 4, .0328, .0320},
};

/// The table of arXiv:2405.15362's predecessor on the V: microseconds of one chunk of two.
struct zero_bubble_v_row {
  int stages;
  int micro_batches;
  rondo::pipeline::costs chunk;
  rondo::pipeline::ticks one_f_one_b;
  rondo::pipeline::ticks h1;
  rondo::pipeline::ticks h2_span;
  double one_f_one_b_rate;
  double h1_rate;
  double h2_rate;              ///< of the span
  double zb_v;                 ///< bubble rate printed, of the span
  double interleaved_printed;  ///< of two chunks; see above
  double interleaved;          ///< as it should be: two programs of this test agree on it
};

inline constexpr zero_bubble_v_row zero_bubble_v_table[] = {
    {24,
     72,
     {6763, 6969, 5251, 755},
     3744180,
     3193138,
     2916862,
     .2699,
     .1439,
     .0628,
     .0638,
     .1519,
     .1566},
    {24,
     96,
     {6783, 6984, 5259, 758},
     4701012,
     4114096,
     3837314,
     .2229,
     .1121,
     .0480,
     .0483,
     .1184,
     .1223},
    {24,
     192,
     {6785, 6990, 5260, 770},
     8502290,
     7771970,
     7494590,
     .1403,
     .0595,
     .0247,
     .0250,
     .0630,
     .0652},
};

}  // namespace published
