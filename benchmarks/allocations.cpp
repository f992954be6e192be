// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Counts what goes through operator new.
#include "workload.hpp"

#include <atomic>
#include <cstdlib>
#include <malloc.h>
#include <new>

namespace {

std::atomic<std::uint64_t> count{0};
std::atomic<std::int64_t> in_use{0};

void* counted(void* p) {
    if (p == nullptr)
        throw std::bad_alloc();
    count.fetch_add(1, std::memory_order_relaxed);
    in_use.fetch_add(static_cast<std::int64_t>(malloc_usable_size(p)), std::memory_order_relaxed);
    return p;
}
void discount(void* p) noexcept {
    if (p != nullptr)
        in_use.fetch_sub(static_cast<std::int64_t>(malloc_usable_size(p)),
                         std::memory_order_relaxed);
    std::free(p);
}

} // namespace

std::uint64_t allocations() noexcept {
    return count.load();
}
std::int64_t bytes_in_use() noexcept {
    return in_use.load();
}

void* operator new(std::size_t n) {
    return counted(std::malloc(n));
}
void* operator new(std::size_t n, std::align_val_t a) {
    const auto align = static_cast<std::size_t>(a);
    return counted(std::aligned_alloc(align, (n + align - 1) / align * align));
}
void operator delete(void* p) noexcept {
    discount(p);
}
void operator delete(void* p, std::size_t) noexcept {
    discount(p);
}
void operator delete(void* p, std::align_val_t) noexcept {
    discount(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept {
    discount(p);
}
