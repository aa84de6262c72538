// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

/// What each collective gives, takes and promises, chunk by chunk.
namespace rondo::inline v0_1::schedule::detail {

/// Every rank owns the chunk of its number, so that there are as many chunks as ranks.
[[nodiscard]] constexpr bool chunks_are_owned(collective what) {
  return what == collective::reduce_scatter || what == collective::all_gather ||
         what == collective::all_to_all || what == collective::gather ||
         what == collective::scatter;
}

/// One rank gives all, or gets all.
[[nodiscard]] constexpr bool has_root(collective what) {
  return what == collective::reduce || what == collective::broadcast ||
         what == collective::gather || what == collective::scatter;
}

/// The caller of `rank` passes chunk `chunk` in.
[[nodiscard]] constexpr bool gives(collective what, int rank, int root, int chunk) {
  switch (what) {
    case collective::all_gather:
    case collective::gather:
      return chunk == rank;
    case collective::broadcast:
    case collective::scatter:
      return rank == root;
    case collective::barrier:
      return false;
    default:
      return true;
  }
}

/// The caller of `rank` gets chunk `chunk`.
[[nodiscard]] constexpr bool gets(collective what, int rank, int root, int chunk) {
  switch (what) {
    case collective::reduce_scatter:
    case collective::scatter:
      return chunk == rank;
    case collective::reduce:
    case collective::gather:
      return rank == root;
    case collective::barrier:
      return false;
    default:
      return true;
  }
}

/// The one contribution that output chunk `chunk` of `rank` is, where nothing is folded.
struct origin {
  int rank;
  int chunk;
};
[[nodiscard]] constexpr origin origin_of(collective what, int rank, int root, int chunk) {
  switch (what) {
    case collective::all_to_all:
      return {chunk, rank};
    case collective::broadcast:
    case collective::scatter:
      return {root, chunk};
    default:
      return {chunk, chunk};
  }
}

}  // namespace rondo::inline v0_1::schedule::detail
