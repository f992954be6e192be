// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/bytes.hpp>

#include <boost/system/error_code.hpp>

#include <system_error>

// How error codes cross from one process to another. A category is found by its name where it is a
// known one: of the standard library, Boost.System, Asio or Ferry. Any other is found by where it
// lies in its module, as long as both processes have that module loaded and there is such a
// category. Else the code comes back in a category of the same name that only knows its texts, and
// equals no other.

namespace ferry::detail {

FERRY_DECL void put_error_code(byte_sink& out, const std::error_code& code);
FERRY_DECL void put_error_code(byte_sink& out, const boost::system::error_code& code);
/// Errors: those of the source; `std::length_error` where too many unknown categories or texts came
/// already.
FERRY_DECL void get_error_code(byte_source& in, std::error_code& code);
FERRY_DECL void get_error_code(byte_source& in, boost::system::error_code& code);

} // namespace ferry::detail
