// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
//
// Makes every mistake that docs/errors.md explains, and prints what rondo says to it.
#include <rondo/rondo.hpp>

#include <bit>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

/// Runs `body` on three ranks and prints the first failure.
template <class Body>
void show(const char* name, const Body& body) {
  try {
    rondo::threads::run(3, body, {.deadline = std::chrono::milliseconds{300}});
    throw std::logic_error(std::string{name} + ": no error");
  } catch (const rondo::error& failure) {
    std::printf("[%s] %s\n", name, failure.what());
  }
}

// begin: parameters
/// a + b, but no larger than `most`, which ranks must agree about.
struct saturating {
  static constexpr std::string_view name = "saturating";
  float most = 1;
  float operator()(float a, float b) const { return a + b < most ? a + b : most; }
  [[nodiscard]] std::uint64_t parameters() const { return std::bit_cast<std::uint32_t>(most); }
};
// end: parameters

}  // namespace

int main() {
  show("invalid_argument", [](auto& comm) {
    const std::vector<float> in(10);
    std::vector<float> out(9);
    rondo::all_reduce(comm, in, out);
  });
  show("invalid_root", [](auto& comm) {
    std::vector<float> values(10);
    rondo::broadcast(comm, values, rondo::root{3});
  });
  show("mismatch_count", [](auto& comm) {
    std::vector<float> values(comm.rank() == 1 ? 999 : 1000);
    rondo::all_reduce(comm, values);
  });
  show("mismatch_operation", [](auto& comm) {
    std::vector<float> values(1000);
    if (comm.rank() == 0) {
      rondo::all_reduce(comm, values, rondo::op::max{});
    } else {
      rondo::all_reduce(comm, values);
    }
  });
  show("mismatch_order", [](auto& comm) {
    std::vector<float> values(1000);
    if (comm.rank() == 2) {
      rondo::barrier(comm);
    }
    rondo::all_reduce(comm, values);
  });
  show("mismatch_parameters", [](auto& comm) {
    std::vector<float> values(1000);
    rondo::all_reduce(comm, values, saturating{comm.rank() == 1 ? 2.0F : 1.0F});
  });
  show("timeout", [](auto& comm) {
    std::vector<float> values(1000);
    if (comm.rank() == 1) {
      std::this_thread::sleep_for(std::chrono::seconds{1});
    }
    rondo::all_reduce(comm, values);
  });
  show("returned_early", [](auto& comm) {
    std::vector<float> values(1000);
    if (comm.rank() != 1) {
      rondo::all_reduce(comm, values);
    }
  });
  show("revoked", [](auto& comm) {
    std::vector<float> values(1000);
    if (comm.rank() == 2) {
      static_cast<void>(comm.shrink());
      return;
    }
    rondo::all_reduce(comm, values);
  });
  show("rank_failed", [](auto& comm) {
    if (comm.rank() == 1) {
      throw std::runtime_error("disk full");
    }
    rondo::barrier(comm);
  });
  show("unsound_schedule", [](auto&) {
    auto broken = rondo::schedule::tabulate(rondo::schedule::all_reduce(rondo::ring{}, 3));
    broken.rows[1].steps.erase(broken.rows[1].steps.begin());
    rondo::schedule::prove(broken);
  });
}
