# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# The compilers that the header and compile_fail tests call directly: RONDO_HOST_COMPILERS names the
# host compilers (the build's own, and Clang too where there is one); RONDO_COMMAND_<name> is the
# command with its flags, for those and, where there is one, for nvcc.

set(includes -I${PROJECT_SOURCE_DIR}/include)
set(host_flags -std=c++20 -pthread -Wall -Wextra -Wconversion -Wshadow -Werror ${includes})

set(RONDO_HOST_COMPILERS g++)
if(CMAKE_CXX_COMPILER_ID MATCHES Clang)
  set(RONDO_HOST_COMPILERS clang++)
else()
  find_program(RONDO_CLANG NAMES clang++ clang++-20 clang++-19 clang++-18 clang++-17 clang++-16
                                 clang++-15 clang++-14)
  mark_as_advanced(RONDO_CLANG)
  if(RONDO_CLANG)
    list(APPEND RONDO_HOST_COMPILERS clang++)
    set(RONDO_COMMAND_clang++ ${CMAKE_CXX_COMPILER_LAUNCHER} ${RONDO_CLANG} ${host_flags})
  endif()
endif()
list(GET RONDO_HOST_COMPILERS 0 own)
set(RONDO_COMMAND_${own} ${CMAKE_CXX_COMPILER_LAUNCHER} ${CMAKE_CXX_COMPILER} ${host_flags})

if(RONDO_CUDA_FOUND)
  # 20011..20014: a template for host and device, instantiated for a type of the host only.
  set(RONDO_COMMAND_nvcc ${CMAKE_CUDA_COMPILER_LAUNCHER} ${CMAKE_CUDA_COMPILER} -x cu -std=c++20
      ${RONDO_DEVICE_FLAGS} -arch=sm_90 -ccbin ${CMAKE_CXX_COMPILER} -Werror all-warnings
      -diag-suppress 20011,20013,20014 -Xcompiler -Wall,-Wextra ${includes})
endif()
