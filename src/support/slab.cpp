// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/slab.hpp>

#include <ferry/detail/short_mutex.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>

#include <pthread.h>

namespace ferry::detail {
namespace {

/// Objects one behind the other, each with a pointer to its slab in front.
///
/// `users_` counts the objects in it, and many more while its thread cuts from it, so that it cannot
/// reach zero before; the thread takes away what is too many when it lets go. The release in `leave`
/// pairs with the acquire of the last to leave, who retires the slab.
class slab {
public:
    void* allocate(std::size_t n) noexcept {
        const std::size_t whole =
            sizeof(slab*) + (n + slab_alignment - 1) / slab_alignment * slab_alignment;
        if (whole > room_.size() - offset_)
            return nullptr;
        std::byte* const at = room_.data() + std::exchange(offset_, offset_ + whole);
        ::new (static_cast<void*>(at)) slab*(this);
        ++cut_;
        return at + sizeof(slab*);
    }
    static slab& of(void* object) noexcept {
        slab* owner = nullptr;
        std::memcpy(&owner, static_cast<std::byte*>(object) - sizeof(slab*), sizeof owner);
        return *owner;
    }
    void leave() noexcept { leave(1); }
    /// Its thread cuts no more from it.
    void close() noexcept { leave(open - cut_); }

private:
    friend class spare_slabs;
    static constexpr std::size_t size = 8192;
    static constexpr std::int64_t open = std::int64_t(1) << 32;

    void leave(std::int64_t n) noexcept;

    std::atomic<std::int64_t> users_{open};
    std::int64_t cut_ = 0;   // objects so far; its thread's, as `offset_`
    std::size_t offset_ = 0; // of the next one
    slab* next_ = nullptr;   // where it is spare
    alignas(slab_alignment) std::array<std::byte, size - 4 * sizeof(std::int64_t)> room_;
};

/// Slabs for the next ones who need some: while a burst lasts memory goes round and is not given back
/// to the system and asked for again page by page.
class spare_slabs {
public:
    slab* get() {
        slab* s = nullptr;
        {
            const short_lock lock(mutex_);
            if (first_ == nullptr)
                return new slab;
            --count_;
            s = std::exchange(first_, first_->next_);
        }
        return ::new (static_cast<void*>(s)) slab;
    }
    void put(slab& s) noexcept {
        {
            const short_lock lock(mutex_);
            if (count_ < most) {
                ++count_;
                s.next_ = std::exchange(first_, &s);
                return;
            }
        }
        delete &s;
    }
    void trim() noexcept {
        slab* unneeded = nullptr;
        {
            const short_lock lock(mutex_);
            for (; count_ > most_when_idle; --count_) {
                slab* const s = std::exchange(first_, first_->next_);
                s->next_ = std::exchange(unneeded, s);
            }
        }
        while (unneeded != nullptr)
            delete std::exchange(unneeded, unneeded->next_);
    }

private:
    static constexpr std::size_t most = 1024, most_when_idle = 16;

    short_mutex mutex_;
    slab* first_ FERRY_GUARDED_BY(mutex_) = nullptr;
    std::size_t count_ FERRY_GUARDED_BY(mutex_) = 0;
};

spare_slabs spares; // trivially destroyed, so that it serves until the end

// In a child of fork() the mutex may be locked for ever.
[[maybe_unused]] const int at_fork =
    ::pthread_atfork(nullptr, nullptr, [] { ::new (static_cast<void*>(&spares)) spare_slabs; });

void slab::leave(std::int64_t n) noexcept {
    if (users_.fetch_sub(n, std::memory_order_acq_rel) == n)
        spares.put(*this);
}

// Trivial, so that they can be used whatever else of the thread is destroyed already.
thread_local slab* current = nullptr;
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
    slab* const fresh = spares.get();
    if (current != nullptr)
        current->close();
    current = fresh;
}

} // namespace

void* slab_allocate(std::size_t size) {
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

void slab_deallocate(void* object) noexcept {
    slab::of(object).leave();
}

void slab_trim() noexcept {
    spares.trim();
}

} // namespace ferry::detail
