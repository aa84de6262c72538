// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include <rondo/mpi.hpp>
#include <rondo/rondo.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <vector>

// Before MPI_Init and after MPI_Finalize every call is refused in words. A program of its own, for
// it begins and ends MPI itself.
namespace {

template <class Body>
int refused(const char* what, const Body& body) {
  try {
    body();
  } catch (const rondo::error& thrown) {
    const std::string text = thrown.what();
    if (thrown.code() == rondo::error_code::transport &&
        text.find("MPI is not running") != std::string::npos) {
      return 0;
    }
    std::printf("%s: %s\n", what, text.c_str());
    return 1;
  }
  std::printf("%s is not refused\n", what);
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  int wrong = refused("a communicator before MPI_Init",
                      [] { rondo::mpi::communicator early{MPI_COMM_WORLD}; });
  int level = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &level);
  std::vector<int> values{1};
  std::optional<rondo::mpi::communicator> shared{MPI_COMM_WORLD};
  const rondo::mpi::options by_messages{.memory = rondo::mpi::options::memory::messages};
  std::optional<rondo::mpi::communicator> apart{std::in_place, MPI_COMM_WORLD, by_messages};
  rondo::all_reduce(*shared, values);
  rondo::all_reduce(*apart, values);
  MPI_Finalize();
  for (auto* comm : {&*shared, &*apart}) {
    wrong += refused("all_reduce", [&] { rondo::all_reduce(*comm, values); });
    wrong += refused("async", [&] { rondo::all_reduce(*comm, values, rondo::async{}).wait(); });
    wrong += refused("native", [&] { rondo::all_reduce(*comm, values, rondo::native{}); });
    wrong += refused("send", [&] { rondo::send(*comm, values, rondo::to{0}); });
    wrong += refused("split", [&] { static_cast<void>(comm->split(0)); });
    wrong += refused("shrink", [&] { static_cast<void>(comm->shrink()); });
  }
  wrong += refused("a communicator after MPI_Finalize",
                   [] { rondo::mpi::communicator late{MPI_COMM_WORLD}; });
  return wrong;
}
