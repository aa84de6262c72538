// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/transport/communicator.hpp>
#include <rondo/version.hpp>

#include <utility>

namespace rondo::inline v0_1::testing {

/// A communicator that hands its calls to another, which it borrows: derive from it, and write anew
/// what is to be different. What the inner one lacks does not compile where it is used. Not handed
/// on: `split`, whose ranks a wrapper would have to own, and what is known of shared memory.
template <class Comm>
class forwarding {
 public:
  static constexpr bool device_memory = takes_device_memory<Comm>;

  explicit forwarding(Comm& inner) : inner_{&inner} {}

  [[nodiscard]] int rank() const { return inner_->rank(); }
  [[nodiscard]] int size() const { return inner_->size(); }
  [[nodiscard]] int node_size() const { return inner_->node_size(); }
  [[nodiscard]] auto deadline() const { return inner_->deadline(); }
  void settle() const requires requires(const Comm& comm) { comm.settle(); }
  { inner_->settle(); }

  template <class Body>
  void collective(const call& made, const Body& body) {
    inner_->collective(made, body);
  }
  template <class Body>
  [[nodiscard]] auto begin_collective(const call& made, Body body) requires begins_calls<Comm> {
    return inner_->begin_collective(made, std::move(body));
  }
  template <class Body>
  void message(const call& made, const Body& body) {
    inner_->message(made, body);
  }
  template <class Body>
  [[nodiscard]] auto begin_message(const call& made, Body body) requires begins_messages<Comm> {
    return inner_->begin_message(made, std::move(body));
  }

  [[nodiscard]] auto memory() const requires requires(const Comm& comm) { comm.memory(); }
  { return inner_->memory(); }
  [[nodiscard]] auto& scratch() { return inner_->scratch(); }
  [[nodiscard]] auto& widened() { return inner_->widened(); }
  [[nodiscard]] auto& kept() { return inner_->kept(); }

 protected:
  [[nodiscard]] Comm& inner() const noexcept { return *inner_; }

 private:
  Comm* inner_;
};

}  // namespace rondo::inline v0_1::testing
