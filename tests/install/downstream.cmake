# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# Configures SOURCE in BINARY with OPTIONS; then builds it, runs its test and, with INSTALL, installs
# it there. With REFUSED, configuring must fail with a message that matches it.
file(REMOVE_RECURSE ${BINARY})
execute_process(
  COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${BINARY} -G ${GENERATOR} --no-warn-unused-cli
          -DCMAKE_CXX_COMPILER=${COMPILER} -DCMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER} ${OPTIONS}
  RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE errors)

if(REFUSED)
  # CMake wraps its messages; a blank matches any run of blanks.
  string(REGEX REPLACE "[ \n]+" " " errors "${errors}")
  if(status EQUAL 0)
    message(FATAL_ERROR "configures, but must be refused with: ${REFUSED}")
  elseif(NOT errors MATCHES "${REFUSED}")
    message(FATAL_ERROR "refused, but not with '${REFUSED}':\n${errors}")
  endif()
  return()
endif()

if(NOT status EQUAL 0)
  message(FATAL_ERROR "does not configure:\n${output}\n${errors}")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} --build ${BINARY} COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_CTEST_COMMAND} --test-dir ${BINARY} --output-on-failure
                COMMAND_ERROR_IS_FATAL ANY)
if(INSTALL)
  file(REMOVE_RECURSE ${INSTALL})
  execute_process(COMMAND ${CMAKE_COMMAND} --install ${BINARY} --prefix ${INSTALL}
                  COMMAND_ERROR_IS_FATAL ANY)
endif()
