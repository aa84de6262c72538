// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/version.hpp>

#include <nccl.h>

#include <string>

namespace rondo::inline v0_1::nccl::detail {

/// Codes after which a communicator makes no other call, and kernels of earlier ones may wait for
/// peers for ever.
[[nodiscard]] constexpr bool is_fatal(ncclResult_t result) {
  return result == ncclRemoteError || result == ncclSystemError || result == ncclInternalError ||
         result == ncclUnhandledCudaError;
}

/// Turns a return code of NCCL into words that name what was tried, by whom, and why it failed.
[[nodiscard]] inline std::string failure_text(ncclResult_t result, const std::string& what,
                                              ncclComm_t comm = nullptr) {
  std::string text = what + ": " + ncclGetErrorString(result);
  const char* last = ncclGetLastError(comm);
  if (last != nullptr && *last != '\0') {
    text += "; NCCL says: " + std::string{last};
  }
  return text;
}

[[noreturn]] inline void raise_failure(ncclResult_t result, const std::string& what, int rank = -1,
                                       ncclComm_t comm = nullptr) {
  raise(error{error_code::transport, failure_text(result, what, comm), rank});
}

/// What every call of NCCL goes through, as `cuda::require` for those of CUDA.
/// Errors: error_code::transport of `rank`, with `what` and NCCL's own text.
inline void check(ncclResult_t result, const char* what, int rank = -1) {
  if (result != ncclSuccess) {
    raise_failure(result, what, rank);
  }
}

/// 22809 as "2.28.9".
[[nodiscard]] inline std::string version_text(int code) {
  const int thousand = code < 10000 ? 1000 : 10000;  // up to 2.8 the minor version had one digit
  return std::to_string(code / thousand) + '.' + std::to_string(code % thousand / 100) + '.' +
         std::to_string(code % 100);
}

[[nodiscard]] inline int library_version() {
  int code = 0;
  check(ncclGetVersion(&code), "ncclGetVersion");
  return code;
}

/// Which libraries a program compiled with `header` may call.
enum class fit {
  newer,  ///< the same major version, not older: what the host calls
  exact   ///< the same version: what kernels share with the library in memory
};

/// Refuses a library that does not fit, with both numbers.
inline void require_version(int library, int header = NCCL_VERSION_CODE, fit how = fit::newer) {
  const bool fits = how == fit::exact ? library == header
                                      : library >= header && library / 10000 == header / 10000;
  if (!fits) {
    raise(error{error_code::transport,
                "nccl: compiled with the headers of NCCL " + version_text(header) +
                    ", running with the library of NCCL " + version_text(library) +
                    (how == fit::exact
                         ? "; windows need the same version on both sides"
                         : "; a library of the same major version that is not older is needed")});
  }
}

}  // namespace rondo::inline v0_1::nccl::detail
