// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "check.hpp"

#include <rondo/codec.hpp>
#include <rondo/rondo.hpp>

#include <cmath>
#include <numeric>
#include <span>
#include <vector>

namespace {

// begin: types
// The one line to change for MPI ranks: rondo::mpi::communicator.
using communicator = rondo::threads::communicator;

float mean_loss(communicator& comm, float loss);

template <class Comm>  // for both at once, in a header
void clip(Comm& comm, std::span<float> gradient, float most);
// end: types

// begin: one_number
float mean_loss(communicator& comm, float loss) {
  rondo::all_reduce(comm, std::span{&loss, 1}, rondo::op::average{});
  return loss;
}
// end: one_number

// begin: clip
template <class Comm>
void clip(Comm& comm, std::span<float> gradient, float most) {
  rondo::all_reduce(comm, gradient, rondo::op::average{});  // every rank has all of it now,
  double squares = 0;                                       // so the norm needs no other rank
  for (const float slope : gradient) {
    squares += static_cast<double>(slope) * static_cast<double>(slope);
  }
  const double norm = std::sqrt(squares);
  for (float& slope : gradient) {
    slope *= norm > most ? static_cast<float>(most / norm) : 1.0f;
  }
}
// end: clip

}  // namespace

int main() {
  rondo::threads::run(4, [](communicator& comm) {
    check(mean_loss(comm, static_cast<float>(comm.rank())) == 1.5f, "the mean of 0 to 3");

    std::vector<float> slopes(16, static_cast<float>(comm.rank()));
    clip(comm, slopes, 3.0f);
    check(std::abs(slopes[0] - 0.75f) < 1e-6f, "a norm of 6 is clipped to 3");

    // begin: split
    const bool evaluates = comm.rank() == 0;  // was MPI_UNDEFINED on this rank
    auto team = comm.split(evaluates ? 1 : 0);
    if (!evaluates) {
      rondo::all_reduce(team, slopes);  // ranks 1 to 3
    }
    // end: split
    check(team.size() == (evaluates ? 1 : 3), "one rank apart");

    std::vector<float> gradient(2048);
    std::iota(gradient.begin(), gradient.end(), static_cast<float>(comm.rank()));
    const int steps = 2;
    // begin: residual
    std::vector<float> residual(gradient.size());  // zeros; outlives the loop, saved with the model
    for (int step = 0; step < steps; ++step) {
      // ... the backward pass writes `gradient` ...
      rondo::all_reduce(comm, gradient, rondo::op::average{},
                        rondo::codec::error_feedback{rondo::codec::int4<32>{}, residual});
    }
    // end: residual
    check(std::abs(gradient[1000] - 1001.5f) < 200, "the average, in 4 bits");
  });
}
