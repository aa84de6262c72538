// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: attention: query, key, value and out are shards of the dimension that is split
#include "../tensor/attention.hpp"

#include <rondo/tensor/attention/ring_attention.hpp>
#include <rondo/transport/threads/run.hpp>

using team = rondo::team<rondo::threads::communicator, "context">;
#if defined(RONDO_CONTROL)
using rows = rondo::sharded<float, 0, "context">;
#else
using rows = rondo::sharded<float, 1, "context">;  // heads: a ring goes over tokens
#endif

void call(rondo::ring_attention<team, attention::loops>& ring, const rows& q,
          const rondo::matrix<float>& lse) {
  ring.forward(q, q, q, q, lse);
}
