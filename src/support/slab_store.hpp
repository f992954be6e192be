// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "slab.hpp"

#include <ferry/detail/adaptive_mutex.hpp>

#include <array>
#include <cstddef>

namespace ferry::detail {

/// All slabs of the process that no thread has open, and what happens at their turning points.
class slab_store {
public:
    static constexpr std::size_t size_classes = 32; // of 8, 16, 24 ... bytes
    static constexpr std::size_t largest = size_classes * 8;
    static constexpr std::size_t size_class_of(std::size_t size) noexcept { return (size - 1) / 8; }
    static constexpr std::size_t block_size_of(std::size_t size_class) noexcept {
        return (size_class + 1) * 8;
    }

    constexpr slab_store() noexcept = default;
    slab_store(const slab_store&) = delete;
    slab_store& operator=(const slab_store&) = delete;
    static slab_store& instance() noexcept;

    struct opened {
        slab* from;
        slab::spare* first; // blocks that were given back
        std::byte* fresh;   // where those begin that were never cut
    };
    /// A slab for the calling thread. `whole`: all of it is likely to be used. Errors:
    /// `std::bad_alloc`.
    opened open(std::size_t size_class, bool whole) FERRY_EXCLUDES(mutex_);
    /// The thread cuts no more from it; see `slab::close`.
    void close(slab& s, std::byte* fresh) noexcept FERRY_EXCLUDES(mutex_);
    /// From any thread.
    void give_back(slab& s, void* block) noexcept FERRY_EXCLUDES(mutex_) {
        if (!s.give_back(block))
            give_back_last(s, block);
    }

    // Around fork(): the child finds the lists whole, and nobody holding the lock.
    void lock() noexcept FERRY_UNCHECKED { mutex_.lock(); }
    void unlock() noexcept FERRY_UNCHECKED { mutex_.unlock(); }

private:
    void give_back_last(slab& s, void* block) noexcept FERRY_EXCLUDES(mutex_);
    /// True if the slab is not used any more: then it is the caller's.
    [[nodiscard]] bool take_turn(slab& s, slab::turn turn) noexcept FERRY_REQUIRES(mutex_);
    void enlist(slab& s) noexcept FERRY_REQUIRES(mutex_);
    void delist(slab& s) noexcept FERRY_REQUIRES(mutex_);

    adaptive_mutex mutex_;
    // The first ones, by size class.
    std::array<slab*, size_classes> with_room_ FERRY_GUARDED_BY(mutex_){};
};

} // namespace ferry::detail
