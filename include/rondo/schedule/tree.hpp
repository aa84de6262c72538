// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/schedule/algorithms.hpp>
#include <rondo/schedule/detail/binomial.hpp>
#include <rondo/schedule/detail/double_tree.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/version.hpp>

#include <string>

/// Tree schedules.
///
/// all_reduce goes up and down two binary trees at once, each with one half of the vector in
/// `segments` pieces; a rank that has children in one tree is a leaf of the other:
///
///     7 ranks, first half     3 - (1, 5)   1 - (0, 2)   5 - (4, 6)
///              second half    6 - (2)      2 - (0, 4)   0 - (1)      4 - (3, 5)
///
/// broadcast and reduce with one segment, gather, scatter and barrier use a binomial tree;
/// broadcast and reduce with more segments use the two trees over the other ranks, fed by the root.
///
/// n ranks, m bytes, s segments, L = ceil(log2 n); messages and bytes sent per rank, at most:
///
///     all_reduce                  4 s messages   2 m bytes, in about 4 (log2 n + s) rounds
///     broadcast, reduce, s = 1    L messages     m L bytes, in L rounds
///     broadcast, reduce, s > 1    2 s messages   m bytes, in about 2 (log2 n + s) rounds
///     gather, scatter             L messages     m (n-1)/n bytes, in L rounds
///     barrier                     L messages, empty, in 2 L rounds
///
/// The folds of all_reduce, and of reduce to root 0, keep the rank order.
/// Source: Sanders, Speck, Traeff, "Two-tree algorithms for full bandwidth broadcast, reduction and
/// scan", Parallel Computing 35(12), 2009; binomial trees: Thakur, Rabenseifner, Gropp, IJHPCA
/// 19(1), 2005.
namespace rondo::inline v0_1::schedule {

namespace detail {

/// Rounds and chunks of two trees, one in each level of `hierarchical`, still fit an int.
inline constexpr int most_segments = 1 << 14;

constexpr void check_segments(const tree& algorithm) {
  if (algorithm.segments < 1 || algorithm.segments > most_segments) {
    refuse("tree: got " + std::to_string(algorithm.segments) + " segments; expected 1 to " +
           std::to_string(most_segments));
  }
}

constexpr void copy_all(builder& write, int chunks) {
  write.copy(in_output(0, chunks), in_input(0, chunks));
}

}  // namespace detail

constexpr program generate(tree algorithm, make<collective::all_reduce>, place where) {
  detail::check_segments(algorithm);
  const detail::double_tree trees{where, algorithm.segments, false};
  detail::builder write{trees.chunks()};
  if (where.size == 1) {
    detail::copy_all(write, trees.chunks());
    return write.finish();
  }
  trees.reduce(write, [](int, int chunk) { return in_output(chunk); });
  trees.broadcast(write);
  return write.finish();
}

constexpr program generate(tree algorithm, make<collective::broadcast>, place where) {
  detail::check_segments(algorithm);
  if (algorithm.segments > 1 && where.size > 1) {
    const detail::double_tree trees{where, algorithm.segments, true};
    detail::builder write{trees.chunks()};
    if (where.rank == where.root) {
      detail::copy_all(write, trees.chunks());
    }
    trees.broadcast(write);
    return write.finish();
  }
  const int chunks = algorithm.segments > 1 ? 2 * algorithm.segments : 1;
  detail::builder write{chunks};
  const detail::binomial nodes{where};
  if (nodes.is_root()) {
    detail::copy_all(write, chunks);
  } else {
    write.at(nodes.round_outwards(nodes.hop()));
    write.receive(in_output(0), nodes.parent());
  }
  nodes.for_each_child_outwards([&](int child, int hop) {
    write.at(nodes.round_outwards(hop));
    write.send(nodes.is_root() ? in_input(0) : in_output(0), nodes.rank(child));
  });
  return write.finish();
}

constexpr program generate(tree algorithm, make<collective::reduce>, place where) {
  detail::check_segments(algorithm);
  if (algorithm.segments > 1 && where.size > 1) {
    const detail::double_tree trees{where, algorithm.segments, true};
    detail::builder write{trees.chunks()};
    const bool root = where.rank == where.root;
    write.need_slots(root ? 0 : algorithm.segments);
    trees.reduce(write, [root](int segment, int chunk) {
      return root ? in_output(chunk) : in_scratch(segment, chunk);
    });
    return write.finish();
  }
  const int chunks = algorithm.segments > 1 ? 2 * algorithm.segments : 1;
  detail::builder write{chunks};
  const detail::binomial nodes{where};
  if (where.size == 1) {
    detail::copy_all(write, chunks);
    return write.finish();
  }
  run sum = in_input(0);
  nodes.for_each_child_inwards([&](int child, int hop) {
    const run into = nodes.is_root() ? in_output(0) : in_scratch(0, 0);
    write.need_slots(nodes.is_root() ? 0 : 1);
    write.at(nodes.round_inwards(hop));
    write.receive_fold(into, sum, on_wire(0), nodes.rank(child));
    sum = into;
  });
  if (!nodes.is_root()) {
    write.at(nodes.round_inwards(nodes.hop()));
    write.send(sum, nodes.parent());
  }
  return write.finish();
}

/// Slot j holds the chunk of the j-th rank of the subtree, counted from this one.
constexpr program generate(tree, make<collective::gather>, place where) {
  detail::builder write{where.size};
  const detail::binomial nodes{where};
  const bool root = nodes.is_root();
  const int held = nodes.own_subtree();
  write.need_equal_chunks();  // some rank may hold others' chunks in slots; all ranks say so
  if (root) {
    write.copy(in_output(where.rank), in_input(where.rank));
  } else if (held > 1) {
    write.need_slots(held);
    write.copy(in_scratch(0, where.rank), in_input(where.rank));
  }
  nodes.for_each_child_inwards([&](int child, int hop) {
    write.at(nodes.round_inwards(hop));
    nodes.for_each_run(child, nodes.subtree(child, hop), [&](int first, int count, int before) {
      write.receive(
          root ? in_output(first, count) : in_scratch(child - nodes.node() + before, first, count),
          nodes.rank(child));
    });
  });
  if (!root) {
    write.at(nodes.round_inwards(nodes.hop()));
    nodes.for_each_run(nodes.node(), held, [&](int first, int count, int before) {
      write.send(held == 1 ? in_input(first) : in_scratch(before, first, count), nodes.parent());
    });
  }
  return write.finish();
}

constexpr program generate(tree, make<collective::scatter>, place where) {
  detail::builder write{where.size};
  const detail::binomial nodes{where};
  const bool root = nodes.is_root();
  const int held = nodes.own_subtree();
  if (root) {
    write.copy(in_output(where.rank), in_input(where.rank));
  } else {
    write.at(nodes.round_outwards(nodes.hop()));
    nodes.for_each_run(nodes.node(), held, [&](int first, int count, int before) {
      write.receive(held == 1 ? in_output(first) : in_scratch(before, first, count),
                    nodes.parent());
    });
  }
  nodes.for_each_child_outwards([&](int child, int hop) {
    write.at(nodes.round_outwards(hop));
    nodes.for_each_run(child, nodes.subtree(child, hop), [&](int first, int count, int before) {
      write.send(
          root ? in_input(first, count) : in_scratch(child - nodes.node() + before, first, count),
          nodes.rank(child));
    });
  });
  write.need_equal_chunks();  // as in gather
  if (!root && held > 1) {
    write.need_slots(held);
    write.copy(in_output(where.rank), in_scratch(0, where.rank));
  }
  return write.finish();
}

constexpr program generate(tree, make<collective::barrier>, place where) {
  detail::builder write{1};
  const detail::binomial nodes{where};
  nodes.for_each_child_inwards([&](int child, int hop) {
    write.at(nodes.round_inwards(hop));
    write.receive(no_data, nodes.rank(child));
  });
  if (!nodes.is_root()) {
    write.at(nodes.round_inwards(nodes.hop()));
    write.send(no_data, nodes.parent());
    write.at(nodes.rounds() + nodes.round_outwards(nodes.hop()));
    write.receive(no_data, nodes.parent());
  }
  nodes.for_each_child_outwards([&](int child, int hop) {
    write.at(nodes.rounds() + nodes.round_outwards(hop));
    write.send(no_data, nodes.rank(child));
  });
  return write.finish();
}

}  // namespace rondo::inline v0_1::schedule
