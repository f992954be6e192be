// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <cstdint>
#include <iosfwd>
#include <string>

namespace ferry {

/// One frame of a stack.
struct stack_frame {
    std::string module = {};  ///< path of the executable file or shared library; empty if unknown
    std::string symbol = {};  ///< demangled name of the function; empty if unknown
    std::uint64_t offset = 0; ///< offset in the module, as `addr2line` takes it

    friend bool operator==(const stack_frame&, const stack_frame&) = default;
};

/// Prints a frame, as in `load(int) at /usr/bin/server+0x1f40`.
FERRY_DECL std::ostream& operator<<(std::ostream& out, const stack_frame& frame);

} // namespace ferry
