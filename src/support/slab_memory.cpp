// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "slab_memory.hpp"

#include <ferry/detail/assert.hpp>

#include <new>
#include <type_traits>
#include <utility>

#include <pthread.h>
#include <sys/mman.h>

namespace ferry::detail {
namespace {

constinit slab_memory memory; // serves until the end

static_assert(std::is_trivially_destructible_v<slab_memory>);

// As early as can be: what other libraries do around fork() comes before the lock is taken, and
// after it is free again. Nobody takes one of the two locks of this memory under the other.
[[gnu::constructor(101)]] void prepare_for_fork() {
    ::pthread_atfork([] { memory.lock(); }, [] { memory.unlock(); }, [] { memory.unlock(); });
}

constexpr std::size_t most_spare(std::size_t used) noexcept { return 4 + used / 4; }

std::byte* map_anywhere(void* hint, std::size_t size, [[maybe_unused]] bool whole) {
    int flags = MAP_PRIVATE | MAP_ANONYMOUS;
#if defined(MAP_POPULATE)
    if (whole)
        flags |= MAP_POPULATE;
#endif
    void* const p = ::mmap(hint, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (p == MAP_FAILED)
        throw std::bad_alloc();
    return static_cast<std::byte*>(p);
}

// What is mapped right below the piece before stands where it should. Where the system has put it
// elsewhere, twice as much is mapped, and the ends are given back.
std::byte* map_piece(std::byte* hint, bool whole) {
    constexpr std::size_t piece = slab_memory::piece;
    std::byte* const p = map_anywhere(hint, piece, whole);
    if (slab_memory::piece_of(p) == p)
        return p;
    ::munmap(p, piece);
    std::byte* const twice = map_anywhere(nullptr, 2 * piece, false);
    auto* const inside = static_cast<std::byte*>(slab_memory::piece_of(twice + piece - 1));
    const auto before = static_cast<std::size_t>(inside - twice);
    if (before != 0)
        ::munmap(twice, before);
    ::munmap(inside + piece, piece - before);
    return inside;
}

} // namespace

slab_memory& slab_memory::instance() noexcept { return memory; }

void* slab_memory::pop_spare() noexcept {
    if (spares_ == nullptr)
        return nullptr;
    FERRY_ASSERT(spare_ != 0);
    --spare_;
    ++used_;
    return std::exchange(spares_, spares_->next);
}

void* slab_memory::take_spare() noexcept {
    const scoped_lock lock(mutex_);
    return pop_spare();
}

// It maps under the lock: threads that map and fill pieces at the same time only get in each
// other's way (measured: four that post take half as long again).
void* slab_memory::take(bool whole) {
    const scoped_lock lock(mutex_);
    if (void* const p = pop_spare())
        return p;
    std::byte* const p = map_piece(below_ != nullptr ? below_ - piece : nullptr, whole);
    ++used_;
    below_ = p;
    return p;
}

void slab_memory::keep(void* p) noexcept {
    spares_ = ::new (p) spare{spares_};
    ++spare_;
}

void slab_memory::give_back(void* p) noexcept {
    spare* surplus = nullptr;
    {
        const scoped_lock lock(mutex_);
        FERRY_ASSERT(used_ != 0);
        --used_;
        keep(p);
        // With each piece that comes one and a quarter become too many.
        for (int i = 0; i < 2 && spare_ > most_spare(used_); ++i, --spare_) {
            spare* const s = std::exchange(spares_, spares_->next);
            s->next = std::exchange(surplus, s);
        }
    }
    while (surplus != nullptr) {
        spare* const s = std::exchange(surplus, surplus->next);
        if (::munmap(s, piece) == 0)
            continue;
        // A hole makes two mappings of one, of which the system allows so many. It stays, but with
        // a page of memory only.
        ::madvise(s, piece, MADV_DONTNEED);
        const scoped_lock lock(mutex_);
        keep(s);
    }
}

std::size_t slab_memory::pieces() noexcept {
    const scoped_lock lock(mutex_);
    return used_ + spare_;
}

} // namespace ferry::detail
