# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# Open MPI and MPICH side by side in one build tree: CMake's FindMPI finds one of them, so their
# compiler wrappers are asked for the flags. Where neither wrapper goes by the name that Debian and
# Ubuntu give it, FindMPI's choice is used.
#
# Sets RONDO_MPI_IMPLEMENTATIONS, a subset of openmpi;mpich (or generic); for each one the library
# rondo_with_<implementation> and RONDO_MPIRUN_<implementation>, the launcher up to the rank count.

set(RONDO_MPI_IMPLEMENTATIONS)

# The C++ bindings of both libraries (-lmpi_cxx, -lmpichcxx) left the standard in MPI 3: skipped.
function(rondo_add_mpi implementation flags launcher)
  add_library(rondo_with_${implementation} INTERFACE)
  string(STRIP "${flags}" flags)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  foreach(flag IN LISTS flags)
    if(flag MATCHES "^-I(.+)")
      target_include_directories(rondo_with_${implementation} SYSTEM INTERFACE ${CMAKE_MATCH_1})
    elseif(flag MATCHES "^-L(.+)")
      target_link_directories(rondo_with_${implementation} INTERFACE ${CMAKE_MATCH_1})
    elseif(flag MATCHES "^-l" AND NOT flag MATCHES "cxx$")
      target_link_libraries(rondo_with_${implementation} INTERFACE ${flag})
    endif()
  endforeach()
  target_link_libraries(rondo_with_${implementation} INTERFACE rondo::core)
  target_compile_definitions(rondo_with_${implementation} INTERFACE
                             OMPI_SKIP_MPICXX MPICH_SKIP_MPICXX
                             RONDO_MPI_IMPLEMENTATION="${implementation}")
  set(RONDO_MPI_IMPLEMENTATIONS ${RONDO_MPI_IMPLEMENTATIONS} ${implementation} PARENT_SCOPE)
  set(RONDO_MPIRUN_${implementation} ${launcher} PARENT_SCOPE)
endfunction()

find_program(RONDO_OPENMPI_CXX mpicxx.openmpi)
find_program(RONDO_OPENMPI_RUN mpirun.openmpi)
find_program(RONDO_MPICH_CXX mpicxx.mpich)
find_program(RONDO_MPICH_RUN mpirun.mpich)
mark_as_advanced(RONDO_OPENMPI_CXX RONDO_OPENMPI_RUN RONDO_MPICH_CXX RONDO_MPICH_RUN)

if(RONDO_OPENMPI_CXX AND RONDO_OPENMPI_RUN)
  execute_process(COMMAND ${RONDO_OPENMPI_CXX} --showme OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
  rondo_add_mpi(openmpi "${flags}" "${RONDO_OPENMPI_RUN};--oversubscribe;--allow-run-as-root;-n")
endif()
if(RONDO_MPICH_CXX AND RONDO_MPICH_RUN)
  execute_process(COMMAND ${RONDO_MPICH_CXX} -show OUTPUT_VARIABLE flags COMMAND_ERROR_IS_FATAL ANY)
  rondo_add_mpi(mpich "${flags}" "${RONDO_MPICH_RUN};-n")
endif()
if(NOT RONDO_MPI_IMPLEMENTATIONS)
  find_package(MPI QUIET COMPONENTS CXX)
  if(MPI_CXX_FOUND)
    rondo_add_mpi(generic "" "${MPIEXEC_EXECUTABLE};${MPIEXEC_NUMPROC_FLAG}")
    target_link_libraries(rondo_with_generic INTERFACE MPI::MPI_CXX)
    target_include_directories(rondo_with_generic SYSTEM INTERFACE ${MPI_CXX_INCLUDE_DIRS})
  endif()
endif()
message(STATUS "rondo: MPI implementations to build for: ${RONDO_MPI_IMPLEMENTATIONS}")
