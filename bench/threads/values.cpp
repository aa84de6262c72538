// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// What is folded and with what: the named operations, the user's own, and 16-bit floats. Compare
// the items per second.
#include "ranks.hpp"

#include <rondo/core/float16.hpp>

namespace {

struct pair {
  float low;
  float high;
};

void register_all() {
  for (const int ranks : {2, 4}) {
    for (const std::size_t bytes :
         {std::size_t{8}, std::size_t{64} << 10, std::size_t{1} << 20, std::size_t{64} << 20}) {
      const auto fold = [=](auto example, const char* name, auto operation) {
        bench::on_ranks<decltype(example)>(
            std::string{"fold/"} + name, ranks, bytes,
            [=](auto& comm, auto& in, auto& out) { rondo::all_reduce(comm, in, out, operation); });
      };
      fold(float{}, "float/sum", rondo::op::sum{});
      fold(float{}, "float/max", rondo::op::max{});
      fold(float{}, "float/average", rondo::op::average{});
      fold(float{}, "float/callable", [](float a, float b) { return a + b; });
      fold(float{}, "float/callable_by_reference",
           [](const float& a, const float& b) { return a + b; });
      fold(pair{}, "pair/callable", [](pair a, pair b) {
        return pair{a.low + b.low, a.high + b.high};
      });
      fold(double{}, "double/sum", rondo::op::sum{});
      fold(rondo::bfloat16{}, "bfloat16/sum", rondo::op::sum{});
      fold(rondo::bfloat16{}, "bfloat16/average", rondo::op::average{});
      fold(rondo::half{}, "half/sum", rondo::op::sum{});
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
