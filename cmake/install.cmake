# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Installation: the libraries, their headers, a CMake package and pkg-config files (the component
# `dev`), and the programs with their man pages (the component `tools`).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)
set(ferry_config_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ferry")

# ferry_install_library(target export): `export` is the stem of the file that describes it.
function(ferry_install_library target export)
  install(TARGETS ${target} EXPORT ${export}
    ARCHIVE COMPONENT dev
    LIBRARY COMPONENT dev NAMELINK_COMPONENT dev
    FILE_SET HEADERS COMPONENT dev)
  install(EXPORT ${export} NAMESPACE ferry:: DESTINATION "${ferry_config_dir}" COMPONENT dev)
endfunction()

ferry_install_library(ferry ferry-targets)
install(TARGETS ferry_program RUNTIME COMPONENT tools)
install(FILES src/program/ferry.1 DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools)
if(FERRY_BUILD_PROCESS)
  ferry_install_library(ferry_process ferry-process-targets)
  install(TARGETS ferry-worker EXPORT ferry-worker-targets RUNTIME COMPONENT tools)
  install(FILES programs/ferry-worker.1
    DESTINATION "${CMAKE_INSTALL_MANDIR}/man1" COMPONENT tools)
  install(EXPORT ferry-worker-targets NAMESPACE ferry::
    DESTINATION "${ferry_config_dir}" COMPONENT tools)
endif()
if(FERRY_BUILD_CLUSTER)
  ferry_install_library(ferry_cluster ferry-cluster-targets)
  install(FILES cmake/ferry-rabbitmq.cmake DESTINATION "${ferry_config_dir}" COMPONENT dev)
endif()

configure_package_config_file(cmake/ferry-config.cmake.in ferry-config.cmake
  INSTALL_DESTINATION "${ferry_config_dir}")
# Until 1.0 a minor version may change names, so it counts as a major one does afterwards.
write_basic_package_version_file(ferry-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES
  "${CMAKE_CURRENT_BINARY_DIR}/ferry-config.cmake"
  "${CMAKE_CURRENT_BINARY_DIR}/ferry-config-version.cmake"
  DESTINATION "${ferry_config_dir}" COMPONENT dev)

# The prefix is found from the file itself, so that `cmake --install --prefix` may choose another.
set(ferry_pc_prefix "${CMAKE_INSTALL_PREFIX}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}")
  cmake_path(SET ferry_pc_up "/")
  cmake_path(RELATIVE_PATH ferry_pc_up BASE_DIRECTORY "/${CMAKE_INSTALL_LIBDIR}/pkgconfig")
  set(ferry_pc_prefix "\${pcfiledir}/${ferry_pc_up}")
endif()
cmake_path(APPEND ferry_pc_libdir "\${prefix}" "${CMAKE_INSTALL_LIBDIR}")
cmake_path(APPEND ferry_pc_includedir "\${prefix}" "${CMAKE_INSTALL_INCLUDEDIR}")

# ferry_install_pc(name description requires libs cflags)
function(ferry_install_pc name description requires libs cflags)
  set(ferry_pc_name "${name}")
  set(ferry_pc_description "${description}")
  set(ferry_pc_requires "${requires}")
  set(ferry_pc_libs "${libs}")
  set(ferry_pc_cflags "${cflags}")
  configure_file(cmake/ferry.pc.in ${name}.pc @ONLY)
  install(FILES "${CMAKE_CURRENT_BINARY_DIR}/${name}.pc"
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig" COMPONENT dev)
endfunction()

ferry_install_pc(ferry "${PROJECT_DESCRIPTION}" "" "-lferry -pthread" " -pthread")
if(FERRY_BUILD_PROCESS)
  list(TRANSFORM CMAKE_DL_LIBS PREPEND "-l" OUTPUT_VARIABLE dl)
  ferry_install_pc(ferry-process "Pools of worker processes, with the interface of Ferry's threads"
    "\nRequires: ferry = ${PROJECT_VERSION}" "-lferry_process ${dl}" "")
endif()
if(FERRY_BUILD_CLUSTER)
  # A shared library brings its own libraries along, an archive does not.
  get_target_property(type ferry_cluster TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    set(broker "\nRequires.private: librabbitmq libssl libcrypto")
  else()
    set(broker ", librabbitmq, libssl, libcrypto")
  endif()
  ferry_install_pc(ferry-cluster "Pools on other machines, over RabbitMQ, with Ferry's interface"
    "\nRequires: ferry-process = ${PROJECT_VERSION}${broker}" "-lferry_cluster" "")
endif()

install(FILES LICENSE_1_0.txt DESTINATION "${CMAKE_INSTALL_DOCDIR}" COMPONENT dev)

# cpack makes the Debian packages libferry-dev and ferry-tools, and only those.
if(PROJECT_IS_TOP_LEVEL)
  include(cmake/package.cmake)
endif()
