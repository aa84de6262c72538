# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# Installs BUILD to STAGE and moves the result to PREFIX: nothing in it may name the first place.
file(REMOVE_RECURSE ${STAGE} ${PREFIX})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD} --prefix ${STAGE}
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME ${STAGE} ${PREFIX})

file(GLOB_RECURSE files ${PREFIX}/*.cmake ${PREFIX}/*.pc)
foreach(file IN LISTS files)
  file(READ ${file} text)
  foreach(place IN ITEMS ${STAGE} ${BUILD})
    string(FIND "${text}" "${place}" position)
    if(NOT position EQUAL -1)
      message(SEND_ERROR "${file} names ${place}")
    endif()
  endforeach()
endforeach()
