# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# What only rondo's own tests, examples and benchmarks use; nothing here reaches a user's build.

option(RONDO_WARNINGS_AS_ERRORS "Treat warnings in tests, examples and benchmarks as errors" ON)
option(RONDO_USE_MPI "Build for the MPI libraries that are found" ON)
option(RONDO_USE_CUDA "Build CUDA tests and examples when nvcc is found" ON)
option(RONDO_GPU_ONLY "Leave out what does not run on a GPU; nothing but nvcc is needed then" OFF)
option(RONDO_QUICK "Compile benchmarks, examples and all tests but those of vector loops quickly, not for measuring" OFF)
set(RONDO_SANITIZE "" CACHE STRING "Sanitizers for tests and examples: thread, or address,undefined")

if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Build type" FORCE)
endif()
if(PROJECT_IS_TOP_LEVEL AND NOT DEFINED CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(RONDO_CCACHE ccache)
  if(RONDO_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER ${RONDO_CCACHE})
    set(CMAKE_CUDA_COMPILER_LAUNCHER ${RONDO_CCACHE})
  endif()
endif()

add_library(rondo_development INTERFACE)
target_link_libraries(rondo_development INTERFACE rondo::core)
target_compile_options(rondo_development INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Wshadow>
  $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<BOOL:${RONDO_WARNINGS_AS_ERRORS}>>:-Werror>)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees an overlap in "a" + std::string (PR 105651).
  target_compile_options(rondo_development INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-restrict>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # GCC looks for garbage whenever its memory has doubled; less often, it is done a little sooner.
  target_compile_options(rondo_development INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:--param=ggc-min-heapsize=500000>)
endif()
if(RONDO_SANITIZE)
  target_compile_options(rondo_development INTERFACE
    $<$<COMPILE_LANGUAGE:CXX>:-fsanitize=${RONDO_SANITIZE};-fno-sanitize-recover=all;-fno-omit-frame-pointer;-g1>)
  target_link_options(rondo_development INTERFACE -fsanitize=${RONDO_SANITIZE})
endif()
# What goes before a program under ThreadSanitizer: its fixed memory layout and a kernel that
# randomises widely do not go together.
set(RONDO_FIXED_LAYOUT)
execute_process(COMMAND setarch -R true RESULT_VARIABLE no_fixed_layout OUTPUT_QUIET ERROR_QUIET)
if(no_fixed_layout EQUAL 0)
  set(RONDO_FIXED_LAYOUT setarch -R)
endif()
if(RONDO_SANITIZE MATCHES thread AND RONDO_FIXED_LAYOUT AND
   NOT DEFINED CMAKE_CROSSCOMPILING_EMULATOR)
  set(CMAKE_CROSSCOMPILING_EMULATOR ${RONDO_FIXED_LAYOUT})
endif()

# What a room passes to add_compile_options before the programs of what stands above the vector
# loops: as under sanitizers (CMakePresets.json), one form of each loop, and -Og, which inlines less
# than -O1, and where GCC sees some values as uninitialised that are not. So they take less than half
# as long to compile. All others are compiled at the -O2 of most users, with every vector form: tests
# of core, codecs, schedules, protocols and transports, of collectives that fold or code values, of
# exact sums and of the threads' hot paths (those over MPI under the first library), all benchmarks,
# and examples but the snippets. With RONDO_QUICK only tests of core, codecs, schedules, protocols,
# transports and the folds are (rooms of others pass RONDO_FLAGS_IF_QUICK), and headers of detail/ are
# not compiled alone.
set(RONDO_QUICK_FLAGS $<$<COMPILE_LANGUAGE:CXX>:-DRONDO_PLAIN_LOOPS>
                      $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-maybe-uninitialized>
                      $<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CONFIG:Release>>:-Og>)
set(RONDO_FLAGS_IF_QUICK)
if(RONDO_QUICK)
  set(RONDO_FLAGS_IF_QUICK ${RONDO_QUICK_FLAGS})
endif()

set(RONDO_MPI_IMPLEMENTATIONS)
if(RONDO_USE_MPI)
  include(${CMAKE_CURRENT_LIST_DIR}/rondo-mpi-implementations.cmake)
endif()

set(RONDO_CUDA_FOUND FALSE)
if(RONDO_USE_CUDA)
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
      set(CMAKE_CUDA_ARCHITECTURES 90)
    endif()
    enable_language(CUDA)
    rondo_find_component(cuda)
    rondo_find_component(nccl)
    set(RONDO_CUDA_FOUND ${rondo_cuda_FOUND})
  endif()
endif()

# What goes to nvcc where there is no GPU, and nothing that it makes runs: it shows that all of it
# can be made, and optimising would take it twice as long. With RONDO_QUICK programs' kernels are only
# read, but for targets with the property RONDO_MAKES_KERNELS: those and the tests that call nvcc make
# all kernels of the headers. For nvcc from 13 on.
set(RONDO_DEVICE_FLAGS)
set(RONDO_DEVICE_FLAGS_OF_PROGRAMS)
if(RONDO_CUDA_FOUND AND NOT RONDO_GPU_ONLY)
  execute_process(COMMAND nvidia-smi -L RESULT_VARIABLE no_gpu OUTPUT_QUIET ERROR_QUIET)
  if(NOT no_gpu EQUAL 0 AND CMAKE_CUDA_COMPILER_ID STREQUAL "NVIDIA" AND
     CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13)
    set(RONDO_DEVICE_FLAGS --Ofast-compile=max)
    set(RONDO_DEVICE_FLAGS_OF_PROGRAMS ${RONDO_DEVICE_FLAGS})
    if(RONDO_QUICK)
      set(RONDO_DEVICE_FLAGS_OF_PROGRAMS
          $<IF:$<BOOL:$<TARGET_PROPERTY:RONDO_MAKES_KERNELS>>,${RONDO_DEVICE_FLAGS},-fdevice-syntax-only>)
    endif()
  endif()
endif()

# <room>.<name>, where the room is the folder of the calling CMakeLists.txt.
function(rondo_room_name output name)
  cmake_path(GET CMAKE_CURRENT_SOURCE_DIR FILENAME room)
  string(REGEX REPLACE "^${room}[._]" "" name ${name})
  set(${output} ${room}.${name} PARENT_SCOPE)
endfunction()

# rondo_executable(<target> SOURCES a.cpp.. [LIBRARIES lib..]): an executable of our own. Sources
# may be .cu files where RONDO_CUDA_FOUND.
function(rondo_executable target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LIBRARIES")
  add_executable(${target} ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE rondo_development ${arg_LIBRARIES})
  # Not by CUDA_STANDARD, which CMake 3.25 loses where the language is enabled this late.
  target_compile_options(${target} PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20;${RONDO_DEVICE_FLAGS_OF_PROGRAMS}>)
endfunction()

# rondo_mpi_executables(<output> <name> SOURCES a.cpp.. [LIBRARIES lib..] [MAIN library]
# [QUICK_AGAIN]): one executable <name>.<implementation> for every MPI library on this machine, linked
# to <library>_<implementation> for its main function; their names go to <output>. QUICK_AGAIN: from
# the second library on with RONDO_QUICK_FLAGS, and with RONDO_QUICK from the first on.
function(rondo_mpi_executables output name)
  cmake_parse_arguments(PARSE_ARGV 2 arg "QUICK_AGAIN" "MAIN" "SOURCES;LIBRARIES")
  set(targets)
  foreach(implementation IN LISTS RONDO_MPI_IMPLEMENTATIONS)
    rondo_executable(${name}.${implementation} SOURCES ${arg_SOURCES}
                     LIBRARIES rondo_with_${implementation} ${arg_LIBRARIES})
    if(arg_MAIN)
      target_link_libraries(${name}.${implementation} PRIVATE ${arg_MAIN}_${implementation})
    endif()
    if(arg_QUICK_AGAIN AND (targets OR RONDO_QUICK))
      target_compile_options(${name}.${implementation} PRIVATE ${RONDO_QUICK_FLAGS})
    endif()
    list(APPEND targets ${name}.${implementation})
  endforeach()
  set(${output} ${targets} PARENT_SCOPE)
endfunction()

# Adds every */CMakeLists.txt below the calling one; with RONDO_GPU_ONLY, those of rooms that have
# something for a GPU.
set(rondo_gpu_rooms codec cuda device nccl protocol)
function(rondo_add_rooms)
  file(GLOB rooms CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(room IN LISTS rooms)
    cmake_path(GET room PARENT_PATH room)
    cmake_path(GET room FILENAME name)
    if(NOT RONDO_GPU_ONLY OR name IN_LIST rondo_gpu_rooms)
      add_subdirectory(${room})
    endif()
  endforeach()
endfunction()
