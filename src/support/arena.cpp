// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/memory.hpp>

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/assert.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <new>
#include <utility>

#include <pthread.h>

namespace ferry::detail {
namespace {

/// Objects one behind the other, each with a pointer to its arena in front.
///
/// `users_` counts the objects in it, and many more while its thread cuts from it, so that it
/// cannot reach zero before; the thread takes away what is too many when it lets go. The release in
/// `leave` pairs with the acquire of the last to leave, who retires the arena.
class arena {
public:
    void* allocate(std::size_t n) noexcept {
        const std::size_t whole =
            front + (n + arena_alignment - 1) / arena_alignment * arena_alignment;
        if (whole > room_.size() - offset_)
            return nullptr;
        std::byte* const at = room_.data() + std::exchange(offset_, offset_ + whole);
        ::new (static_cast<void*>(at)) arena*(this);
        ++cut_;
        return at + front;
    }
    static arena& of(void* object) noexcept {
        return **std::launder(reinterpret_cast<arena**>(static_cast<std::byte*>(object) - front));
    }
    void leave() noexcept { leave(1); }
    /// Its thread cuts no more from it.
    void close() noexcept { leave(open - cut_); }

private:
    friend class spare_arenas;
    static constexpr std::size_t size = 8192;
    static constexpr std::size_t front = sizeof(arena*); // what stands before an object
    static constexpr std::int64_t open = std::int64_t(1) << 32;

    void leave(std::int64_t n) noexcept;

    std::atomic<std::int64_t> users_{open};
    std::int64_t cut_ = 0;   // objects so far; its thread's, as `offset_`
    std::size_t offset_ = 0; // of the next one
    arena* next_ = nullptr;  // where it is spare
    alignas(arena_alignment) std::array<std::byte, size - 4 * sizeof(std::int64_t)> room_;
};

/// Arenas for the next ones who need some: while a burst lasts memory goes round and is not given
/// back to the system and asked for again page by page.
class spare_arenas {
public:
    arena* get() {
        arena* s = nullptr;
        {
            const scoped_lock lock(mutex_);
            if (first_ == nullptr)
                return new arena;
            FERRY_ASSERT(count_ != 0);
            --count_;
            s = std::exchange(first_, first_->next_);
        }
        return ::new (static_cast<void*>(s)) arena;
    }
    void put(arena& s) noexcept {
        {
            const scoped_lock lock(mutex_);
            if (count_ < most) {
                ++count_;
                s.next_ = std::exchange(first_, &s);
                return;
            }
        }
        delete &s;
    }
    void trim() noexcept {
        arena* unneeded = nullptr;
        {
            const scoped_lock lock(mutex_);
            for (; count_ > most_when_idle; --count_) {
                arena* const s = std::exchange(first_, first_->next_);
                s->next_ = std::exchange(unneeded, s);
            }
        }
        while (unneeded != nullptr)
            delete std::exchange(unneeded, unneeded->next_);
    }

private:
    static constexpr std::size_t most = 1024, most_when_idle = 16;

    adaptive_mutex mutex_;
    arena* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::size_t count_ FERRY_GUARDED_BY(mutex_) = 0;
};

spare_arenas spares; // trivially destroyed, so that it serves until the end

// In a child of fork() the mutex may be locked forever.
[[maybe_unused]] const int at_fork =
    ::pthread_atfork(nullptr, nullptr, [] { ::new (static_cast<void*>(&spares)) spare_arenas; });

void arena::leave(std::int64_t n) noexcept {
    FERRY_ASSERT(users_.load() >= n);
    if (users_.fetch_sub(n, std::memory_order_acq_rel) == n)
        spares.put(*this);
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

void next_slab() {
    static thread_local const at_thread_end closer;
    static_cast<void>(closer);
    arena* const fresh = spares.get();
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
    next_slab();
    void* const p = current->allocate(size);
    if (ended) // nobody would close it later
        std::exchange(current, nullptr)->close();
    return p;
}

void arena_deallocate(void* object) noexcept { arena::of(object).leave(); }

void arena_trim() noexcept { spares.trim(); }

} // namespace ferry::detail
