// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/policies.hpp>
#include <rondo/testing/forwarding.hpp>
#include <rondo/transport/threads/run.hpp>

#include <utility>

/// A communicator with a planted mistake: one of its collectives, on every rank, is left out, made
/// twice, or made among the ranks in another order.
namespace faulty {

enum class mistake { none, dropped, doubled, swapped };

template <class Comm>
class communicator : public rondo::testing::forwarding<Comm> {
 public:
  communicator(Comm& inner, mistake what, int which)
      : rondo::testing::forwarding<Comm>{inner},
        turned_{inner.split(0, -inner.rank())},
        what_{what},
        which_{which} {}

  [[nodiscard]] int rank() const { return turned_over_ ? turned_.rank() : this->inner().rank(); }
  [[nodiscard]] int made() const { return made_; }

  template <class Body>
  void collective(const rondo::call& made, const Body& body) {
    const bool here = made_++ == which_;
    if (!here || what_ == mistake::none) {
      this->inner().collective(made, body);
    } else if (what_ == mistake::doubled) {
      this->inner().collective(made, body);
      this->inner().collective(made, body);
    } else if (what_ == mistake::swapped) {
      turned_over_ = true;
      turned_.collective(made, body);
      turned_over_ = false;
    }
  }
  /// Made at once: the mistake is the same, and tests stay quick.
  struct ended {
    static void wait() {}
  };
  template <class Body>
  [[nodiscard]] ended begin_collective(const rondo::call& made, const Body& body) {
    collective(made, body);
    return {};
  }

 private:
  Comm turned_;
  mistake what_;
  int which_;
  int made_ = 0;
  bool turned_over_ = false;
};

}  // namespace faulty
