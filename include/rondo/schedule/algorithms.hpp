// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/parameters.hpp>
#include <rondo/core/policy.hpp>
#include <rondo/core/type_name.hpp>
#include <rondo/version.hpp>

#include <cstdint>
#include <string_view>

/// The algorithms a call may ask for by name. Each is a value: an argument, a template argument, a
/// log line. What each does for a collective stands in the header of its name in this folder.
namespace rondo::inline v0_1 {

/// Chunks travel once around the ring. Least bytes, most messages.
struct ring {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "ring";
  friend constexpr bool operator==(ring, ring) = default;
};

/// Two binary trees, each inner node of one a leaf of the other, so that both directions of every
/// link work (Sanders, Speck, Traeff, 2009). Rooted collectives use a binomial tree.
struct tree {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "tree";
  int segments = 1;  ///< pipeline depth: pieces that each tree's half is cut into
  [[nodiscard]] constexpr std::uint64_t parameters() const {
    return static_cast<std::uint64_t>(segments);
  }
  friend constexpr bool operator==(tree, tree) = default;
};

/// Whole vectors are exchanged with the rank whose number differs in one bit.
struct recursive_doubling {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "recursive_doubling";
  friend constexpr bool operator==(recursive_doubling, recursive_doubling) = default;
};

/// Recursive halving to reduce-scatter, recursive doubling to gather (Rabenseifner, 2004).
struct halving_doubling {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "halving_doubling";
  friend constexpr bool operator==(halving_doubling, halving_doubling) = default;
};

/// Distances double and blocks rotate, so that any number of ranks needs ceil(log2 n) rounds
/// (Bruck, Ho, Kipnis, Upfal, Weathersby, 1997).
struct bruck {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "bruck";
  friend constexpr bool operator==(bruck, bruck) = default;
};

/// Every rank reads every peer's whole input once and folds in rank order. Least latency.
struct one_shot {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "one_shot";
  friend constexpr bool operator==(one_shot, one_shot) = default;
};

/// Every rank owns one chunk: it folds that chunk in rank order and hands it to all.
struct two_shot {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "two_shot";
  friend constexpr bool operator==(two_shot, two_shot) = default;
};

/// `inner` within each group of `inner_size` neighbours, `outer` between the groups.
template <class Inner, class Outer>
struct hierarchical {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "hierarchical";
  Inner inner{};
  Outer outer{};
  int inner_size = 0;  ///< ranks per group; 0: as many as share a node on this transport
  [[nodiscard]] constexpr std::uint64_t parameters() const {
    return mixed_parameters(hash_of(Inner::name), parameters_of(inner), hash_of(Outer::name),
                            parameters_of(outer), static_cast<std::uint64_t>(inner_size));
  }
  friend constexpr bool operator==(hierarchical, hierarchical) = default;
};
template <class Inner, class Outer>
hierarchical(Inner, Outer) -> hierarchical<Inner, Outer>;
template <class Inner, class Outer>
hierarchical(Inner, Outer, int) -> hierarchical<Inner, Outer>;

/// The transport's own collective, where it has one (MPI, NCCL).
struct native {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "native";
  friend constexpr bool operator==(native, native) = default;
};

/// Picks by size, as measured; `explain()` says what it picks and why.
struct automatic {
  static constexpr policy kind = policy::algorithm;
  static constexpr std::string_view name = "automatic";
  friend constexpr bool operator==(automatic, automatic) = default;
};

}  // namespace rondo::inline v0_1
