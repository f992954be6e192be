// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "home_process.hpp"

#include <ferry/error.hpp>

namespace ferry::detail {

void home_process::check() const {
    if (is_elsewhere())
        throw shutdown_error("the pool belongs to the process that this one was forked from");
}

} // namespace ferry::detail
