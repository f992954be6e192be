// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// The launcher of Boost.Process (v2), whichever release of Boost it is from. Its compiled part, a
// header of its own until it became a library, is not in every distribution of Boost;
// boost_process.cpp supplies what the launcher needs of it.
#define BOOST_PROCESS_USE_STD_FS
#define BOOST_PROCESS_V2_SEPARATE_COMPILATION
#define BOOST_PROCESS_NO_LIB
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wextra"
#endif
#include <boost/asio.hpp>
#include <boost/optional.hpp>
#include <boost/process/v2/process.hpp>
#include <boost/type_traits.hpp> // the process headers rely on it
//
#include <boost/process/v2/posix/vfork_launcher.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif
