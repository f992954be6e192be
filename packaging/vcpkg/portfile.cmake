# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# An overlay port: it builds the tree that it lies in. In a registry of its own, vcpkg_from_git with
# the tag takes the place of SOURCE_PATH.
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../.." ABSOLUTE)

vcpkg_check_features(OUT_FEATURE_OPTIONS options FEATURES
  process FERRY_BUILD_PROCESS
  cluster FERRY_BUILD_CLUSTER)
vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS ${options}
    -DFERRY_BUILD_TESTS=OFF
    -DFERRY_BUILD_EXAMPLES=OFF
    -DFERRY_WERROR=OFF
    -DFERRY_INSTALL=ON)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/ferry)
vcpkg_fixup_pkgconfig()
set(tools ferry)
if("process" IN_LIST FEATURES)
  list(APPEND tools ferry-worker)
endif()
vcpkg_copy_tools(TOOL_NAMES ${tools} AUTO_CLEAN)
file(REMOVE_RECURSE
  "${CURRENT_PACKAGES_DIR}/debug/include"
  "${CURRENT_PACKAGES_DIR}/debug/share")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE_1_0.txt")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
