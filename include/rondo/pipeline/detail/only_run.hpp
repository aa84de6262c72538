// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

namespace rondo::inline v0_1::pipeline::detail {

/// The communicator, when the calls that it has begun have ended: they use what it keeps.
template <class Comm>
[[nodiscard]] Comm& settled(Comm& comm) {
  if constexpr (requires { comm.settle(); }) {
    comm.settle();
  }
  return comm;
}

/// Held while a run is on this rank of a communicator. The outer run's messages would meet those of
/// another one inside a stage.
class only_run {
 public:
  template <class Comm>
  explicit only_run(Comm& comm) : mark_{comm.kept().template get<mark>()} {
    if (mark_.taken) {
      refuse(
          "pipeline: run: called inside a stage of a run on this communicator; give the inner "
          "run a communicator of its own, by split() before the outer one",
          comm.rank());
    }
    mark_.taken = true;
  }
  only_run(const only_run&) = delete;
  only_run& operator=(const only_run&) = delete;
  ~only_run() { mark_.taken = false; }

 private:
  struct mark {
    bool taken = false;
  };
  mark& mark_;
};

}  // namespace rondo::inline v0_1::pipeline::detail
