// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
// expect-error: rondo: federated_average: parameters are float or double
// expect-error: rondo: secure_average: parameters are float or double
#include <rondo/data/federated_average.hpp>
#include <rondo/data/secure_average.hpp>
#include <rondo/transport/threads/communicator.hpp>

#include <vector>

#ifdef RONDO_CONTROL
using element = double;
#else
using element = long double;
#endif

void average(rondo::threads::communicator& comm, std::vector<element>& parameters) {
  rondo::data::federated_average(comm, parameters, 7);
  rondo::data::secure_average(comm, parameters, 1, {},
                              [](int) { return rondo::data::chacha20_key{}; });
}
