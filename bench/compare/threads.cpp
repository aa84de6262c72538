// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// rondo's collectives on thread ranks, timed as every other program of this folder times its own.
#include "library.hpp"
#include "rondo_library.hpp"
#include "team.hpp"

#include <rondo/rondo.hpp>

namespace {

template <class Algorithm>
void compare(const bench::options& with, const char* variant, const Algorithm& algorithm) {
  if (!with.wants(variant)) {
    return;
  }
  bench::team all{with.ranks};
  rondo::threads::run(with.ranks, [&](auto& comm) {
    with.settle(comm.rank());
    bench::team::member here{all, comm.rank()};
    bench::run_all(with, "rondo threads", variant, here, bench::rondo_library{comm, algorithm});
  });
}

}  // namespace

int main(int argc, char** argv) {
  const bench::options with{argc, argv};
  compare(with, "automatic", rondo::automatic{});
  if (with.variants.empty()) {
    return 0;
  }
  compare(with, "one_shot", rondo::one_shot{});
  compare(with, "two_shot", rondo::two_shot{});
  compare(with, "ring", rondo::ring{});
  compare(with, "tree", rondo::tree{});
  compare(with, "recursive_doubling", rondo::recursive_doubling{});
  compare(with, "halving_doubling", rondo::halving_doubling{});
}
