// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "every.hpp"
#include "interpreter.hpp"

#include <rondo/schedule/prove.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace schedule = rondo::schedule;
using schedule::step;
using schedule::verb;

namespace {

/// What was done to which step of which rank; with a swap, `other` is the later one.
struct mutation {
  std::string_view how;
  std::size_t rank;
  std::size_t at;
  std::size_t other;

  [[nodiscard]] std::string text() const {
    return "rank " + std::to_string(rank) + " step " + std::to_string(at) + " " + std::string{how};
  }
};

/// Calls visit(mutant, mutation) for each way to spoil `sound`.
template <class Visit>
void mutants(const schedule::table& sound, Visit visit) {
  for (std::size_t r = 0; r < sound.rows.size(); ++r) {
    const auto& steps = sound.rows[r].steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      std::size_t j = i;
      const auto changed = [&](std::string_view how, auto change) {
        schedule::table mutant = sound;
        change(mutant.rows[r].steps, mutant.rows[r].steps[i]);
        if (mutant.rows[r] != sound.rows[r]) {
          visit(mutant, mutation{how, r, i, j});
        }
      };
      changed("dropped",
              [&](auto& all, step&) { all.erase(all.begin() + static_cast<std::ptrdiff_t>(i)); });
      changed("doubled", [&](auto& all, step& one) {
        const step copy = one;
        all.insert(all.begin() + static_cast<std::ptrdiff_t>(i), copy);
      });
      for (j = i + 1; j < steps.size(); ++j) {
        changed("swapped with another one", [&](auto& all, step& one) {
          std::swap(one, all[j]);
          std::swap(one.round, all[j].round);
        });
      }
      j = i;
      changed("peer", [&](auto&, step& one) {
        one.peer = one.peer < 0 ? one.peer : (one.peer + 1) % sound.size;
      });
      const auto shift = [&](schedule::run& of) {
        if (of.where != schedule::region::nothing) {
          of.first = (of.first + 1) % sound.rows[r].chunks;
        }
      };
      changed("into chunk", [&](auto&, step& one) { shift(one.into); });
      changed("left chunk", [&](auto&, step& one) { shift(one.left); });
      changed("right chunk", [&](auto&, step& one) { shift(one.right); });
      changed("chunk of all runs", [&](auto&, step& one) {
        shift(one.into);
        shift(one.left);
        shift(one.right);
      });
      const auto slot = [](schedule::run& of) {
        of.slot += of.where == schedule::region::scratch ? 1 : 0;
      };
      changed("into slot", [&](auto&, step& one) { slot(one.into); });
      changed("left slot", [&](auto&, step& one) { slot(one.left); });
      changed("right slot", [&](auto&, step& one) { slot(one.right); });
      changed("less chunks", [](auto&, step& one) {
        --one.into.count;
        --one.left.count;
        --one.right.count;
      });
      changed("left twice", [](auto&, step& one) { one.right = one.left; });
      changed("right twice", [](auto&, step& one) {
        if (one.what == verb::fold || one.what == verb::receive_fold) {
          one.left = one.right;
        }
      });
      changed("not folded", [](auto&, step& one) {
        one.what = one.what == verb::receive_fold ? verb::receive
                   : one.what == verb::fold       ? verb::copy
                                                  : one.what;
      });
      changed("folded into the input", [](auto&, step& one) {
        if (one.into.where == schedule::region::output) {
          one.into.where = schedule::region::input;
        }
      });
      changed("input for output", [](auto&, step& one) {
        if (one.left.where == schedule::region::output) {
          one.left.where = schedule::region::input;
        }
      });
      changed("a round earlier", [](auto&, step& one) { --one.round; });
      changed("a round later", [](auto&, step& one) { ++one.round; });
    }
  }
}

enum class access { reads, adds, writes };

struct use {
  schedule::region where;
  int cell;
  access how;
};

/// What a step does with its rank's memory; in place, output is input.
std::vector<use> uses(const step& one, bool in_place) {
  using schedule::region;
  const auto lies_in = [&](const schedule::run& of) {
    return in_place && of.where == region::output ? region::input : of.where;
  };
  const auto same = [&](const schedule::run& a, const schedule::run& b) {
    return lies_in(a) == lies_in(b) && a.count == b.count &&
           (a.where == region::scratch ? a.slot == b.slot : a.first == b.first);
  };
  if (one.what == verb::copy && same(one.into, one.left)) {
    return {};
  }
  std::vector<use> found;
  const auto touch = [&](const schedule::run& of, access how) {
    const bool slot_count = of.where == region::scratch;
    if (slot_count || of.where == region::input || of.where == region::output) {
      for (int c = 0; c < of.count; ++c) {
        found.push_back({lies_in(of), (slot_count ? of.slot : of.first) + c, how});
      }
    }
  };
  const bool folds = one.what == verb::fold || one.what == verb::receive_fold;
  const bool onto_left = folds && same(one.into, one.left);
  const bool onto_right = folds && same(one.into, one.right);
  touch(one.into, onto_left != onto_right ? access::adds : access::writes);
  if (!onto_left) {
    touch(one.left, access::reads);
  }
  if (!onto_right) {
    touch(one.right, access::reads);
  }
  return found;
}

/// True if the order of the two does not matter to their rank's memory, in place or out of place:
/// what one of them writes the other does not touch, and what one adds to the other only adds to.
bool independent(const step& one, const step& other, bool may_be_in_place) {
  for (const bool in_place : {false, may_be_in_place}) {
    const auto theirs = uses(other, in_place);
    for (const use& mine : uses(one, in_place)) {
      for (const use& its : theirs) {
        if (mine.where == its.where && mine.cell == its.cell &&
            (mine.how != its.how || mine.how == access::writes)) {
          return false;
        }
      }
    }
  }
  return true;
}

/// True of two messages that go the same way between the same ranks: they match as they are listed.
bool same_way(const step& one, const step& other) {
  return one.peer >= 0 && one.peer == other.peer &&
         (one.what == verb::send) == (other.what == verb::send);
}

/// True if a swap only changes the order of steps for which order does not matter: that of the two,
/// of each of them and the steps of the rounds that it passes, and of messages between two ranks.
bool only_reorders(const schedule::table& sound, const mutation& swap) {
  const auto& steps = sound.rows[swap.rank].steps;
  const step& early = steps[swap.at];
  const step& late = steps[swap.other];
  const bool may_be_in_place = sound.what != schedule::collective::all_to_all;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const step& one = steps[i];
    const bool passes_early =
        i == swap.other || (i != swap.at && one.round > early.round && one.round <= late.round);
    const bool passes_late = i != swap.other && one.round >= early.round && one.round < late.round;
    const bool between = i > swap.at && i < swap.other;
    if ((passes_early && !independent(one, early, may_be_in_place)) ||
        (passes_late && !independent(one, late, may_be_in_place)) ||
        (between && (same_way(one, early) || same_way(one, late)))) {
      return false;
    }
  }
  return !same_way(early, late);
}

bool refused(const schedule::table& mutant) {
  try {
    schedule::prove(mutant);
    return false;
  } catch (const rondo::error&) {
    return true;
  }
}

}  // namespace

TEST_CASE("the prover refuses every mutant that an interpreter can make go wrong") {
  struct tally {
    std::size_t made = 0;
    std::size_t proved = 0;
  };
  std::map<std::string_view, tally> kinds;
  std::size_t made = 0;
  std::string missed;
  std::string dependent;
  for (const int size : {2, 3, 4, 5}) {
    every::schedules(size, size - 1, [&](const auto& one, const std::string& name) {
      mutants(one, [&](const schedule::table& mutant, const mutation& did) {
        ++made;
        ++kinds[did.how].made;
        if (refused(mutant)) {
          return;
        }
        ++kinds[did.how].proved;
        // An interpreter cannot show that a mutant is harmless, only that it found no harm.
        if (const auto harm = oracle::find_fault(mutant, static_cast<unsigned>(made), 3)) {
          missed += name + ": " + did.text() + ": " + *harm + "\n";
        }
        if (did.how == "swapped with another one" && !only_reorders(one, did)) {
          dependent += name + ": " + did.text() + ", step " + std::to_string(did.other) + "\n";
        }
      });
    });
  }
  std::string table;
  for (const auto& [how, count] : kinds) {
    table += "\n" + std::to_string(count.proved) + " of " + std::to_string(count.made) +
             " proved: " + std::string{how};
  }
  WARN(made << " mutants, of which proved and found harmless:" << table);
  CHECK(made > 10000);
  CHECK(missed == "");
  CHECK(kinds["dropped"].made > 1000);
  CHECK(kinds["dropped"].proved == 0);
  CHECK(kinds["doubled"].made > 1000);
  CHECK(kinds["doubled"].proved == 0);
  CHECK(dependent == "");
}

TEST_CASE("the prover is not stricter than needed: what it refuses mostly goes wrong in fact") {
  std::size_t refusals = 0;
  std::size_t harmful = 0;
  for (const int size : {3, 4}) {
    every::schedules(size, 0, [&](const auto& one, const std::string&) {
      mutants(one, [&](const schedule::table& mutant, const mutation&) {
        if (refused(mutant)) {
          ++refusals;
          harmful += oracle::find_fault(mutant, static_cast<unsigned>(refusals), 2) ? 1u : 0u;
        }
      });
    });
  }
  WARN(harmful << " of " << refusals << " refused mutants go wrong in the interpreter");
  CHECK(harmful * 100 > refusals * 85);
}
