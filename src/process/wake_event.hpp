// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "support/descriptor.hpp"

#include <atomic>

namespace ferry::detail {

/// Wakes a thread that waits for descriptors. However often it is set before that thread clears it,
/// it costs one call of the system. What was done before `set` is seen after `clear`, or the thread
/// is woken again. Thread safety: safe.
class wake_event {
public:
    /// Errors: `std::system_error`.
    wake_event();

    /// Readable while it is set.
    int file() const noexcept { return event_.get(); }
    void set() noexcept;
    /// For the thread that was woken, before it looks at what there is to do.
    void clear() noexcept;

private:
    descriptor event_;
    std::atomic<bool> set_{false}; // or about to be
};

} // namespace ferry::detail
