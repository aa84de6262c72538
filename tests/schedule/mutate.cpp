// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#include "catch.hpp"
#include "every.hpp"
#include "interpreter.hpp"

#include <rondo/schedule/prove.hpp>

namespace schedule = rondo::schedule;
using schedule::step;
using schedule::verb;

namespace {

/// Calls visit(mutant, description) for each way to spoil `sound`.
template <class Visit>
void mutants(const schedule::table& sound, Visit visit) {
  for (std::size_t r = 0; r < sound.rows.size(); ++r) {
    const auto& steps = sound.rows[r].steps;
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::string where = "rank " + std::to_string(r) + " step " + std::to_string(i);
      const auto changed = [&](const char* how, auto change) {
        schedule::table mutant = sound;
        change(mutant.rows[r].steps, mutant.rows[r].steps[i]);
        if (mutant.rows[r] != sound.rows[r]) {
          visit(mutant, where + " " + how);
        }
      };
      changed("dropped",
              [&](auto& all, step&) { all.erase(all.begin() + static_cast<std::ptrdiff_t>(i)); });
      changed("doubled", [&](auto& all, step& one) {
        const step copy = one;
        all.insert(all.begin() + static_cast<std::ptrdiff_t>(i), copy);
      });
      for (std::size_t j = i + 1; j < steps.size(); ++j) {
        changed("swapped with another one", [&](auto& all, step& one) {
          std::swap(one, all[j]);
          std::swap(one.round, all[j].round);
        });
      }
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
  std::size_t made = 0;
  std::size_t harmless = 0;
  std::size_t missed = 0;
  for (const int size : {2, 3, 4, 5}) {
    every::schedules(size, size - 1, [&](const auto& one, const std::string& name) {
      mutants(one, [&](const schedule::table& mutant, const std::string& how) {
        ++made;
        const bool is_refused = refused(mutant);
        // An interpreter cannot show that a mutant is harmless, only that it found no harm.
        if (is_refused) {
          return;
        }
        const auto harm = oracle::find_fault(mutant, static_cast<unsigned>(made), 3);
        harmless += harm ? 0 : 1;
        missed += harm ? 1 : 0;
        if (harm) {
          UNSCOPED_INFO(name << ": " << how << ": " << *harm);
        }
      });
    });
  }
  WARN(made << " mutants, " << made - harmless - missed << " refused, " << harmless
            << " proved and found harmless");
  CHECK(made > 10000);
  CHECK(missed == 0);
}

TEST_CASE("the prover is not stricter than needed: what it refuses mostly goes wrong in fact") {
  std::size_t refusals = 0;
  std::size_t harmful = 0;
  for (const int size : {3, 4}) {
    every::schedules(size, 0, [&](const auto& one, const std::string&) {
      mutants(one, [&](const schedule::table& mutant, const std::string&) {
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
