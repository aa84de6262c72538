// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/version.hpp>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

/// Where rondo is built without exceptions, define this to see an error's message before the
/// program aborts; returning from it aborts. Ranks are threads: several may call it at once. Where
/// it is not defined, the message is written to stderr.
extern "C" [[gnu::weak]] void rondo_on_error(const char* message);

namespace rondo::inline v0_1 {

/// What kind of failure an error tells of; its message says the rest.
enum class error_code {
  invalid_argument,  ///< the call itself is wrong; nothing moved
  mismatch,          ///< ranks disagree about a call
  timeout,           ///< a peer did not come before the deadline
  revoked,           ///< the communicator is dead: a rank failed, or a peer saw an error
  rank_failed,       ///< a rank's own code threw
  unsound_schedule,  ///< a schedule was refused by its prover
  corrupt_data,      ///< bytes from a file or a wire do not decode
  transport          ///< the layer below (MPI, NCCL, CUDA) reported a failure
};

/// The base of everything rondo throws. `rank()` is the rank at fault, or -1 if none is.
class error : public std::runtime_error {
 public:
  error(error_code code, const std::string& message, int rank = -1)
      : std::runtime_error("rondo: " + message), code_{code}, rank_{rank} {}

  [[nodiscard]] error_code code() const noexcept { return code_; }
  [[nodiscard]] int rank() const noexcept { return rank_; }

 private:
  error_code code_;
  int rank_;
};

/// Two ranks made different calls where one collective needs the same one.
class mismatch : public error {
 public:
  explicit mismatch(const std::string& message, int rank = -1)
      : error(error_code::mismatch, message, rank) {}
};

/// A peer did not arrive before the deadline.
class timeout : public error {
 public:
  explicit timeout(const std::string& message, int rank = -1)
      : error(error_code::timeout, message, rank) {}
};

/// A call on a communicator that a failure has ended.
class revoked : public error {
 public:
  explicit revoked(const std::string& message, int rank = -1)
      : error(error_code::revoked, message, rank) {}
};

namespace detail {

/// What an error says, without the "rondo: " that another error puts before it.
[[nodiscard]] inline std::string without_prefix(const char* what) {
  const std::string text{what};
  return text.rfind("rondo: ", 0) == 0 ? text.substr(7) : text;
}

}  // namespace detail

/// A rank's own code, or what it alone brought to a call, failed. What the code threw is nested
/// inside (std::rethrow_if_nested) where it was thrown in this process.
class rank_failure : public error {
 public:
  rank_failure(int rank, const std::string& what)
      : error(error_code::rank_failed, "rank " + std::to_string(rank) + ": " + what, rank) {}
};

namespace detail {

[[noreturn]] inline void end_program(const char* message) {
  if (rondo_on_error != nullptr) {
    rondo_on_error(message);
  } else {
    std::fprintf(stderr, "%s\n", message);
  }
  std::abort();
}

}  // namespace detail

/// Throws `failure`; without exceptions, tells `rondo_on_error` of it and aborts.
template <class Error>
[[noreturn]] void raise(const Error& failure) {
#if defined(__cpp_exceptions)
  throw failure;
#else
  detail::end_program(failure.what());
#endif
}

/// Throws what `code` names, as the class that it has if it has one.
[[noreturn]] inline void raise_as(error_code code, const std::string& message, int rank) {
  switch (code) {
    case error_code::mismatch:
      raise(mismatch{message, rank});
    case error_code::timeout:
      raise(timeout{message, rank});
    case error_code::revoked:
      raise(revoked{message, rank});
    default:
      raise(error{code, message, rank});
  }
}

/// Refuses a bad argument before any byte moves.
[[noreturn]] inline void refuse(const std::string& message, int rank = -1) {
  raise(error{error_code::invalid_argument, message, rank});
}

}  // namespace rondo::inline v0_1
