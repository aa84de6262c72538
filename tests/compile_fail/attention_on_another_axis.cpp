// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: attention: the values lie on another axis than these ranks
#include "../tensor/attention.hpp"

#include <rondo/tensor/attention/head_attention.hpp>
#include <rondo/transport/threads/run.hpp>

using team = rondo::team<rondo::threads::communicator, "tensor">;
#if defined(RONDO_CONTROL)
using columns = rondo::sharded<float, 1, "tensor">;
#else
using columns = rondo::sharded<float, 1, "context">;
#endif

void call(const rondo::head_attention<team, attention::loops>& attend, const columns& q,
          const rondo::matrix<float>& lse) {
  attend.forward(q, q, q, q, lse);
}
