// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/call.hpp>
#include <rondo/version.hpp>

#include <cstdint>

#if !defined(NVTX_DISABLE) && __has_include(<nvtx3/nvToolsExt.h>)
#include <nvtx3/nvToolsExt.h>
#define RONDO_HAS_NVTX 1
#else
#define RONDO_HAS_NVTX 0
#endif

namespace rondo::inline v0_1::cuda::detail {

/// Where profilers find rondo's calls: NVTX's domain "rondo". Without NVTX's headers, or with
/// NVTX_DISABLE, which is NVTX's own switch, there is nothing here.
class profile {
 public:
#if RONDO_HAS_NVTX
  profile() : domain_{nvtxDomainCreateA("rondo")} {}
  profile(const profile&) = delete;
  profile& operator=(const profile&) = delete;
  ~profile() { nvtxDomainDestroy(domain_); }
#endif

  /// One call, from begin to end of its enqueuing; its payload is the number of elements.
  class range {
   public:
    range([[maybe_unused]] const profile& in, [[maybe_unused]] const call& made) {
#if RONDO_HAS_NVTX
      domain_ = in.domain_;
      nvtxEventAttributes_t about{};
      about.version = NVTX_VERSION;
      about.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
      about.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
      about.payload.ullValue = made.count;
      about.messageType = NVTX_MESSAGE_TYPE_ASCII;
      about.message.ascii = made.what->collective.data();  // a literal
      nvtxDomainRangePushEx(domain_, &about);
#endif
    }
    range(const range&) = delete;
    range& operator=(const range&) = delete;
    ~range() {
#if RONDO_HAS_NVTX
      nvtxDomainRangePop(domain_);
#endif
    }

   private:
#if RONDO_HAS_NVTX
    nvtxDomainHandle_t domain_;
#endif
  };

 private:
#if RONDO_HAS_NVTX
  nvtxDomainHandle_t domain_;
#endif
};

}  // namespace rondo::inline v0_1::cuda::detail
