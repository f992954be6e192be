// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <exception>

namespace ferry::detail {

/// For a handler `catch (...)`: returns the exception that it handles. If there is none, the thread
/// is being ended (`pthread_cancel`, `pthread_exit`), and the unwinding goes on from here.
inline std::exception_ptr caught_or_unwind() {
    std::exception_ptr error = std::current_exception();
    if (error == nullptr)
        throw;
    return error;
}

} // namespace ferry::detail
