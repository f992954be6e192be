// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

// For one source file of a test program: an operator new of which one call can be made to fail.

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace failing_new {

inline std::atomic<long> left{-1}; // calls before the one that fails; negative: none does
inline std::atomic<bool> failed{false};

inline void* allocate(std::size_t size, std::size_t alignment) {
    if (left.load(std::memory_order_relaxed) >= 0 && left.fetch_sub(1) == 0) {
        failed = true;
        throw std::bad_alloc();
    }
    size = size == 0 ? 1 : size;
    void* const p =
        alignment <= alignof(std::max_align_t)
            ? std::malloc(size)
            : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (p == nullptr)
        throw std::bad_alloc();
    return p;
}

/// Calls `scenario(arm)` again and again, so that after `arm()` each allocation fails once, until
/// one run has none that could fail. Returns the number of them.
template <class F>
long fail_each_allocation(F scenario) {
    for (long n = 0;; ++n) {
        failed = false;
        scenario([n] { left = n; });
        left = -1;
        if (!failed)
            return n;
    }
}

} // namespace failing_new

void* operator new(std::size_t size) { return failing_new::allocate(size, 1); }
void* operator new(std::size_t size, std::align_val_t alignment) {
    return failing_new::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
