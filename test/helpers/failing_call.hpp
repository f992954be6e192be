// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// For tests that define functions of the system themselves, of which one call, or each one from
// then on, can be made to fail.

#include <atomic>

#include <dlfcn.h>

namespace failing_call {

inline std::atomic<long> left{-1}; // calls before the one that fails; negative: none does
inline std::atomic<bool> lasting{false};
inline std::atomic<bool> failed{false};

/// Whether this call is to fail.
inline bool is_due() noexcept {
    if (left.load(std::memory_order_relaxed) < 0)
        return false;
    const bool due = lasting ? left.load() == 0 || left.fetch_sub(1) == 0 : left.fetch_sub(1) == 0;
    if (due)
        failed = true;
    return due;
}

/// As long as it lives: after `n` calls one fails, or all do.
class shortage {
public:
    explicit shortage(long n, bool all = false) {
        failed = false;
        lasting = all;
        left = n;
    }
    ~shortage() { left = -1; }
    shortage(const shortage&) = delete;
    shortage& operator=(const shortage&) = delete;
};

/// What the program would call if it did not define that function itself.
template <class F>
F* real(const char* name) noexcept {
    return reinterpret_cast<F*>(::dlsym(RTLD_NEXT, name));
}

} // namespace failing_call
