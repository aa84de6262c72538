// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: a team is for layers; a collective takes its communicator: team.comm\(\)
#include <rondo/rondo.hpp>
#include <rondo/tensor/team.hpp>

#include <vector>

void call(const rondo::team<rondo::threads::communicator, "data">& data,
          std::vector<float>& gradient) {
#if defined(RONDO_CONTROL)
  rondo::all_reduce(data.comm(), gradient);
#else
  rondo::all_reduce(data, gradient);
#endif
}
