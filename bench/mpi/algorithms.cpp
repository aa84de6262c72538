// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// mpirun -n N algorithms [collective [smallest largest [passes]]]: microseconds per call of every
// algorithm over messages, of MPI's own collective and of the shared window, fp32 sum. Interleaved;
// of `passes` passes the fastest fifth is printed, which a busy machine disturbs least.
#include "microseconds.hpp"

#include <rondo/mpi.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

namespace {

using bench::microseconds;
using rondo::schedule::collective;

struct settings {
  std::size_t smallest = 8;
  std::size_t largest = 8 << 20;
  int passes = 9;
};

/// One call of collective `What` whose larger buffer has `count` elements.
template <collective What, class Comm, class Algorithm>
void call(Comm& comm, std::vector<float>& a, std::vector<float>& b, std::size_t count,
          const Algorithm& algorithm) {
  const auto ranks = static_cast<std::size_t>(comm.size());
  const std::span<float> whole{a.data(), count};
  const std::span<float> other{b.data(), count};
  const auto part = other.first(count / ranks);
  const auto even = whole.first(count / ranks * ranks);
  if constexpr (What == collective::all_reduce) {
    rondo::all_reduce(comm, whole, other, algorithm);
  } else if constexpr (What == collective::reduce) {
    rondo::reduce(comm, whole, other, algorithm);
  } else if constexpr (What == collective::broadcast) {
    rondo::broadcast(comm, whole, algorithm);
  } else if constexpr (What == collective::all_gather) {
    rondo::all_gather(comm, part, even, algorithm);
  } else if constexpr (What == collective::reduce_scatter) {
    rondo::reduce_scatter(comm, even, part, algorithm);
  } else if constexpr (What == collective::all_to_all) {
    rondo::all_to_all(comm, even, other.first(even.size()), algorithm);
  } else if constexpr (What == collective::gather) {
    rondo::gather(comm, part, even, algorithm);
  } else {
    rondo::scatter(comm, even, part, algorithm);
  }
}

template <collective What, class Visit>
void for_each_algorithm(const Visit& visit) {
  const auto one = [&]<class Algorithm>(Algorithm algorithm) {
    if constexpr (rondo::schedule::generates<Algorithm, What>) {
      visit(algorithm);
    }
  };
  std::apply([&](auto... each) { (one(each), ...); },
             std::tuple<rondo::ring, rondo::tree, rondo::recursive_doubling,
                        rondo::halving_doubling, rondo::bruck, rondo::one_shot, rondo::two_shot>{});
}

template <collective What>
void measure(const std::string& wanted, const settings& with) {
  const std::string name{rondo::schedule::name_of(What)};
  if (!wanted.empty() && wanted != name) {
    return;
  }
  rondo::mpi::communicator near{MPI_COMM_WORLD};
  rondo::mpi::communicator far{MPI_COMM_WORLD, {.memory = rondo::mpi::options::memory::messages}};
  const bool prints = near.rank() == 0;
  if (prints) {
    std::printf("\n%s, %d ranks, microseconds\n%10s %11s %11s %11s", name.c_str(), near.size(),
                "bytes", "native", "automatic", "window");
    for_each_algorithm<What>([](const auto& each) {
      std::printf(" %18.*s", static_cast<int>(each.name.size()), each.name.data());
    });
    std::puts("");
  }
  for (std::size_t bytes = with.smallest; bytes <= with.largest; bytes *= 4) {
    const std::size_t count =
        (std::max)(bytes / sizeof(float), static_cast<std::size_t>(near.size()));
    std::vector<float> a(count, 1.0f);
    std::vector<float> b(count, 1.0f);
    const auto native = [&] { call<What>(far, a, b, count, rondo::native{}); };
    const int repeats = static_cast<int>(std::clamp(2000.0 / microseconds(native, 3), 1.0, 1000.0));
    std::vector<std::vector<double>> times;
    for (int pass = 0; pass < with.passes; ++pass) {
      std::size_t column = 0;
      const auto add = [&](const auto& one) {
        times.resize((std::max)(times.size(), column + 1));
        times[column++].push_back(microseconds(one, repeats));
      };
      add(native);
      add([&] { call<What>(far, a, b, count, rondo::automatic{}); });
      add([&] { call<What>(near, a, b, count, rondo::automatic{}); });
      for_each_algorithm<What>(
          [&](const auto& each) { add([&] { call<What>(far, a, b, count, each); }); });
    }
    if (prints) {
      std::printf("%10zu", bytes);
      for (std::size_t column = 0; column < times.size(); ++column) {
        std::sort(times[column].begin(), times[column].end());
        std::printf(column < 3 ? " %11.2f" : " %18.2f", times[column][times[column].size() / 5]);
      }
      std::puts("");
      std::fflush(stdout);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_SERIALIZED, &level);
  settings with;
  const std::string wanted = argc > 1 ? argv[1] : "";
  if (argc > 3) {
    with.smallest = std::strtoull(argv[2], nullptr, 10);
    with.largest = std::strtoull(argv[3], nullptr, 10);
  }
  if (argc > 4) {
    with.passes = std::atoi(argv[4]);
  }
  measure<collective::all_reduce>(wanted, with);
  measure<collective::reduce>(wanted, with);
  measure<collective::broadcast>(wanted, with);
  measure<collective::all_gather>(wanted, with);
  measure<collective::reduce_scatter>(wanted, with);
  measure<collective::all_to_all>(wanted, with);
  measure<collective::gather>(wanted, with);
  measure<collective::scatter>(wanted, with);
  MPI_Finalize();
}
