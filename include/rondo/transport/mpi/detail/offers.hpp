// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/transport/mpi/detail/check.hpp>
#include <rondo/version.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace rondo::inline v0_1::mpi::detail {

/// A message of the user that this rank has begun to send and does not wait for.
struct in_transit {
  std::uint64_t number;  ///< 0: it is sent
  std::vector<std::byte> packet;
  std::vector<MPI_Request> requests;
};

/// All of these of one rank. Their memory is used again when they are sent.
class offers_under_way {
 public:
  /// A place for another offer: of one that is sent, if there is any.
  [[nodiscard]] in_transit& next() {
    auto free = under_way_.begin();
    while (free != under_way_.end() && !settled(*free)) {
      ++free;
    }
    in_transit& made = free != under_way_.end() ? *free : under_way_.emplace_back();
    made.number = ++made_;
    made.requests.clear();
    return made;
  }
  [[nodiscard]] bool is_sent(std::uint64_t number) {
    const auto found = std::find_if(under_way_.begin(), under_way_.end(),
                                    [&](const in_transit& one) { return one.number == number; });
    return found == under_way_.end() || settled(*found);
  }

  /// Whether some may not be sent yet, as far as was seen.
  [[nodiscard]] bool any_under_way() const noexcept {
    return std::any_of(under_way_.begin(), under_way_.end(),
                       [](const in_transit& one) { return one.number != 0; });
  }

  /// What nobody has taken stays with MPI, which may read it until the process ends. Returns
  /// whether all was taken.
  bool abandon() {
    bool all_taken = true;
    for (in_transit& one : under_way_) {
      int done = 1;
      MPI_Testall(static_cast<int>(one.requests.size()), one.requests.data(), &done,
                  MPI_STATUSES_IGNORE);
      if (done == 0) {
        for (MPI_Request& each : one.requests) {
          if (each != MPI_REQUEST_NULL) {
            MPI_Request_free(&each);
          }
        }
        static_cast<void>(new std::vector<std::byte>{std::move(one.packet)});
        all_taken = false;
      }
    }
    return all_taken;
  }

 private:
  [[nodiscard]] static bool settled(in_transit& one) {
    int done = 1;
    if (one.number != 0) {
      check(MPI_Testall(static_cast<int>(one.requests.size()), one.requests.data(), &done,
                        MPI_STATUSES_IGNORE),
            "MPI_Isend");
      one.number = done != 0 ? 0 : one.number;
    }
    return done != 0;
  }

  std::vector<in_transit> under_way_;
  std::uint64_t made_ = 0;
};

}  // namespace rondo::inline v0_1::mpi::detail
