// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Gloo's all-reduce over TCP loopback, one thread per rank (the distribution's package has no
// shared-memory transport).
#include "library.hpp"

#include <gloo/allreduce.h>
#include <gloo/barrier.h>
#include <gloo/math.h>
#include <gloo/rendezvous/context.h>
#include <gloo/rendezvous/hash_store.h>
#include <gloo/transport/tcp/device.h>

#include "team.hpp"

namespace {

struct library {
  std::shared_ptr<gloo::Context> context;

  [[nodiscard]] int rank() const { return context->rank; }

  void all_reduce(const float* in, float* out, std::size_t count) const {
    gloo::AllreduceOptions call{context};
    if (in != out) {
      call.setInput(const_cast<float*>(in), count);
    }
    call.setOutput(out, count);
    call.setAlgorithm(gloo::AllreduceOptions::Algorithm::RING);
    call.setReduceFunction([](void* to, const void* a, const void* b, std::size_t n) {
      gloo::sum<float>(to, a, b, n);
    });
    gloo::allreduce(call);
  }
  void barrier() const {
    gloo::BarrierOptions call{context};
    gloo::barrier(call);
  }
};

}  // namespace

int main(int argc, char** argv) {
  const bench::options with{argc, argv};
  gloo::rendezvous::HashStore store;
  auto device = gloo::transport::tcp::CreateDevice("localhost");
  bench::team::run(with, [&](bench::team::member& here, int rank) {
    auto context = std::make_shared<gloo::rendezvous::Context>(rank, with.ranks);
    context->connectFullMesh(store, device);
    bench::run_all(with, "Gloo", "ring", here, library{context});
  });
}
