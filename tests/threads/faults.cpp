// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "harness/faulty_calls.hpp"

#include <rondo/rondo.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

// Random calls on random groups with one planted fault. Whatever the fault: nobody hangs, a rank
// that returns has right results, and an error on an innocent rank names the culprit.
namespace {

using namespace faulty;
using std::chrono::milliseconds;

constexpr int faults = 13;

struct step : request {
  int algorithm;
  bool begun;  ///< async
  bool dropped;
  int id;
};

/// One call with its buffers, which live until the rank ends.
struct act {
  virtual ~act() = default;
  virtual std::optional<rondo::pending> make(rondo::threads::communicator& comm, bool throws) = 0;
  [[nodiscard]] virtual bool right() const = 0;
};

template <class T>
class act_on : public act {
 public:
  act_on(const step& one, int rank, int size)
      : one_{one}, rank_{rank}, size_{size}, out_(one.got(size), untouched<T>) {
    for (std::size_t i = 0; i < one.given(size); ++i) {
      in_.push_back(value<T>(one.id, rank, i));
    }
  }

  std::optional<rondo::pending> make(rondo::threads::communicator& comm, bool throws) override {
    const rondo::root root{one_.root};
    const auto folded = [throws, largest = one_.largest](T a, T b) {
      return throws ? throw std::runtime_error("planted") : largest ? (std::max)(a, b) : a + b;
    };
    const auto with_operation = [&](const auto& call) {
      if (throws) {
        return call(folded);
      }
      return one_.largest ? call(rondo::op::max{}) : call(rondo::op::sum{});
    };
    switch (one_.what) {
      case kind::all_reduce:
        return with_operation([&](auto operation) {
          return by_algorithm(
              [&](auto... given) {
                return rondo::all_reduce(comm, in_, out_, operation, given...);
              },
              rondo::automatic{}, rondo::ring{}, rondo::recursive_doubling{});
        });
      case kind::reduce_scatter:
        return with_operation([&](auto operation) {
          return by_algorithm(
              [&](auto... given) {
                return rondo::reduce_scatter(comm, in_, out_, operation, given...);
              },
              rondo::automatic{}, rondo::ring{});
        });
      case kind::all_gather:
        return by_algorithm(
            [&](auto... given) { return rondo::all_gather(comm, in_, out_, given...); },
            rondo::automatic{}, rondo::bruck{});
      case kind::all_to_all:
        return by_algorithm(
            [&](auto... given) { return rondo::all_to_all(comm, in_, out_, given...); },
            rondo::automatic{}, rondo::bruck{});
      case kind::broadcast:
        out_ = in_;
        return by_algorithm(
            [&](auto... given) { return rondo::broadcast(comm, out_, root, given...); },
            rondo::automatic{}, rondo::tree{});
      case kind::reduce:
        return with_operation([&](auto operation) {
          return by_algorithm(
              [&](auto... given) {
                return rondo::reduce(comm, in_, out_, root, operation, given...);
              },
              rondo::automatic{}, rondo::tree{});
        });
      case kind::gather:
        return by_algorithm(
            [&](auto... given) { return rondo::gather(comm, in_, out_, root, given...); },
            rondo::automatic{}, rondo::tree{});
      case kind::scatter:
        return by_algorithm(
            [&](auto... given) { return rondo::scatter(comm, in_, out_, root, given...); },
            rondo::automatic{}, rondo::tree{});
      case kind::barrier:
        return by_algorithm([&](auto... given) { return rondo::barrier(comm, given...); },
                            rondo::automatic{}, rondo::bruck{});
      case kind::shift: {
        const rondo::to next{(rank_ + 1) % size_};
        const rondo::from before{(rank_ + size_ - 1) % size_};
        if (size_ == 1) {
          out_ = in_;
        } else if (rank_ % 2 == 0) {
          rondo::send(comm, in_, next, rondo::tag{one_.root});
          rondo::receive(comm, out_, before, rondo::tag{one_.root});
        } else {
          rondo::receive(comm, out_, before, rondo::tag{one_.root});
          rondo::send(comm, in_, next, rondo::tag{one_.root});
        }
        return {};
      }
      case kind::team: {
        auto team = comm.split(rank_ % 2);
        out_ = in_;
        rondo::all_reduce(team, out_);
        return {};
      }
    }
    return {};
  }

  [[nodiscard]] bool right() const override {
    for (std::size_t i = 0; i < out_.size(); ++i) {
      if (out_[i] != result<T>(one_, one_.id, rank_, size_, i)) {
        return false;
      }
    }
    return true;
  }

 private:
  template <class Call, class First, class... Rest>
  std::optional<rondo::pending> by_algorithm(const Call& call, First first, Rest... rest) {
    if constexpr (sizeof...(Rest) > 0) {
      if (one_.algorithm % (1 + static_cast<int>(sizeof...(Rest))) != 0) {
        --one_.algorithm;
        return by_algorithm(call, rest...);
      }
    }
    if (one_.begun) {
      return call(first, rondo::async{});
    }
    call(first);
    return {};
  }

  step one_;
  int rank_;
  int size_;
  std::vector<T> in_{};
  std::vector<T> out_;
};

std::unique_ptr<act> act_for(const step& one, int rank, int size) {
  if (one.integers) {
    return std::make_unique<act_on<std::int32_t>>(one, rank, size);
  }
  return std::make_unique<act_on<float>>(one, rank, size);
}

struct scenario {
  int size;
  std::vector<step> steps;
  fault planted;
  int culprit;
  int at;
  bool shrinks;
};

scenario roll(std::uint64_t seed) {
  dice with{seed};
  scenario made;
  made.size = 1 + with.below(6);
  const int length = 2 + with.below(8);
  constexpr std::size_t counts[] = {0, 1, 5, 14, 15, 100, 600, 3000, 9000};
  for (int id = 0; id < length; ++id) {
    made.steps.push_back({{static_cast<kind>(with.below(kinds)), counts[with.below(9)],
                           with.below(made.size), with.once_in(2), with.once_in(2)},
                          with.below(6),
                          with.once_in(3),
                          with.once_in(3),
                          id});
  }
  made.planted = static_cast<fault>(with.below(faults));
  if (made.planted == fault::late && !with.once_in(8)) {
    made.planted = fault::extra;  // the only one that takes long
  }
  made.culprit = with.below(made.size);
  made.at = with.below(length);
  made.shrinks = with.once_in(2);
  return made;
}

/// What the culprit calls at the step of the fault; it may be the same call after all.
step spoilt(step one, fault how, int size) {
  one.spoil(how, size);
  one.algorithm += how == fault::algorithm ? 1 : 0;
  return one;
}

struct early_return {};

/// All of one rank's calls. Throws what they throw.
void play(rondo::threads::communicator& comm, const scenario& of, bool& wrong) {
  const bool culprit = comm.rank() == of.culprit && of.planted != fault::none;
  std::vector<std::unique_ptr<act>> acts;
  struct begun {
    rondo::pending call;
    const act* of;
  };
  std::vector<begun> running;
  // Results count as long as all ranks have made the same calls.
  const int trusted = of.planted == fault::none || of.planted == fault::late ? 1 << 20 : of.at;
  const auto make = [&](const step& one, bool throws) {
    acts.push_back(act_for(one, comm.rank(), comm.size()));
    act& made = *acts.back();
    if (auto call = made.make(comm, throws)) {
      if (!one.dropped) {
        running.push_back({std::move(*call), one.id < trusted ? &made : nullptr});
      }
    } else if (one.id < trusted && !made.right()) {
      wrong = true;
    }
  };
  for (std::size_t i = 0; i < of.steps.size(); ++i) {
    const step& one = of.steps[i];
    if (!culprit || static_cast<int>(i) != of.at) {
      make(one, false);
      continue;
    }
    switch (of.planted) {
      case fault::skipped:
        break;
      case fault::extra:
        rondo::barrier(comm);
        make(one, false);
        break;
      case fault::swapped:
        if (i + 1 < of.steps.size()) {
          make(of.steps[++i], false);
        }
        make(one, false);
        break;
      case fault::throws:
        throw std::runtime_error("planted");
      case fault::operation_throws:
        make(one, true);
        break;
      case fault::leaves:
        throw early_return{};
      case fault::late:
        std::this_thread::sleep_for(milliseconds{600});
        make(one, false);
        break;
      default:
        make(spoilt(one, of.planted, of.size), false);
        break;
    }
  }
  for (auto& one : running) {
    one.call.wait();
    if (one.of != nullptr && !one.of->right()) {
      wrong = true;
    }
  }
  comm.settle();  // what a dropped call could not say
  if (of.shrinks) {
    rondo::barrier(comm);  // who shrinks while others are in a call would end it for them
  }
}

/// Empty if all went as it must, else what did not; and how long it took.
std::string verdict(const scenario& of, double& seconds) {
  struct end {
    std::string error;
    bool wrong = false;
    int survivors = -1;
    int size = -1;
    bool stale_call = false;  ///< the communicator that was left took a call
  };
  std::vector<end> ends(static_cast<std::size_t>(of.size));
  const auto deadline = of.planted == fault::late ? milliseconds{200} : milliseconds{20000};
  std::string thrown;
  const auto begun = std::chrono::steady_clock::now();
  try {
    rondo::threads::run(of.size,
                        [&](auto& comm) {
                          end& mine = ends[static_cast<std::size_t>(comm.rank())];
                          try {
                            play(comm, of, mine.wrong);
                          } catch (const early_return&) {
                            return;
                          } catch (const rondo::error& error) {
                            mine.error = error.what();
                          } catch (const std::exception& error) {
                            mine.error = error.what();
                            if (of.planted == fault::throws || !of.shrinks) {
                              throw;
                            }
                          }
                          if (of.shrinks) {
                            try {
                              auto survivors = comm.shrink();
                              std::vector<int> one{1};
                              rondo::all_reduce(survivors, one);
                              mine.survivors = one[0];
                              mine.size = survivors.size();
                              try {
                                rondo::barrier(comm);
                                mine.stale_call = true;
                              } catch (const rondo::error&) {
                              }
                            } catch (const rondo::revoked& late) {
                              mine.error += std::string{" then "} + late.what();
                            }
                          }
                        },
                        {.deadline = deadline});
  } catch (const std::exception& error) {
    thrown = error.what();
  }
  seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();

  const bool own_exception = of.planted == fault::throws || of.planted == fault::operation_throws;
  if (!thrown.empty() && !own_exception) {
    return "run threw " + thrown;
  }
  if (of.planted == fault::throws && thrown.find("planted") == std::string::npos) {
    return "run did not rethrow the planted exception but " + thrown;
  }
  // A team counts its ranks anew, and an error in it ends only some ranks' bodies.
  const bool named = !of.shrinks && of.steps[static_cast<std::size_t>(of.at)].what != kind::team;
  const std::string name = "rank " + std::to_string(of.culprit);
  for (int rank = 0; rank < of.size; ++rank) {
    const end& one = ends[static_cast<std::size_t>(rank)];
    const std::string who = "rank " + std::to_string(rank) + ": ";
    if (one.wrong) {
      return who + "a wrong result";
    }
    if (of.planted == fault::none && !one.error.empty()) {
      return who + "an error without a fault: " + one.error;
    }
    if (rank != of.culprit && !one.error.empty() && named &&
        one.error.find(name) == std::string::npos) {
      return who + "an error that does not name " + name + ": " + one.error;
    }
    if (one.stale_call) {
      return who + "a call on a communicator that was left";
    }
    if (one.survivors != one.size) {
      return who + "counted " + std::to_string(one.survivors) + " survivors of " +
             std::to_string(one.size);
    }
    const bool all_stay =
        of.planted != fault::throws && of.planted != fault::leaves && of.planted != fault::late;
    if (of.shrinks && all_stay && one.size != of.size) {
      return who + "shrank to " + std::to_string(one.size) + " ranks";
    }
  }
  return {};
}

/// The same, and that it ends as soon as docs/errors.md says. Where other work delays a case, it is
/// tried again: only one that is late each time has waited for what never comes.
std::string timely_verdict(const scenario& of) {
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
  constexpr double bound = 1;
#else
  constexpr double bound = 0.1;
#endif
  constexpr int attempts = 20;
  double quickest = 1e9;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    double seconds = 0;
    std::string complaint = verdict(of, seconds);
    if (!complaint.empty() || seconds <= bound || of.planted == fault::late) {
      return complaint;
    }
    quickest = (std::min)(quickest, seconds);
  }
  return "takes " + std::to_string(quickest) + " s, the quickest of " + std::to_string(attempts);
}

}  // namespace

TEST_CASE("faults: whatever one rank does wrong, nobody hangs and errors name the culprit") {
  const auto first = setting("RONDO_FAULT_SEED", 20261121);
  const auto cases = setting("RONDO_FAULT_CASES", 3000);
  std::atomic<std::uint64_t> running{first};
  std::atomic<bool> over{false};
  std::thread watchdog{[&] {
    std::uint64_t last = 0;
    for (int same = 0; !over; same = running == last ? same + 1 : 0) {
      last = running;
      std::this_thread::sleep_for(milliseconds{100});
      if (same > 900) {
        std::fprintf(stderr, "faults: RONDO_FAULT_SEED=%llu hangs\n",
                     static_cast<unsigned long long>(last));
        std::abort();
      }
    }
  }};
  std::string complaint;
  for (std::uint64_t seed = first; seed < first + cases && complaint.empty(); ++seed) {
    running = seed;
    complaint = timely_verdict(roll(seed));
    if (!complaint.empty()) {
      const auto of = roll(seed);
      complaint = "RONDO_FAULT_SEED=" + std::to_string(seed) + ", fault " +
                  std::to_string(static_cast<int>(of.planted)) + " on rank " +
                  std::to_string(of.culprit) + " of " + std::to_string(of.size) + " at step " +
                  std::to_string(of.at) + " of " + std::to_string(of.steps.size()) + ": " +
                  complaint;
    }
  }
  over = true;
  watchdog.join();
  CHECK(complaint == "");
}
