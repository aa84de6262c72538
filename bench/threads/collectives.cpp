// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Every collective, and every algorithm of all-reduce, over sizes.
#include "ranks.hpp"

namespace {

void register_all() {
  for (const int ranks : {2, 4, 8}) {
    for (std::size_t bytes = 8; bytes <= std::size_t{256} << 20; bytes *= 8) {
      bench::on_ranks<float>("all_reduce", ranks, bytes, [](auto& comm, auto& in, auto& out) {
        rondo::all_reduce(comm, in, out);
      });
      bench::on_ranks<float>("all_reduce/in_place", ranks, bytes,
                             [](auto& comm, auto&, auto& out) { rondo::all_reduce(comm, out); });
      bench::on_ranks<float>("all_reduce/one_shot", ranks, bytes,
                             [](auto& comm, auto& in, auto& out) {
                               rondo::all_reduce(comm, in, out, rondo::one_shot{});
                             });
      bench::on_ranks<float>("all_reduce/two_shot", ranks, bytes,
                             [](auto& comm, auto& in, auto& out) {
                               rondo::all_reduce(comm, in, out, rondo::two_shot{});
                             });
      bench::on_ranks<float>("all_reduce/ring", ranks, bytes, [](auto& comm, auto& in, auto& out) {
        rondo::all_reduce(comm, in, out, rondo::ring{});
      });
      bench::on_ranks<float>("broadcast", ranks, bytes,
                             [](auto& comm, auto&, auto& out) { rondo::broadcast(comm, out); });
      bench::on_ranks<float>("reduce", ranks, bytes,
                             [](auto& comm, auto& in, auto& out) { rondo::reduce(comm, in, out); });
      const auto block = [](auto& comm, auto& whole) {
        return std::span{whole}.first(
            std::max<std::size_t>(whole.size() / static_cast<std::size_t>(comm.size()), 1));
      };
      if (bytes < 64) {
        continue;
      }
      bench::on_ranks<float>("all_gather", ranks, bytes, [=](auto& comm, auto& in, auto& out) {
        rondo::all_gather(comm, block(comm, in), out);
      });
      bench::on_ranks<float>("reduce_scatter", ranks, bytes, [=](auto& comm, auto& in, auto& out) {
        auto to = block(comm, out);
        rondo::reduce_scatter(comm, in, to);
      });
      bench::on_ranks<float>("all_to_all", ranks, bytes, [](auto& comm, auto& in, auto& out) {
        rondo::all_to_all(comm, in, out);
      });
    }
    bench::on_ranks<float>("barrier", ranks, 0,
                           [](auto& comm, auto&, auto&) { rondo::barrier(comm); });
  }
}

}  // namespace

int main(int argc, char** argv) {
  register_all();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
