// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// A collective is data: prove it, ask how long it takes, draw it, break it and see it refused.
//
//     read_a_schedule    draws to ring.svg, here
// begin: schedule
#include <rondo/rondo.hpp>
// end: schedule

#include <cstdio>
#include <stdexcept>

// begin: static_proof
static_assert(rondo::schedule::prove(rondo::schedule::all_reduce(rondo::ring{}, 4)).rounds == 6);
// end: static_proof

namespace {

void print(const rondo::schedule::program& steps) {
  constexpr const char* verbs[] = {"send to", "receive from", "receive and fold from", "fold",
                                   "copy"};
  for (const auto& one : steps.steps) {
    std::printf("  round %d: %s", one.round, verbs[static_cast<int>(one.what)]);
    if (one.peer >= 0) {
      std::printf(" %d", one.peer);
    }
    std::printf(", chunk %d\n",
                one.what == rondo::schedule::verb::send ? one.left.first : one.into.first);
  }
}

}  // namespace

int main() {
  // begin: schedule
  const auto ring = rondo::schedule::all_reduce(rondo::ring{}, 8);
  const auto proof = rondo::schedule::prove(ring);  // throws, with step, rank and chunk, if unsound
  const rondo::schedule::network network{.latency = 5e-6, .bytes_per_second = 25e9};
  const double seconds = rondo::schedule::simulate(ring, network, 64 << 20);
  rondo::schedule::write_svg(ring, "ring.svg");
  // end: schedule
  std::printf("ring, 8 ranks: %d rounds, %lld messages, %.2f ms for 64 MiB. Rank 0:\n",
              proof.rounds, proof.messages, seconds * 1e3);
  print(ring.row(0));

  // begin: mutant
  auto broken = rondo::schedule::tabulate(ring);  // every step, written out, to be edited
  broken.rows[3].steps.pop_back();
  try {
    rondo::schedule::prove(broken);
  } catch (const rondo::error& refused) {
    std::printf("%s\n", refused.what());
    return 0;
  }
  // end: mutant
  throw std::logic_error("a broken schedule was not refused");
}
