// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "harness/faulty_calls.hpp"
#include "ranks.hpp"

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <list>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include <unistd.h>

// Random calls with one planted fault, through shared memory and through messages. Whatever the
// fault: nobody hangs, a rank that returns has right results, one rank's error is everybody's, and
// all can go on. Fewer cases than on thread ranks: an MPI library has 2,000 communicators or so,
// and one that failed is never given back.
using namespace faulty;
using namespace ranks;

namespace {

using std::chrono::milliseconds;

constexpr int faults = 13;

struct step : request {
  bool by_name;  ///< an algorithm other than automatic
  friend bool operator==(const step&, const step&) = default;
};

struct scenario {
  bool shared;
  std::vector<step> steps;
  fault planted;
  int culprit;
  std::size_t at;
};

/// Faults that ranks may find only when they have waited for long.
bool ends_by_deadline(fault planted) {
  return planted == fault::late || planted == fault::leaves || planted == fault::throws;
}

scenario roll(std::uint64_t seed, int size) {
  dice with{seed};
  scenario made{with.once_in(2), {}, fault::none, 0, 0};
  const int length = 1 + with.below(5);
  constexpr std::size_t counts[] = {0, 1, 5, 15, 100, 700, 2500};
  for (int i = 0; i < length; ++i) {
    made.steps.push_back({{static_cast<kind>(with.below(collectives)), counts[with.below(7)],
                           with.below(size), with.once_in(2), with.once_in(2)},
                          with.once_in(3)});
  }
  made.planted = static_cast<fault>(with.below(faults));
  if (ends_by_deadline(made.planted) && !with.once_in(3)) {
    made.planted = fault::extra;
  }
  made.culprit = with.below(size);
  made.at = static_cast<std::size_t>(with.below(length));
  return made;
}

/// What the culprit calls at the step of the fault; it may be the same call after all.
step spoilt(step one, fault how, int size) {
  one.spoil(how, size);
  one.by_name = one.by_name != (how == fault::algorithm);
  return one;
}

/// What operations do at one step: as ever, or by a callable that throws on one rank.
enum class operating { plainly, by_callable, throwing };

/// MPI may read what a failed call was sending until the process ends.
template <class T>
std::vector<T>& kept(std::vector<T> values) {
  static std::list<std::vector<T>> all;
  return all.emplace_back(std::move(values));
}

/// Makes the call; whether its result is right.
template <class T>
bool make(rondo::mpi::communicator& comm, const step& one, operating how) {
  std::vector<T> given(one.given(comm.size()));
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i] = value<T>(0, comm.rank(), i);
  }
  auto& in = kept(given);
  auto& out = kept(std::vector<T>(one.got(comm.size()), untouched<T>));
  const rondo::root root{one.root};
  const auto by = [&](auto named, const auto& call) {
    one.by_name ? call(named) : call(rondo::automatic{});
  };
  const auto fold = [&](auto named, const auto& call) {
    by(named, [&](auto algorithm) {
      if (how != operating::plainly) {
        call(algorithm, [throws = how == operating::throwing, most = one.largest](T a, T b) {
          return throws ? throw std::runtime_error("planted") : most ? (std::max)(a, b) : a + b;
        });
      } else if (one.largest) {
        call(algorithm, rondo::op::max{});
      } else {
        call(algorithm, rondo::op::sum{});
      }
    });
  };
  switch (one.what) {
    case kind::all_reduce:
      fold(rondo::ring{}, [&](auto... with) { rondo::all_reduce(comm, in, out, with...); });
      break;
    case kind::reduce_scatter:
      fold(rondo::ring{}, [&](auto... with) { rondo::reduce_scatter(comm, in, out, with...); });
      break;
    case kind::all_gather:
      by(rondo::bruck{}, [&](auto with) { rondo::all_gather(comm, in, out, with); });
      break;
    case kind::all_to_all:
      by(rondo::bruck{}, [&](auto with) { rondo::all_to_all(comm, in, out, with); });
      break;
    case kind::broadcast:
      out = given;
      by(rondo::tree{}, [&](auto with) { rondo::broadcast(comm, out, root, with); });
      break;
    case kind::reduce:
      fold(rondo::tree{}, [&](auto... with) { rondo::reduce(comm, in, out, root, with...); });
      break;
    case kind::gather:
      by(rondo::tree{}, [&](auto with) { rondo::gather(comm, in, out, root, with); });
      break;
    case kind::scatter:
      by(rondo::tree{}, [&](auto with) { rondo::scatter(comm, in, out, root, with); });
      break;
    case kind::barrier:
      by(rondo::tree{}, [&](auto with) { rondo::barrier(comm, with); });
      return true;
    case kind::shift:
    case kind::team:
      break;  // not made here
  }
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] != result<T>(one, 0, comm.rank(), comm.size(), i)) {
      return false;
    }
  }
  return true;
}

bool make(rondo::mpi::communicator& comm, const step& one, operating how = operating::plainly) {
  return one.integers ? make<std::int32_t>(comm, one, how) : make<float>(comm, one, how);
}

struct left_early {};

/// All of one rank's calls; whether the results are right, as long as all make the same calls.
bool play(rondo::mpi::communicator& comm, const scenario& of, milliseconds deadline) {
  bool right = true;
  for (std::size_t i = 0; i < of.steps.size(); ++i) {
    const step& one = of.steps[i];
    const bool trusted = i < of.at || of.planted == fault::none;
    const bool by_callable = of.planted == fault::operation_throws && i == of.at;
    if (comm.rank() != of.culprit || i != of.at) {
      const auto how = by_callable ? operating::by_callable : operating::plainly;
      right = (make(comm, one, how) || !trusted) && right;
      continue;
    }
    switch (of.planted) {
      case fault::skipped:
        break;
      case fault::extra:
        make(comm, {{kind::barrier, 0, 0, false, false}, false});
        make(comm, one);
        break;
      case fault::swapped:
        if (i + 1 < of.steps.size()) {
          make(comm, of.steps[++i]);
        }
        make(comm, one);
        break;
      case fault::operation_throws:
        make(comm, one, operating::throwing);
        break;
      case fault::leaves:
        throw left_early{};
      case fault::throws:
        throw std::runtime_error("planted");
      case fault::late:
        std::this_thread::sleep_for(3 * deadline);
        make(comm, one);
        break;
      default: {
        const bool good = make(comm, spoilt(one, of.planted, comm.size()));
        right = (good || !trusted) && right;
        break;
      }
    }
  }
  // Who was done before the fault hears of it here; through messages alone, who finds that all were
  // sent to it before the others gave up, when it next waits.
  rondo::barrier(comm, rondo::bruck{});
  rondo::barrier(comm, rondo::bruck{});
  return right;
}

/// Whether ranks make calls that differ; nothing if that depends on who folds.
std::optional<bool> must_fail(const scenario& of, int size) {
  const step& one = of.steps[of.at];
  const bool last = of.at + 1 == of.steps.size();
  switch (of.planted) {
    case fault::none:
      return false;
    case fault::operation_throws:
      return one.folds() ? std::nullopt : std::optional{false};
    case fault::swapped:
      return !last && !(of.steps[of.at + 1] == one);
    case fault::skipped:
    case fault::extra:
    case fault::leaves:
    case fault::late:
    case fault::throws:
      return true;
    default:
      return !(spoilt(one, of.planted, size) == one);
  }
}

/// Empty if all went as it must on this rank, else what did not. Every rank calls this.
std::string verdict(const scenario& of) {
  const int size = world_size();
  const bool by_deadline = ends_by_deadline(of.planted);
  const milliseconds deadline{by_deadline ? 500 : 20000};
  std::optional<rondo::mpi::communicator> comm{of.shared ? in_shared_memory(deadline)
                                                         : by_messages(deadline)};
  const int rank = comm->rank();
  std::string error;
  bool right = true;
  MPI_Barrier(MPI_COMM_WORLD);
  const double begun = MPI_Wtime();
  try {
    if (of.planted == fault::throws && rank == of.culprit) {
      auto unwound = std::move(*comm);
      right = play(unwound, of, deadline);
    } else {
      right = play(*comm, of, deadline);
    }
  } catch (const left_early&) {
    comm.reset();
    error = "left";
  } catch (const std::exception& thrown) {
    error = thrown.what();
  }
  const double seconds = MPI_Wtime() - begun;

  int failed = error.empty() ? 0 : 1;
  MPI_Allreduce(MPI_IN_PLACE, &failed, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
  const auto expected = must_fail(of, size);
  const std::string culprit = "rank " + std::to_string(of.culprit);
  std::string complaint;
  if (!right) {
    complaint = "a wrong result";
  } else if (failed != 0 && failed != size) {
    complaint = std::to_string(failed) + " ranks caught an error, this one: '" + error + "'";
  } else if (expected && *expected != (failed != 0)) {
    complaint = failed != 0 ? "an error without a fault: " + error : "nobody noticed";
  } else if (failed != 0 && rank != of.culprit && of.planted != fault::late &&
             (of.shared || !by_deadline) && error.find(culprit) == std::string::npos) {
    complaint = "an error that does not name " + culprit + ": " + error;
  } else if (!by_deadline && seconds > 15) {
    complaint = "it took " + std::to_string(seconds) + " s: " + error;
  }
  if (!by_deadline) {
    auto rest = comm->shrink();
    std::vector<int> one{1};
    rondo::all_reduce(rest, one);
    if (one[0] != size) {
      complaint += " and then " + std::to_string(one[0]) + " survivors";
    }
    try {
      rondo::barrier(*comm);
      complaint += " and then a call on the communicator that was left";
    } catch (const rondo::revoked&) {
    } catch (const rondo::error& thrown) {
      complaint += failed != 0 ? "" : std::string{" and then "} + thrown.what();
    }
  }
  return complaint;
}

volatile std::uint64_t running = 0;

}  // namespace

TEST_CASE("mpi: whatever one rank does wrong, nobody hangs, all are told and all can go on") {
  std::signal(SIGALRM, [](int) {
    std::fprintf(stderr, "mpi faults: RONDO_FAULT_SEED=%llu hangs\n",
                 static_cast<unsigned long long>(running));
    _exit(1);
  });
  const auto first = setting("RONDO_FAULT_SEED", 20261127);
  const auto cases = setting("RONDO_FAULT_CASES", 100);
  int complaints = 0;
  for (std::uint64_t seed = first; seed < first + cases && complaints == 0; ++seed) {
    running = seed;
    alarm(60);
    const scenario of = roll(seed, world_size());
    const std::string complaint = verdict(of);
    complaints = complaint.empty() ? 0 : 1;
    MPI_Allreduce(MPI_IN_PLACE, &complaints, 1, MPI_INT, MPI_SUM, MPI_COMM_WORLD);
    INFO("RONDO_FAULT_SEED=" << seed << (of.shared ? " shared" : " messages") << ", fault "
                             << static_cast<int>(of.planted) << " on rank " << of.culprit << " of "
                             << world_size() << " at step " << of.at << " of " << of.steps.size());
    CHECK(complaint == "");
  }
  alarm(0);
}
