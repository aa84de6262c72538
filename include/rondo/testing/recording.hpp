// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/source_location.hpp>
#include <rondo/testing/forwarding.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::testing {

/// One collective that a rank made.
struct recorded {
  std::string_view collective;
  std::size_t elements = 0;  ///< as the call counts them; of all_to_all, what this rank sends
  std::size_t element_bytes = 0;
  std::size_t terms = 0;  ///< of an exact sum: how many arrays all ranks bring; 0: one each
  friend bool operator==(const recorded&, const recorded&) = default;
};

/// A communicator that notes every collective made through it, before it makes it: to compare what
/// ran with what was planned. Its `split`s, a mesh's axes, keep notes of their own.
///
///     rondo::testing::recording world{comm};
///     rondo::mesh grid{world, {{"data", 2}, {"tensor", 2}}};
///     ...
///     CHECK(grid["tensor"].made().size() == 4);
template <class Comm>
class recording : public forwarding<Comm> {
 public:
  using forwarding<Comm>::forwarding;

  [[nodiscard]] const std::vector<recorded>& made() const noexcept { return made_; }
  void forget() { made_.clear(); }

  [[nodiscard]] recording split(int color, int key = 0,
                                source_location where = source_location::current()) {
    if constexpr (requires(Comm & inner) { inner.split(color, key, where); }) {
      return recording{std::make_unique<Comm>(this->inner().split(color, key, where))};
    } else {
      return recording{std::make_unique<Comm>(this->inner().split(color, key))};
    }
  }

  template <class Body>
  void collective(const call& made, const Body& body) {
    note(made, body);
    this->inner().collective(made, body);
  }
  template <class Body>
  [[nodiscard]] auto begin_collective(const call& made, Body body) requires begins_calls<Comm> {
    note(made, body);
    return this->inner().begin_collective(made, std::move(body));
  }

 private:
  explicit recording(std::unique_ptr<Comm> own) : forwarding<Comm>{*own}, own_{std::move(own)} {}

  template <class Body>
  void note(const call& made, const Body& body) {
    recorded one{made.what->collective, made.count};
    if constexpr (requires { body.terms(); }) {
      one.element_bytes = sizeof(*body.out);
      one.terms = body.terms();
    } else if constexpr (requires { *body.in; }) {
      one.element_bytes = sizeof(*body.in);
    }
    if constexpr (requires { body.sent.total(1); }) {
      one.elements = one.collective == "all_to_all" ? body.sent.total(this->size()) : made.count;
    }
    made_.push_back(one);
  }

  std::unique_ptr<Comm> own_;
  std::vector<recorded> made_;
};

template <class Comm>
recording(Comm&) -> recording<Comm>;

}  // namespace rondo::inline v0_1::testing
