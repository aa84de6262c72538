// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: expert_parallel: tokens go to experts from the rank that holds them
#include <rondo/tensor/experts/expert_parallel.hpp>
#include <rondo/tensor/team.hpp>
#include <rondo/transport/threads/run.hpp>

struct kernels {
  void forward(std::size_t, rondo::matrix<const float>, rondo::matrix<float>) const {}
  void backward(std::size_t, rondo::matrix<const float>, rondo::matrix<const float>,
                rondo::matrix<float>) const {}
};
using team = rondo::team<rondo::threads::communicator, "expert">;
#if defined(RONDO_CONTROL)
using users_tokens = rondo::sharded<float, 0, "expert">;
#else
using users_tokens = rondo::replicated<float, "expert">;  // every rank would send every token
#endif

void call(rondo::expert_parallel<team, kernels>& experts, rondo::expert_pass<float>& pass,
          const users_tokens& x, const rondo::routing<float>& chosen) {
  experts.forward(pass, x, chosen, x);
}
