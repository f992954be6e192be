# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
# Run by cpack before it packs: what Debian asks of the files of a package.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH ferry_source)
string(TIMESTAMP ferry_date "%a, %d %b %Y %H:%M:%S +0000" UTC)
find_program(ferry_gzip gzip REQUIRED)

foreach(pair IN ITEMS library=libferry-dev programs=ferry-tools)
  string(REGEX MATCH "(.*)=(.*)" pair "${pair}")
  set(root "${CPACK_TEMPORARY_DIRECTORY}/${CMAKE_MATCH_1}/usr/share")
  set(doc "${root}/doc/${CMAKE_MATCH_2}")
  file(REMOVE_RECURSE "${root}/doc")
  file(READ "${ferry_source}/LICENSE_1_0.txt" license)
  file(WRITE "${doc}/copyright" "Copyright (c) 2026 The Ferry authors\n\n${license}")
  file(COPY_FILE "${ferry_source}/CHANGELOG.md" "${doc}/changelog")
  file(WRITE "${doc}/changelog.Debian"
    "ferry (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium\n\n"
    "  * Made by cpack; changelog.gz tells what is new.\n\n"
    " -- ${CPACK_PACKAGE_CONTACT}  ${ferry_date}\n")
  file(GLOB files "${root}/man/man1/*.1" "${doc}/changelog*")
  execute_process(COMMAND "${ferry_gzip}" --best --no-name ${files} COMMAND_ERROR_IS_FATAL ANY)
  file(CHMOD_RECURSE "${root}"
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ
    DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
      WORLD_READ WORLD_EXECUTE)
endforeach()
