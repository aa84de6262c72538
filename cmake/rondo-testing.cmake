# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# rondo_test, rondo_mpi_test, rondo_cuda_test and rondo_control: what the rooms below tests/ use.

# The targets rondo_tests_unit and rondo_tests_threads build the tests with that label and nothing
# else; the sanitizer presets do.
foreach(label IN ITEMS unit threads)
  add_custom_target(rondo_tests_${label})
endforeach()

# rondo_test(NAME <name> SOURCES a.cpp.. [LABELS unit|threads] [LIBRARIES lib..] [TIMEOUT seconds]
# [WAITS]) builds a Catch2 program and registers it as <room>.<name>. WAITS: its time goes to waiting
# for deadlines, so others run beside it, and it begins first.
function(rondo_test)
  if(RONDO_GPU_ONLY)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 0 arg "WAITS" "NAME;TIMEOUT" "SOURCES;LABELS;LIBRARIES")
  rondo_room_name(name ${arg_NAME})
  if(NOT arg_LABELS)
    set(arg_LABELS unit)
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  rondo_executable(${name} SOURCES ${arg_SOURCES} LIBRARIES rondo_test_main ${arg_LIBRARIES})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES LABELS "${arg_LABELS}" TIMEOUT ${arg_TIMEOUT})
  foreach(label IN LISTS arg_LABELS)
    add_dependencies(rondo_tests_${label} ${name})
  endforeach()
  if(arg_WAITS)
    set_tests_properties(${name} PROPERTIES COST 30)
  elseif("threads" IN_LIST arg_LABELS)
    set_tests_properties(${name} PROPERTIES PROCESSORS 2)
  endif()
endfunction()

# rondo_mpi_test(NAME <name> SOURCES a.cpp.. RANKS 2 3 .. [LIBRARIES lib..] [TIMEOUT seconds] [WAITS])
# builds a Catch2 program, whose test cases run on every rank together, once per MPI library (from
# the second one on with RONDO_QUICK_FLAGS), and registers it as
# <room>.<name>.<implementation>.<ranks>. Ranks that outnumber the cores wait busily, so these tests
# run one at a time.
function(rondo_mpi_test)
  cmake_parse_arguments(PARSE_ARGV 0 arg "WAITS" "NAME;TIMEOUT" "SOURCES;RANKS;LIBRARIES")
  rondo_room_name(name ${arg_NAME})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 120)
  endif()
  rondo_mpi_executables(targets ${name} MAIN rondo_test_main QUICK_AGAIN
                        SOURCES ${arg_SOURCES} LIBRARIES ${arg_LIBRARIES})
  foreach(implementation target IN ZIP_LISTS RONDO_MPI_IMPLEMENTATIONS targets)
    foreach(ranks IN LISTS arg_RANKS)
      add_test(NAME ${target}.${ranks}
               COMMAND ${RONDO_MPIRUN_${implementation}} ${ranks} $<TARGET_FILE:${target}>)
      set_tests_properties(${target}.${ranks} PROPERTIES
        LABELS mpi TIMEOUT ${arg_TIMEOUT} PROCESSORS ${ranks} RESOURCE_LOCK mpi)
      if(arg_WAITS)
        set_tests_properties(${target}.${ranks} PROPERTIES PROCESSORS 1 COST 30)
      endif()
    endforeach()
  endforeach()
endfunction()

# rondo_cuda_test(NAME <name> SOURCES a.cu.. [LIBRARIES lib..] [TIMEOUT seconds])
# builds a program of tests/cuda/check.hpp with nvcc, where there is one, and registers it as
# <room>.<name> with the label gpu. Without a GPU it exits with status 77, which counts as skipped.
# Kernels that wait for each other need queues of their own, and are loaded before any of them runs.
function(rondo_cuda_test)
  if(NOT RONDO_CUDA_FOUND)
    return()
  endif()
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;TIMEOUT" "SOURCES;LIBRARIES")
  rondo_room_name(name ${arg_NAME})
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 300)
  endif()
  rondo_executable(${name} SOURCES ${arg_SOURCES}
                   LIBRARIES rondo_test_main_cuda ${arg_LIBRARIES})
  if(NOT RONDO_GPU_ONLY)  # where any nvcc is to do
    target_compile_options(${name} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Werror=all-warnings>)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES
    LABELS gpu TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77 RESOURCE_LOCK gpu
    ENVIRONMENT "CUDA_MODULE_LOADING=EAGER;CUDA_DEVICE_MAX_CONNECTIONS=32")
endfunction()

# rondo_control_programs() builds the room's controls.cpp under ThreadSanitizer, whatever the build:
# as `controls`, and as `controls_relaxed_publish` with that flaw compiled in.
function(rondo_control_programs)
  foreach(program IN ITEMS controls controls_relaxed_publish)
    rondo_room_name(name ${program})
    rondo_executable(${name} SOURCES controls.cpp)
    target_compile_options(${name} PRIVATE -fsanitize=thread -O1 -g1)
    target_link_options(${name} PRIVATE -fsanitize=thread)
    add_dependencies(rondo_tests_threads ${name})
  endforeach()
  target_compile_definitions(${name} PRIVATE FLAW_RELAXED_PUBLISH)
endfunction()

# rondo_control(sound|red <name> <program> [ARGUMENT..]) registers a run of one of them as
# <room>.<name>. `sound`: all results are right. `red`: a race or a wrong result is seen.
function(rondo_control outcome name program)
  rondo_room_name(test ${name})
  rondo_room_name(target ${program})
  add_test(NAME ${test} COMMAND ${RONDO_FIXED_LAYOUT} $<TARGET_FILE:${target}> ${ARGN})
  set_tests_properties(${test} PROPERTIES
    LABELS threads TIMEOUT 120 PROCESSORS 2 ENVIRONMENT "TSAN_OPTIONS=halt_on_error=1")
  if(outcome STREQUAL "sound")
    set_tests_properties(${test} PROPERTIES FAIL_REGULAR_EXPRESSION "ThreadSanitizer"
                         PASS_REGULAR_EXPRESSION "all results are right")
  else()
    set_tests_properties(${test} PROPERTIES
      PASS_REGULAR_EXPRESSION "ThreadSanitizer: (data race|heap-use-after-free|SEGV)|wrong results")
  endif()
endfunction()
