# SPDX-FileCopyrightText: 2026 the rondo authors
# SPDX-License-Identifier: BSL-1.0
#
# Install rules, the package config for the install tree and for the build tree, and rondo.pc.

include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(rondo_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/rondo)

foreach(component IN LISTS rondo_known_components)
  set(export rondo-${component}-targets)
  if(component STREQUAL "core")
    install(TARGETS rondo_core EXPORT ${export}
            FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
  else()
    install(TARGETS rondo_${component} EXPORT ${export})
  endif()
  install(EXPORT ${export} NAMESPACE rondo:: DESTINATION ${rondo_package_dir})
  export(EXPORT ${export} NAMESPACE rondo:: FILE ${PROJECT_BINARY_DIR}/${export}.cmake)
endforeach()

configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/rondo-config.cmake.in
  ${PROJECT_BINARY_DIR}/rondo-config.cmake
  INSTALL_DESTINATION ${rondo_package_dir} NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/rondo-config-version.cmake
  COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)

# The build tree has the same files side by side, so that rondo_DIR may point at it.
set(package_files ${CMAKE_CURRENT_LIST_DIR}/rondo-components.cmake ${CMAKE_CURRENT_LIST_DIR}/FindNCCL.cmake)
foreach(file IN LISTS package_files)
  configure_file(${file} ${PROJECT_BINARY_DIR} COPYONLY)
endforeach()
install(FILES ${package_files} ${PROJECT_BINARY_DIR}/rondo-config.cmake
              ${PROJECT_BINARY_DIR}/rondo-config-version.cmake
        DESTINATION ${rondo_package_dir})

configure_file(${CMAKE_CURRENT_LIST_DIR}/rondo.pc.in ${PROJECT_BINARY_DIR}/rondo.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/rondo.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
