# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Debian packages: `cpack` in a build folder makes libferry-dev (libraries, headers, CMake and pkg-config
# files) and ferry-tools (ferry, ferry-worker, and fetcher if the examples are built).
set(CPACK_GENERATOR DEB)
# Debian asks for an address; this one is nobody's, and who publishes packages gives another.
set(CPACK_PACKAGE_CONTACT "The Ferry authors <ferry@ferry.invalid>" CACHE STRING
  "Who maintains the packages: name <address>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
set(CPACK_STRIP_FILES ON)

set(CPACK_COMPONENTS_ALL dev tools)
if(TARGET fetcher)
  list(APPEND CPACK_COMPONENTS_ALL fetcher)
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_PRE_BUILD_SCRIPTS "${CMAKE_CURRENT_LIST_DIR}/package_files.cmake")
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME libferry-dev)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_LIBRARY_DESCRIPTION
"Blocking calls are carried out of an event loop to a pool of threads, of worker
processes, or of other machines, and their results come back as futures or to
the coroutine's own executor. This package has what programs are built with.")
set(ferry_deb_depends "libc6-dev, libboost-dev (>= 1.81) | libboost1.81-dev | libboost1.88-dev")
if(FERRY_BUILD_PROCESS)
  string(APPEND ferry_deb_depends ", libcereal-dev")
endif()
if(FERRY_BUILD_CLUSTER)
  string(APPEND ferry_deb_depends ", librabbitmq-dev, libssl-dev")
endif()
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "${ferry_deb_depends}")

set(CPACK_DEBIAN_PROGRAMS_PACKAGE_NAME ferry-tools)
set(CPACK_DEBIAN_PROGRAMS_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PROGRAMS_DESCRIPTION
"The programs of the library: ferry looks into a running program that uses it,
ferry-worker runs the tasks of libraries whose host has a main of its own, and
fetcher is a concurrent client for HTTP APIs.")

include(CPack)
cpack_add_component_group(library)
cpack_add_component_group(programs)
cpack_add_component(dev GROUP library)
cpack_add_component(tools GROUP programs)
cpack_add_component(fetcher GROUP programs)
