# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# The libraries: rondo::core needs nothing but a C++20 compiler and threads; rondo::mpi, rondo::cuda
# and rondo::nccl add one dependency each. All are headers, so all are always defined; the
# dependency itself is looked for only when it is asked for (RONDO_COMPONENTS, or the COMPONENTS of
# find_package).

file(GLOB_RECURSE rondo_headers CONFIGURE_DEPENDS
     ${PROJECT_SOURCE_DIR}/include/*.hpp ${PROJECT_SOURCE_DIR}/include/*.cuh)

function(rondo_library component)
  add_library(rondo_${component} INTERFACE)
  add_library(rondo::${component} ALIAS rondo_${component})
  set_target_properties(rondo_${component} PROPERTIES EXPORT_NAME ${component})
  target_link_libraries(rondo_${component} INTERFACE ${ARGN})
endfunction()

# What a subproject finds must be visible in the project that links it, too.
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)
find_package(Threads REQUIRED)

rondo_library(core Threads::Threads)
target_compile_features(rondo_core INTERFACE cxx_std_20)
target_sources(rondo_core INTERFACE
  FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${rondo_headers})

# Links a library where it has been looked for and found. Elsewhere the link names a target that
# cannot be, so that CMake's error says what to do.
function(rondo_link_found component library)
  string(CONCAT missing "rondo::${component} without ${library}: ask find_package(rondo) for "
    "COMPONENTS ${component} or set RONDO_COMPONENTS to ${component} before add_subdirectory")
  target_link_libraries(rondo_${component} INTERFACE
    "$<IF:$<TARGET_EXISTS:${library}>,${library},${missing}>")
endfunction()

rondo_library(mpi rondo_core)
rondo_link_found(mpi MPI::MPI_CXX)
rondo_library(cuda rondo_core)
rondo_link_found(cuda CUDA::cudart)
rondo_library(nccl rondo_cuda)
rondo_link_found(nccl NCCL::NCCL)

set(rondo_module_dir ${CMAKE_CURRENT_LIST_DIR})
include(${CMAKE_CURRENT_LIST_DIR}/rondo-components.cmake)
foreach(component IN LISTS RONDO_COMPONENTS)
  rondo_find_component(${component})
  if(NOT rondo_${component}_FOUND)
    message(FATAL_ERROR "rondo: ${rondo_${component}_NOT_FOUND_MESSAGE}")
  endif()
endforeach()
unset(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL)
