// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "slab_store.hpp"

#include <new>
#include <type_traits>

#include <pthread.h>

namespace ferry::detail {
namespace {

constinit slab_store store; // serves until the end

static_assert(std::is_trivially_destructible_v<slab_store>);

// As early as can be, as in `slab_memory`. The child finds the lists whole; it never gets back the
// slabs that other threads have open.
[[gnu::constructor(101)]] void prepare_for_fork() {
    ::pthread_atfork([] { store.lock(); }, [] { store.unlock(); }, [] { store.unlock(); });
}

} // namespace

slab_store& slab_store::instance() noexcept { return store; }

slab_store::opened slab_store::open(std::size_t size_class, bool whole) {
    auto& memory = slab_memory::instance();
    // A whole one is filled without a look at what was given back; but a thread that needs little
    // had better leave it.
    void* piece = whole ? memory.take_spare() : nullptr;
    if (piece == nullptr) {
        const scoped_lock lock(mutex_);
        if (slab* const s = with_room_[size_class]) {
            delist(*s);
            opened o{s, nullptr, nullptr};
            o.first = s->open(o.fresh);
            return o;
        }
    }
    if (piece == nullptr)
        piece = memory.take(whole);
    auto* const s = ::new (piece) slab(block_size_of(size_class));
    return {s, nullptr, s->begin()};
}

void slab_store::close(slab& s, std::byte* fresh) noexcept {
    bool unused = false;
    {
        const scoped_lock lock(mutex_);
        FERRY_ASSERT(!s.listed);
        unused = take_turn(s, s.close(fresh));
    }
    if (unused)
        slab_memory::instance().give_back(&s);
}

void slab_store::give_back_last(slab& s, void* block) noexcept {
    bool unused = false;
    {
        const scoped_lock lock(mutex_);
        unused = take_turn(s, s.give_back_last(block));
    }
    if (unused)
        slab_memory::instance().give_back(&s);
}

bool slab_store::take_turn(slab& s, slab::turn turn) noexcept {
    const bool has_room = turn == slab::turn::has_room;
    if (has_room && !s.listed)
        enlist(s);
    if (turn == slab::turn::is_unused && s.listed)
        delist(s);
    return turn == slab::turn::is_unused;
}

void slab_store::enlist(slab& s) noexcept {
    slab*& first = with_room_[size_class_of(s.block_size())];
    s.listed = true;
    s.previous = nullptr;
    s.next = first;
    if (first != nullptr)
        first->previous = &s;
    first = &s;
}

void slab_store::delist(slab& s) noexcept {
    FERRY_ASSERT(s.listed);
    s.listed = false;
    slab*& to_it =
        s.previous != nullptr ? s.previous->next : with_room_[size_class_of(s.block_size())];
    to_it = s.next;
    if (s.next != nullptr)
        s.next->previous = s.previous;
}

} // namespace ferry::detail
