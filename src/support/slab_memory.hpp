// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/thread_annotations.hpp>

#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// Pieces of memory for small objects, straight from the system. Each stands at a multiple of its
/// size, so that what lies in it tells where it begins.
///
/// What is not used goes back to the system but for a few, the more of them the more are in use: so
/// memory goes round while a burst lasts, and is gone after it. The general allocator keeps it.
class slab_memory {
public:
    static constexpr std::size_t piece = 32768; // bytes

    constexpr slab_memory() noexcept = default;
    slab_memory(const slab_memory&) = delete;
    slab_memory& operator=(const slab_memory&) = delete;
    static slab_memory& instance() noexcept;

    /// Where the piece begins in which an object lies.
    static void* piece_of(void* object) noexcept {
        return reinterpret_cast<void*>(reinterpret_cast<std::uintptr_t>(object) & ~(piece - 1));
    }

    /// A piece that is at hand, or null.
    void* take_spare() noexcept FERRY_EXCLUDES(mutex_);
    /// Such a one, or else a new one. `whole`: all of it is likely to be used. Errors:
    /// `std::bad_alloc`.
    void* take(bool whole) FERRY_EXCLUDES(mutex_);
    void give_back(void* p) noexcept FERRY_EXCLUDES(mutex_);
    /// How many there are, with the spare ones.
    std::size_t pieces() noexcept FERRY_EXCLUDES(mutex_);

    // Around fork(): nobody holds the lock in the child.
    void lock() noexcept FERRY_UNCHECKED { mutex_.lock(); }
    void unlock() noexcept FERRY_UNCHECKED { mutex_.unlock(); }

private:
    struct spare {
        spare* next;
    };
    void* pop_spare() noexcept FERRY_REQUIRES(mutex_);
    void keep(void* p) noexcept FERRY_REQUIRES(mutex_);

    adaptive_mutex mutex_;
    spare* spares_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::size_t spare_ FERRY_GUARDED_BY(mutex_) = 0;
    std::size_t used_ FERRY_GUARDED_BY(mutex_) = 0;
    std::byte* below_ FERRY_GUARDED_BY(mutex_) = nullptr; // the latest that was mapped
};

} // namespace ferry::detail
