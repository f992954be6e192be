// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

#if defined(__linux__)
#include <sched.h>
#endif

namespace ferry::detail {

/// Tells the processor that this thread waits in a loop.
inline void pause_briefly() noexcept {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    asm volatile("yield");
#endif
}

/// The processor that the calling thread is on, where the system tells that cheaply.
inline int this_processor() noexcept {
#if defined(__linux__)
    return ::sched_getcpu();
#else
    return 0;
#endif
}

/// Leaves out more and more of what does not pay: after each failure in a row twice as many turns,
/// up to `most`.
class skip_policy {
public:
    explicit constexpr skip_policy(unsigned most = 1023) noexcept : most_(most) {}

    bool allows() noexcept {
        if (left_ == 0)
            return true;
        --left_;
        return false;
    }
    void failed() noexcept { left_ = length_ = std::min(2 * length_ + 1, most_); }
    void reset() noexcept { left_ = length_ = 0; }

private:
    unsigned most_;
    unsigned left_ = 0;
    unsigned length_ = 0;
};

/// Decides how long a thread that waits for another one looks before it sleeps. A look that takes
/// as long as a wake-up and fails doubles the cost at most, and what fails is left out more and
/// more. Where both share a processor, looking keeps the other one from going on.
class look_policy {
public:
    struct observation {
        bool together = false; ///< the other one seems to run on this processor
        std::chrono::nanoseconds wake_up{};
    };

    /// How long to look; 0 is to sleep at once.
    std::chrono::nanoseconds time(const observation& o) noexcept {
        return !o.together && turns_.allows() ? o.wake_up : std::chrono::nanoseconds::zero();
    }
    /// A look has ended; `found` says whether it was worth while.
    void looked(bool found) noexcept { found ? turns_.reset() : turns_.failed(); }

private:
    skip_policy turns_{127}; // less than 1 % is lost to what never pays
};

/// Looks until `found()` says yes or the time is over. True if it did.
template <class F>
bool look_for(std::chrono::nanoseconds time, F found) noexcept {
    const auto end = std::chrono::steady_clock::now() + time;
    bool yes = found();
    while (!yes && std::chrono::steady_clock::now() < end) {
        pause_briefly();
        yes = found();
    }
    return yes;
}

/// Lets the other threads of this processor go first, unless that took long lately: then it is
/// crowded, and whoever yields waits for threads that it has nothing to do with.
class adaptive_yield {
public:
    explicit adaptive_yield(
        std::chrono::microseconds long_turn = std::chrono::microseconds(1000)) noexcept
        : long_turn_(long_turn) {}

    void operator()() noexcept {
        using clock = std::chrono::steady_clock;
        if (!crowded_.allows())
            return;
        const auto start = clock::now();
        std::this_thread::yield();
        if (clock::now() - start < long_turn_)
            crowded_.reset();
        else
            crowded_.failed();
    }

private:
    std::chrono::microseconds long_turn_;
    skip_policy crowded_;
};

/// Waits a moment for another thread that is within a few instructions of its goal; yields the
/// processor when that thread seems to have lost it, and sleeps when that does not help, because it
/// has a lower priority.
class spin_wait {
public:
    void operator()() noexcept {
        if (++rounds_ < 64)
            pause_briefly();
        else if (rounds_ < 1000)
            std::this_thread::yield();
        else
            std::this_thread::sleep_for(std::chrono::microseconds(50));
    }

private:
    unsigned rounds_ = 0;
};

} // namespace ferry::detail
