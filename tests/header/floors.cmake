# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# cmake -D INCLUDE=<include directory> -P floors.cmake: fails if a header of a room includes one from
# a higher floor or from another room of its own floor, or if a room has no floor; and if it stands
# beside detail/ although it has no name for users. docs/design.md draws the same floors.
cmake_minimum_required(VERSION 3.25)
set(floors
    "core"
    "schedule codec"
    "protocol"
    "device"
    "transport"
    "collective"
    "data pipeline tensor"
    "elastic"
    "testing")

set(floor_version 0)
set(level 0)
foreach(rooms IN LISTS floors)
  math(EXPR level "${level} + 1")
  separate_arguments(rooms)
  foreach(room IN LISTS rooms)
    set(floor_${room} ${level})
  endforeach()
endforeach()
math(EXPR top "${level} + 1")

# The floor of rondo/<path>: its room's, and for a front header that of the room it is named after.
function(floor_of path output)
  string(REGEX MATCH "^[a-z_]+" room "${path}")
  if(DEFINED floor_${room})
    set(${output} ${floor_${room}} PARENT_SCOPE)
  elseif(path MATCHES "/")
    message(SEND_ERROR "rondo/${path}: the room ${room} has no floor; give it one here and in docs/design.md")
    set(${output} 0 PARENT_SCOPE)
  else()
    set(${output} ${top} PARENT_SCOPE)  # rondo.hpp, mpi.hpp, ..: all rooms at once
  endif()
endfunction()

file(GLOB_RECURSE headers RELATIVE ${INCLUDE}/rondo ${INCLUDE}/rondo/*.hpp ${INCLUDE}/rondo/*.cuh)
list(LENGTH headers count)
foreach(header IN LISTS headers)
  floor_of(${header} own)
  file(STRINGS ${INCLUDE}/rondo/${header} namespaces REGEX "^namespace rondo")
  set(for_users ${namespaces})
  list(FILTER for_users EXCLUDE REGEX "::detail {$")
  if(namespaces AND NOT for_users AND NOT header MATCHES "/detail/")
    message(SEND_ERROR "rondo/${header} has names in a namespace detail alone; move it to detail/")
  endif()
  file(STRINGS ${INCLUDE}/rondo/${header} lines REGEX "^ *# *include <rondo/[^>]+>")
  foreach(line IN LISTS lines)
    string(REGEX REPLACE ".*<rondo/([^>]+)>.*" "\\1" included "${line}")
    floor_of(${included} other)
    if(other GREATER own)
      message(SEND_ERROR "rondo/${header} includes rondo/${included}, from a higher floor")
    elseif(other EQUAL own AND own LESS top)
      string(REGEX MATCH "^[a-z_]+" own_room "${header}")
      string(REGEX MATCH "^[a-z_]+" other_room "${included}")
      if(NOT own_room STREQUAL other_room)
        message(SEND_ERROR
                "rondo/${header} includes rondo/${included}, from another room of its floor")
      endif()
    endif()
  endforeach()
endforeach()
if(count EQUAL 0)
  message(SEND_ERROR "no header below ${INCLUDE}/rondo")
endif()
