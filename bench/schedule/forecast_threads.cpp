// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// forecast_threads --ranks N [--sizes bytes,..]: measured and simulated times on thread ranks.
#include "../compare/team.hpp"
#include "forecast.hpp"

#include <rondo/transport/threads/run.hpp>

int main(int argc, char** argv) {
  const bench::options with = bench::forecast_options(argc, argv);
  bench::forecast all{with};
  bench::team clocks{with.ranks};
  rondo::threads::run(with.ranks, [&](auto& comm) {
    with.settle(comm.rank());
    bench::team::member here{clocks, comm.rank()};
    bench::forecast others{with};
    (comm.rank() == 0 ? all : others).run(comm, here);
  });
}
