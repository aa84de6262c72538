// SPDX-FileCopyrightText: 2026 the rondo authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <rondo/core/error.hpp>
#include <rondo/transport/cuda/require.hpp>
#include <rondo/version.hpp>

#include <cuda.h>
#include <cudaTypedefs.h>
#include <cuda_runtime_api.h>

#include <cstddef>
#include <string>

namespace rondo::inline v0_1::cuda::detail {

/// The driver's functions for virtual memory, found by the runtime: programs link no libcuda.
class driver {
 public:
  /// Errors: error_code::transport without a driver, or with one that lacks a function.
  driver()
      : create{entry<PFN_cuMemCreate_v10020>("cuMemCreate")},
        release{entry<PFN_cuMemRelease_v10020>("cuMemRelease")},
        reserve{entry<PFN_cuMemAddressReserve_v10020>("cuMemAddressReserve")},
        free_addresses{entry<PFN_cuMemAddressFree_v10020>("cuMemAddressFree")},
        map{entry<PFN_cuMemMap_v10020>("cuMemMap")},
        unmap{entry<PFN_cuMemUnmap_v10020>("cuMemUnmap")},
        set_access{entry<PFN_cuMemSetAccess_v10020>("cuMemSetAccess")},
        to_handle{entry<PFN_cuMemExportToShareableHandle_v10020>("cuMemExportToShareableHandle")},
        from_handle{
            entry<PFN_cuMemImportFromShareableHandle_v10020>("cuMemImportFromShareableHandle")},
        granularity{
            entry<PFN_cuMemGetAllocationGranularity_v10020>("cuMemGetAllocationGranularity")},
        attribute_of{entry<PFN_cuDeviceGetAttribute_v2000>("cuDeviceGetAttribute", 2000)},
        name_of_error{entry<PFN_cuGetErrorName_v6000>("cuGetErrorName", 6000)} {}

  PFN_cuMemCreate_v10020 create;
  PFN_cuMemRelease_v10020 release;
  PFN_cuMemAddressReserve_v10020 reserve;
  PFN_cuMemAddressFree_v10020 free_addresses;
  PFN_cuMemMap_v10020 map;
  PFN_cuMemUnmap_v10020 unmap;
  PFN_cuMemSetAccess_v10020 set_access;
  PFN_cuMemExportToShareableHandle_v10020 to_handle;
  PFN_cuMemImportFromShareableHandle_v10020 from_handle;
  PFN_cuMemGetAllocationGranularity_v10020 granularity;
  PFN_cuDeviceGetAttribute_v2000 attribute_of;
  PFN_cuGetErrorName_v6000 name_of_error;

  /// Lets kernels on `device` load and store mapped memory.
  [[nodiscard]] CUresult let(int device, CUdeviceptr at, std::size_t bytes) const {
    CUmemAccessDesc access{};
    access.location.type = CU_MEM_LOCATION_TYPE_DEVICE;
    access.location.id = device;
    access.flags = CU_MEM_ACCESS_FLAGS_PROT_READWRITE;
    return set_access(at, bytes, &access, 1);
  }

  /// Errors: `error_code::transport`, with the driver's own name for it.
  void require(CUresult status, const char* what) const {
    if (status != CUDA_SUCCESS) {
      const char* name = nullptr;
      static_cast<void>(name_of_error(status, &name));
      raise(error{error_code::transport,
                  std::string{what} + ": " + (name == nullptr ? "unknown error" : name)});
    }
  }

 private:
  template <class Function>
  [[nodiscard]] static Function entry(const char* name, [[maybe_unused]] unsigned since = 10020) {
    void* found = nullptr;
    auto status = cudaDriverEntryPointSymbolNotFound;
#if CUDART_VERSION >= 12050
    cuda::require(cudaGetDriverEntryPointByVersion(name, &found, since, cudaEnableDefault, &status),
                  name);
#else
    cuda::require(cudaGetDriverEntryPoint(name, &found, cudaEnableDefault, &status), name);
#endif
    if (status != cudaDriverEntryPointSuccess || found == nullptr) {
      raise(error{error_code::transport, std::string{"cuda: this driver has no "} + name +
                                             "; use sharing::ipc or a newer driver"});
    }
    return reinterpret_cast<Function>(found);
  }
};

}  // namespace rondo::inline v0_1::cuda::detail
