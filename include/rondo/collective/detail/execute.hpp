// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/chunking.hpp>
#include <rondo/core/host_device.hpp>
#include <rondo/core/vectorize.hpp>
#include <rondo/protocol/copy.hpp>
#include <rondo/protocol/fold.hpp>
#include <rondo/protocol/peer_memory.hpp>
#include <rondo/schedule/schedule.hpp>
#include <rondo/transport/turn.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <span>
#include <vector>

/// The reader that runs a schedule: over any transport that exchanges messages.
RONDO_INDEPENDENT_LOOPS_BEGIN

namespace rondo::inline v0_1::detail {

/// The memories of one rank, cut into chunks.
template <class Element>
struct memories {
  const Element* input;
  Element* output;
  Element* scratch;
  chunking input_layout;
  chunking output_layout;
  std::size_t slot_elements;  ///< of the largest chunk
  bool uniform;               ///< all chunks are of that size
  protocol::store how;        ///< what is copied is stored

  [[nodiscard]] std::size_t elements(const schedule::run& part) const {
    if (uniform || part.count == 0) {
      return static_cast<std::size_t>(part.count) * slot_elements;
    }
    const bool input_sized = part.where == schedule::region::input;
    return input_sized ? extent(input_layout, part) : extent(output_layout, part);
  }
  [[nodiscard]] const Element* read(const schedule::run& part) const {
    return part.where == schedule::region::input ? input + input_layout.offset(part.first)
                                                 : write(part);
  }
  [[nodiscard]] Element* write(const schedule::run& part) const {
    return part.where == schedule::region::scratch
               ? scratch + static_cast<std::size_t>(part.slot) * slot_elements
               : output + output_layout.offset(part.first);
  }

 private:
  [[nodiscard]] static std::size_t extent(const chunking& layout, const schedule::run& part) {
    return layout.offset(part.first + part.count) - layout.offset(part.first);
  }
};

/// Messages of the round in hand; kept between calls so that a round allocates nothing.
struct round_lists {
  std::vector<outgoing> out;
  std::vector<incoming> in;
  std::vector<const schedule::step*> steps;
};

template <class Comm>
[[nodiscard]] round_lists& lists_of(Comm& comm) {
  return comm.kept().template get<round_lists>();
}

/// `visit(after, before)` for every peer once as each: in step s of all ranks, the rank s behind
/// this one and the one s before it, so that no two send to the same rank at a time.
template <class Turn, class Visit>
void for_each_peer(const Turn& turn, const Visit& visit) {
  const int size = turn.size();
  for (int step = 1; step < size; ++step) {
    visit(protocol::rank_after(turn.rank(), step, size),
          protocol::rank_after(turn.rank(), size - step, size));
  }
}

/// body(i) for i < count, where the turn's memory is; no element needs another one.
template <class Turn, class Body>
void for_each_element(Turn& turn, std::size_t count, const Body& body) {
  if constexpr (works_elsewhere<Turn>) {
    turn.each(count, body);
  } else {
    vectorized([&]() RONDO_INLINE_BODY {
      const own_operation<Body> own = body;
      const std::size_t number = count;
      RONDO_INDEPENDENT_ITERATIONS
      for (std::size_t i = 0; i < number; ++i) {
        own(i);
      }
    });
  }
}

/// One fold of a schedule, element by element.
template <class Fold>
struct fold_two {
  using element = typename Fold::partial;
  const element* left;
  const element* right;
  element* into;
  Fold with;
  RONDO_HOST_DEVICE void operator()(std::size_t i) const { into[i] = with.fold(left[i], right[i]); }
};

/// Runs one rank's program. `with` folds elements of the type that the memories hold.
template <exchanging Turn, class Fold>
void execute(Turn& turn, const schedule::program& steps, const memories<typename Fold::partial>& at,
             const Fold& with, round_lists& lists) {
  using element = typename Fold::partial;
  using schedule::verb;

  const auto fold_into = [&](const schedule::step& one, const element* left, const element* right) {
    element* into = at.write(one.into);
    if constexpr (works_elsewhere<Turn>) {
      turn.each(at.elements(one.into), fold_two<Fold>{left, right, into, with});
    } else {
      protocol::fold_both(left, right, into, at.elements(one.into), with);
    }
  };

  const auto copy = [&](element* into, const element* from, std::size_t bytes) {
    if constexpr (works_elsewhere<Turn>) {
      turn.copy(into, from, bytes);
    } else {
      protocol::copy_elements(reinterpret_cast<std::byte*>(into),
                              reinterpret_cast<const std::byte*>(from), bytes, at.how);
    }
  };

  const auto end = steps.steps.end();
  for (auto first = steps.steps.begin(); first != end;) {
    auto last = first;
    while (last != end && last->round == first->round) {
      ++last;
    }
    lists.out.clear();
    lists.in.clear();
    lists.steps.clear();
    for (auto one = first; one != last; ++one) {
      switch (one->what) {
        case verb::send:
          lists.out.push_back({one->peer, reinterpret_cast<const std::byte*>(at.read(one->left)),
                               at.elements(one->left) * sizeof(element)});
          break;
        case verb::receive:
        case verb::receive_fold: {
          auto* into = one->what == verb::receive
                           ? reinterpret_cast<std::byte*>(at.write(one->into))
                           : nullptr;
          lists.in.push_back({one->peer, into, at.elements(one->into) * sizeof(element)});
          lists.steps.push_back(&*one);
          break;
        }
        case verb::fold:
          fold_into(*one, at.read(one->left), at.read(one->right));
          break;
        case verb::copy:
          copy(at.write(one->into), at.read(one->left), at.elements(one->into) * sizeof(element));
          break;
      }
    }
    turn.exchange(lists.out, lists.in, [&](std::size_t which, const std::byte* bytes) {
      const auto& one = *lists.steps[which];
      if (one.what == verb::receive_fold) {
        const auto* wire = reinterpret_cast<const element*>(bytes);
        const bool wire_left = one.left.where == schedule::region::wire;
        fold_into(one, wire_left ? wire : at.read(one.left), wire_left ? at.read(one.right) : wire);
      }
    });
    first = last;
  }
}

}  // namespace rondo::inline v0_1::detail

RONDO_INDEPENDENT_LOOPS_END
