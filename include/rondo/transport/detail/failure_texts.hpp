// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/core/error.hpp>
#include <rondo/transport/detail/chrono.hpp>
#include <rondo/version.hpp>

#include <cstddef>
#include <string>

/// What every transport says of a call that fails. Why peers do not come: diagnosis.hpp.
namespace rondo::inline v0_1::detail {

/// Where a rank is, behind a message.
[[nodiscard]] inline std::string text_of_place(int rank, const call& in) {
  return " [rank " + std::to_string(rank) + " was in " + in.describe() + "]";
}

/// What peers hear of an exception that ends a call.
[[nodiscard]] inline std::string text_of_exception(int rank, const call& in, const char* why) {
  return "rank " + std::to_string(rank) + " failed in " + in.describe() + ": " +
         without_prefix(why);
}

[[nodiscard]] inline std::string text_of_wait(int rank, const call& in,
                                              std::chrono::steady_clock::duration deadline) {
  return "rank " + std::to_string(rank) + " waited " +
         std::to_string(std::chrono::duration<double>{deadline}.count()) + " s in " + in.describe();
}

/// A message that is not the one that the call takes.
[[nodiscard]] inline std::string text_of_message(int rank, const call& in, int peer,
                                                 std::size_t bytes, const std::string& got) {
  return in.describe() + " on rank " + std::to_string(rank) + " expected " + std::to_string(bytes) +
         " bytes from rank " + std::to_string(peer) + ", got " + got;
}
/// The same, where the bytes of a message of the user's are known; as many are of another type.
[[nodiscard]] inline std::string text_of_message(int rank, const call& in, int peer,
                                                 std::size_t bytes, std::size_t got) {
  return text_of_message(rank, in, peer, bytes,
                         std::to_string(got) + (got == bytes ? " of another type" : ""));
}

/// What peers hear of a rank that goes on without them.
[[nodiscard]] inline std::string text_of_leaving(int rank) {
  return "rank " + std::to_string(rank) + " has left this communicator by shrink()";
}
[[noreturn]] inline void raise_shrunk_before(int rank) {
  raise(revoked{"shrink: rank " + std::to_string(rank) +
                    " has called it before; go on with the communicator it gave",
                rank});
}
[[noreturn]] inline void raise_shrunk_without(int rank) {
  raise(revoked{"shrink: rank " + std::to_string(rank) +
                    " came after the deadline; the others went on without it",
                rank});
}

}  // namespace rondo::inline v0_1::detail
