// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <thread>

namespace ferry::detail {

/// Tells the processor that this thread waits in a loop.
inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

/// Waits a moment for another thread that is within a few instructions of its goal; yields the
/// processor when that thread seems to have lost it.
class short_wait {
public:
    void operator()() noexcept {
        if (++rounds_ < 64)
            pause_briefly();
        else
            std::this_thread::yield();
    }

private:
    unsigned rounds_ = 0;
};

} // namespace ferry::detail
