# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# rondo_find_component(<name>): looks for what a component needs and sets rondo_<name>_FOUND, and
# rondo_<name>_NOT_FOUND_MESSAGE where it is FALSE. Shared by the build tree and the package config.

set(rondo_known_components core mpi cuda nccl)

macro(rondo_find_component component)
  set(rondo_${component}_FOUND FALSE)
  if("${component}" STREQUAL "core")
    find_package(Threads QUIET)
    set(rondo_core_FOUND ${Threads_FOUND})
    set(rondo_core_NOT_FOUND_MESSAGE "component 'core' needs a thread library (CMake's FindThreads found none)")
  elseif("${component}" STREQUAL "mpi")
    find_package(MPI QUIET COMPONENTS CXX)
    set(rondo_mpi_FOUND ${MPI_CXX_FOUND})
    set(rondo_mpi_NOT_FOUND_MESSAGE
        "component 'mpi' needs an MPI library; install one (Debian, Ubuntu: libopenmpi-dev or libmpich-dev) or point MPI_HOME at it")
  elseif("${component}" STREQUAL "cuda")
    find_package(CUDAToolkit QUIET)
    set(rondo_cuda_FOUND ${CUDAToolkit_FOUND})
    set(rondo_cuda_NOT_FOUND_MESSAGE
        "component 'cuda' needs the CUDA toolkit; put nvcc on PATH or set CUDAToolkit_ROOT")
  elseif("${component}" STREQUAL "nccl")
    rondo_find_component(cuda)
    list(PREPEND CMAKE_MODULE_PATH "${rondo_module_dir}")
    find_package(NCCL QUIET)
    list(POP_FRONT CMAKE_MODULE_PATH)
    if(rondo_cuda_FOUND AND NCCL_FOUND)
      set(rondo_nccl_FOUND TRUE)
    endif()
    set(rondo_nccl_NOT_FOUND_MESSAGE
        "component 'nccl' needs the CUDA toolkit and NCCL (nccl.h and libnccl); set NCCL_ROOT to its folder")
  else()
    list(JOIN rondo_known_components ", " rondo_${component}_NOT_FOUND_MESSAGE)
    set(rondo_${component}_NOT_FOUND_MESSAGE
        "unknown component '${component}'; the components are: ${rondo_${component}_NOT_FOUND_MESSAGE}")
  endif()
endmacro()
