// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
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
//   RONDO_FAULT_SEED=<seed of the failed case> RONDO_FAULT_CASES=1   repeats a case
using namespace ranks;

namespace {

using std::chrono::milliseconds;

class dice {
 public:
  explicit dice(std::uint64_t seed) : state_{seed * 0x9e3779b97f4a7c15u + 1} {}
  int below(int limit) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<int>((state_ >> 33) % static_cast<std::uint64_t>(limit));
  }
  bool once_in(int times) { return below(times) == 0; }

 private:
  std::uint64_t state_;
};

enum class kind { all_reduce, reduce_scatter, all_gather, all_to_all, broadcast, reduce, gather,
                  scatter, barrier };
constexpr int kinds = 9;

enum class fault { none, count, type, operation, algorithm, root, skipped, extra, swapped,
                   operation_throws, leaves, late };
constexpr int faults = 12;

struct step {
  kind what;
  std::size_t count;
  int root;
  bool integers;
  bool largest;  ///< max instead of sum
  bool by_name;  ///< an algorithm other than automatic
  friend bool operator==(const step&, const step&) = default;
  [[nodiscard]] bool folds() const {
    return what == kind::all_reduce || what == kind::reduce_scatter || what == kind::reduce;
  }
  [[nodiscard]] bool rooted() const {
    return what == kind::broadcast || what == kind::reduce || what == kind::gather ||
           what == kind::scatter;
  }
};

struct scenario {
  bool shared;
  std::vector<step> steps;
  fault planted;
  int culprit;
  std::size_t at;
};

scenario roll(std::uint64_t seed, int size) {
  dice with{seed};
  scenario made{with.once_in(2), {}, fault::none, 0, 0};
  const int length = 1 + with.below(5);
  constexpr std::size_t counts[] = {0, 1, 5, 15, 100, 700, 2500};
  for (int i = 0; i < length; ++i) {
    made.steps.push_back({static_cast<kind>(with.below(kinds)), counts[with.below(7)],
                          with.below(size), with.once_in(2), with.once_in(2), with.once_in(3)});
  }
  made.planted = static_cast<fault>(with.below(faults));
  if ((made.planted == fault::late || made.planted == fault::leaves) && !with.once_in(3)) {
    made.planted = fault::extra;  // those end by the deadline
  }
  made.culprit = with.below(size);
  made.at = static_cast<std::size_t>(with.below(length));
  return made;
}

/// What the culprit calls at the step of the fault; it may be the same call after all.
step spoilt(step one, fault how, int size) {
  switch (how) {
    case fault::count: one.count += one.what == kind::barrier ? 0 : 1; break;
    case fault::type: one.integers = one.integers != (one.what != kind::barrier); break;
    case fault::operation: one.largest = one.largest != one.folds(); break;
    case fault::algorithm: one.by_name = !one.by_name; break;
    case fault::root: one.root = one.rooted() ? (one.root + 1) % size : one.root; break;
    default: break;
  }
  return one;
}

template <class T>
T value(int rank, std::size_t i) {
  return static_cast<T>((static_cast<std::size_t>(rank * 3) + i * 7) % 4);
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
  const auto n = static_cast<std::size_t>(comm.size());
  const auto self = static_cast<std::size_t>(comm.rank());
  const bool all_in = one.what == kind::reduce_scatter || one.what == kind::all_to_all ||
                      one.what == kind::scatter;
  const bool all_out = one.what == kind::all_gather || one.what == kind::all_to_all ||
                       one.what == kind::gather;
  std::vector<T> given(one.count * (all_in ? n : 1));
  for (std::size_t i = 0; i < given.size(); ++i) {
    given[i] = value<T>(comm.rank(), i);
  }
  auto& in = kept(given);
  auto& out = kept(std::vector<T>(one.count * (all_out ? n : 1), T{99}));
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
  }
  const auto folded = [&](std::size_t i) {
    T all = value<T>(0, i);
    for (int rank = 1; rank < comm.size(); ++rank) {
      all = one.largest ? (std::max)(all, value<T>(rank, i)) : all + value<T>(rank, i);
    }
    return all;
  };
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int from = static_cast<int>(i / one.count);
    const bool is_root = comm.rank() == one.root;
    T expected = T{99};
    switch (one.what) {
      case kind::all_reduce: expected = folded(i); break;
      case kind::reduce_scatter: expected = folded(self * one.count + i); break;
      case kind::all_gather: expected = value<T>(from, i % one.count); break;
      case kind::all_to_all: expected = value<T>(from, self * one.count + i % one.count); break;
      case kind::broadcast: expected = value<T>(one.root, i); break;
      case kind::reduce: expected = is_root ? folded(i) : expected; break;
      case kind::gather: expected = is_root ? value<T>(from, i % one.count) : expected; break;
      case kind::scatter: expected = value<T>(one.root, self * one.count + i); break;
      case kind::barrier: break;
    }
    if (out[i] != expected) {
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
      case fault::skipped: break;
      case fault::extra:
        make(comm, {kind::barrier, 0, 0, false, false, false});
        make(comm, one);
        break;
      case fault::swapped:
        if (i + 1 < of.steps.size()) {
          make(comm, of.steps[++i]);
        }
        make(comm, one);
        break;
      case fault::operation_throws: make(comm, one, operating::throwing); break;
      case fault::leaves: throw left_early{};
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
    case fault::none: return false;
    case fault::operation_throws: return one.folds() ? std::nullopt : std::optional{false};
    case fault::swapped: return !last && !(of.steps[of.at + 1] == one);
    case fault::skipped:
    case fault::extra:
    case fault::leaves:
    case fault::late: return true;
    default: return !(spoilt(one, of.planted, size) == one);
  }
}

/// Empty if all went as it must on this rank, else what did not. Every rank calls this.
std::string verdict(const scenario& of) {
  const int size = world_size();
  const bool by_deadline = of.planted == fault::late || of.planted == fault::leaves;
  const milliseconds deadline{by_deadline ? 500 : 20000};
  std::optional<rondo::mpi::communicator> comm{of.shared ? in_shared_memory(deadline)
                                                         : by_messages(deadline)};
  const int rank = comm->rank();
  std::string error;
  bool right = true;
  MPI_Barrier(MPI_COMM_WORLD);
  const double begun = MPI_Wtime();
  try {
    right = play(*comm, of, deadline);
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
  } else if (of.shared && failed != 0 && rank != of.culprit && of.planted != fault::late &&
             error.find(culprit) == std::string::npos) {
    complaint = "an error that does not name " + culprit + ": " + error;
  } else if (!by_deadline && seconds > 15) {
    complaint = "it took " + std::to_string(seconds) + " s: " + error;
  }
  if (of.planted != fault::leaves && of.planted != fault::late) {
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

std::uint64_t setting(const char* name, std::uint64_t fallback) {
  const char* given = std::getenv(name);
  return given != nullptr ? std::strtoull(given, nullptr, 10) : fallback;
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
