// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

// Their C++ bindings, gone from the standard since MPI 3, cost more than a second to compile.
#if !defined(MPI_VERSION) && !defined(OMPI_SKIP_MPICXX) && !defined(MPICH_SKIP_MPICXX)
#define OMPI_SKIP_MPICXX 1
#define MPICH_SKIP_MPICXX 1
#include <mpi.h>
#undef OMPI_SKIP_MPICXX
#undef MPICH_SKIP_MPICXX
#else
#include <mpi.h>
#endif

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace rondo::inline v0_1::mpi::detail {

/// Turns a return code of MPI into an error that names what was tried.
inline void check(int result, const char* what) {
  if (result == MPI_SUCCESS) {
    return;
  }
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(result, text, &length);
  raise(error{error_code::transport,
              std::string{what} + ": " + std::string(text, static_cast<std::size_t>(length))});
}

/// True between MPI_Init and MPI_Finalize.
[[nodiscard]] inline bool is_running() noexcept {
  int begun = 0;
  int ended = 0;
  MPI_Initialized(&begun);
  MPI_Finalized(&ended);
  return begun != 0 && ended == 0;
}

/// Refuses what needs MPI while it does not run.
inline void require_running(std::string_view what) {
  if (!is_running()) {
    raise(error{error_code::transport,
                std::string{what} + ": MPI is not running; make communicators and calls after "
                                    "MPI_Init and before MPI_Finalize"});
  }
}

/// Elements or bytes that one call is given at most: MPI counts in int.
inline constexpr std::size_t most_counted = std::size_t{1} << 30;

/// An MPI object, freed at the end of its owner's life unless MPI has been finalised before.
template <class Handle, int (*Free)(Handle*)>
class mpi_object {
 public:
  mpi_object() = default;
  /// Frees `raw` some day.
  explicit mpi_object(Handle raw) : raw_{raw}, owns_{true} {}
  mpi_object(mpi_object&& other) noexcept
      : raw_{other.raw_}, owns_{std::exchange(other.owns_, false)} {}
  mpi_object& operator=(mpi_object&& other) noexcept {
    std::swap(raw_, other.raw_);
    std::swap(owns_, other.owns_);
    return *this;
  }
  ~mpi_object() {
    if (owns_ && is_running()) {
      Free(&raw_);
    }
  }

  [[nodiscard]] Handle get() const noexcept { return raw_; }
  void leak() noexcept { owns_ = false; }

 private:
  Handle raw_{};
  bool owns_ = false;
};

using owned_communicator = mpi_object<MPI_Comm, MPI_Comm_free>;
using owned_datatype = mpi_object<MPI_Datatype, MPI_Type_free>;
using owned_operation = mpi_object<MPI_Op, MPI_Op_free>;

}  // namespace rondo::inline v0_1::mpi::detail
