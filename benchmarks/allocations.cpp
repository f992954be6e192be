// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Counts what is allocated, where BENCH_COUNT_ALLOCATIONS is defined, by standing in for glibc's
// malloc, and for mmap as far as others than glibc call it: some contenders go past operator new,
// or past malloc. Counting costs more where there are more
// allocations, so times are taken without it.
#include "workload.hpp"

#if defined(BENCH_COUNT_ALLOCATIONS)

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <malloc.h>

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t align, std::size_t size);
void __libc_free(void* block);
}

namespace {

std::atomic<std::uint64_t> count{0};
std::atomic<std::int64_t> in_use{0};

std::int64_t size_of(void* p) noexcept {
    return static_cast<std::int64_t>(malloc_usable_size(p)); // 0 for null
}
void* counted(void* p) noexcept {
    count.fetch_add(1, std::memory_order_relaxed);
    in_use.fetch_add(size_of(p), std::memory_order_relaxed);
    return p;
}

} // namespace

bool counts_allocations() noexcept { return true; }
std::uint64_t allocations() noexcept { return count.load(); }
std::int64_t bytes_in_use() noexcept { return in_use.load(); }

extern "C" {

void* malloc(std::size_t size) noexcept { return counted(__libc_malloc(size)); }
void* calloc(std::size_t n, std::size_t size) noexcept { return counted(__libc_calloc(n, size)); }
void* realloc(void* block, std::size_t size) noexcept {
    in_use.fetch_sub(size_of(block), std::memory_order_relaxed);
    return counted(__libc_realloc(block, size));
}
void* memalign(std::size_t align, std::size_t size) noexcept {
    return counted(__libc_memalign(align, size));
}
void* aligned_alloc(std::size_t align, std::size_t size) noexcept { return memalign(align, size); }
int posix_memalign(void** block, std::size_t align, std::size_t size) noexcept {
    *block = memalign(align, size);
    return *block != nullptr ? 0 : ENOMEM;
}
void free(void* block) noexcept {
    in_use.fetch_sub(size_of(block), std::memory_order_relaxed);
    __libc_free(block);
}
void* mmap(void* at, std::size_t size, int protection, int flags, int file, off_t offset) noexcept {
    const long p = ::syscall(SYS_mmap, at, size, protection, flags, file, offset);
    if (p == -1)
        return MAP_FAILED;
    if ((flags & MAP_ANONYMOUS) != 0) {
        count.fetch_add(1, std::memory_order_relaxed);
        in_use.fetch_add(static_cast<std::int64_t>(size), std::memory_order_relaxed);
    }
    return reinterpret_cast<void*>(p);
}
int munmap(void* at, std::size_t size) noexcept {
    // Files are mapped for good here.
    in_use.fetch_sub(static_cast<std::int64_t>(size), std::memory_order_relaxed);
    return static_cast<int>(::syscall(SYS_munmap, at, size));
}

} // extern "C"

#else

bool counts_allocations() noexcept { return false; }
std::uint64_t allocations() noexcept { return 0; }
std::int64_t bytes_in_use() noexcept { return 0; }

#endif
