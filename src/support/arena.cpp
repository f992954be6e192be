// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/memory.hpp>

#include "slab_memory.hpp"

#include <ferry/detail/assert.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

namespace ferry::detail {
namespace {

/// A piece of memory with objects one behind the other.
///
/// `users_` counts the objects in it, and many more while its thread cuts from it, so that it
/// cannot reach zero before; the thread takes away what is too many when it lets go. The release in
/// `leave` pairs with the acquire of the last to leave, who retires the arena.
class arena {
public:
    void* allocate(std::size_t n) noexcept {
        const std::size_t whole = (n + arena_alignment - 1) / arena_alignment * arena_alignment;
        if (whole > room_.size() - offset_)
            return nullptr;
        ++cut_;
        return room_.data() + std::exchange(offset_, offset_ + whole);
    }
    static arena& of(void* object) noexcept {
        return *static_cast<arena*>(slab_memory::piece_of(object));
    }
    void leave() noexcept { leave(1); }
    /// Its thread cuts no more from it.
    void close() noexcept { leave(open - cut_); }

private:
    static constexpr std::int64_t open = std::int64_t(1) << 32;

    void leave(std::int64_t n) noexcept;

    // Two lines: what all write, and what its thread writes.
    alignas(64) std::atomic<std::int64_t> users_{open};
    alignas(64) std::int64_t cut_ = 0; // objects so far
    std::size_t offset_ = 0;           // of the next one
    alignas(64) std::array<std::byte, slab_memory::piece - 128> room_;
};
static_assert(sizeof(arena) == slab_memory::piece);

void arena::leave(std::int64_t n) noexcept {
    FERRY_ASSERT(users_.load() >= n);
    if (users_.fetch_sub(n, std::memory_order_acq_rel) == n)
        slab_memory::instance().give_back(this);
}

// Trivial, so that they can be used whatever else of the thread is destroyed already.
thread_local arena* current = nullptr;
thread_local bool ended = false;

struct at_thread_end {
    ~at_thread_end() {
        ended = true;
        if (current != nullptr)
            std::exchange(current, nullptr)->close();
    }
};

void next_arena() {
    static thread_local const at_thread_end closer;
    static_cast<void>(closer);
    auto* const fresh = ::new (slab_memory::instance().take(current != nullptr)) arena;
    if (current != nullptr)
        current->close();
    current = fresh;
}

} // namespace

void* arena_allocate(std::size_t size) {
    if (current != nullptr) {
        if (void* const p = current->allocate(size))
            return p;
    }
    next_arena();
    void* const p = current->allocate(size);
    if (ended) // nobody would close it later
        std::exchange(current, nullptr)->close();
    return p;
}

void arena_deallocate(void* object) noexcept { arena::of(object).leave(); }

} // namespace ferry::detail
