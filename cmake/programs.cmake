# Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
include_guard(GLOBAL)

# ferry_program(name source): a small program with Ferry's warnings; linked with ferry::process if
# its name says that it has worker processes, and left out if there is no ferry::process. Programs
# that need the pool of threads alone share what nearly all of them include, compiled once.
function(ferry_program name source)
  if(name MATCHES "process|prime")
    if(NOT FERRY_BUILD_PROCESS)
      return()
    endif()
    set(library ferry::process)
  else()
    set(library ferry::ferry)
    if(NOT TARGET ferry_program_headers)
      add_library(ferry_program_headers OBJECT "${PROJECT_SOURCE_DIR}/cmake/program_headers.cpp")
      target_precompile_headers(ferry_program_headers PRIVATE <ferry/ferry.hpp> <iostream>)
      target_link_libraries(ferry_program_headers PRIVATE ferry::ferry ferry_warnings)
      set_target_properties(ferry_program_headers PROPERTIES CXX_EXTENSIONS OFF)
    endif()
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE ${library} ferry_warnings)
  set_target_properties(${name} PROPERTIES CXX_EXTENSIONS OFF)
  if(library STREQUAL "ferry::ferry")
    target_precompile_headers(${name} REUSE_FROM ferry_program_headers)
  endif()
endfunction()
