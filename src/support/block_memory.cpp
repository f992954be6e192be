// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/memory.hpp>

#include "slab_store.hpp"

#include <ferry/detail/assert.hpp>

#include <new>
#include <utility>

namespace ferry::detail {
namespace {

/// The slab that a thread has open for blocks of one size. Trivial, so that it can be used whatever
/// else of the thread is destroyed already.
struct cutting {
    slab* from;
    slab::spare* first; // blocks that the thread has given back, or has taken back from the slab
    std::byte* fresh;   // those from here on were never cut
    std::byte* end;
    slab::spare* kept; // blocks of other slabs
    unsigned keeps;    // how many

    // The slab itself is not looked at: others write to it.
    void* cut(std::size_t block_size) noexcept {
        if (kept != nullptr) {
            --keeps;
            return std::exchange(kept, kept->next);
        }
        if (first != nullptr)
            return std::exchange(first, first->next);
        FERRY_ASSERT(fresh <= end);
        if (fresh != end)
            return std::exchange(fresh, fresh + block_size);
        return nullptr;
    }
    void open(std::size_t size_class, bool whole) {
        const auto [s, spares, uncut] = slab_store::instance().open(size_class, whole);
        from = s;
        first = spares;
        fresh = uncut;
        end = s->end();
    }
    void close() noexcept {
        slab& s = *std::exchange(from, nullptr);
        for (; kept != nullptr; --keeps) {
            void* const block = std::exchange(kept, kept->next);
            slab_store::instance().give_back(slab::of(block), block);
        }
        while (first != nullptr)
            slab_store::instance().give_back(s, std::exchange(first, first->next));
        slab_store::instance().close(s, fresh);
        fresh = end = nullptr;
    }
};

enum class stage : unsigned char { unused, open, ended };

struct cuttings {
    stage now;
    cutting of_size[slab_store::size_classes];
};
thread_local cuttings of_thread;

struct at_thread_end {
    ~at_thread_end() {
        of_thread.now = stage::ended;
        for (cutting& c : of_thread.of_size) {
            if (c.from != nullptr)
                c.close();
        }
    }
};

constexpr unsigned most_kept = 4; // they keep their slabs from being given back

// The sanitizer cannot look into slabs.
constexpr std::size_t largest = FERRY_ASAN ? 0 : slab_store::largest;

// Not inlined: it is the exception.
[[gnu::noinline]] void* cut_from_another(cutting& c, std::size_t size_class) {
    const std::size_t block_size = slab_store::block_size_of(size_class);
    const bool used_up = c.from != nullptr;
    if (used_up) {
        c.first = c.from->take_back();
        if (c.first != nullptr)
            return c.cut(block_size);
        c.close();
    }
    if (of_thread.now == stage::unused) {
        static thread_local const at_thread_end closer;
        static_cast<void>(closer);
        of_thread.now = stage::open;
    }
    c.open(size_class, used_up);
    void* const block = c.cut(block_size);
    FERRY_ASSERT(block != nullptr);
    if (of_thread.now == stage::ended) // nobody would close it later
        c.close();
    return block;
}

} // namespace

void* block_allocate(std::size_t size) {
    FERRY_ASSERT(size != 0);
    if (size > largest)
        return ::operator new(size);
    const std::size_t size_class = slab_store::size_class_of(size);
    cutting& c = of_thread.of_size[size_class];
    if (void* const block = c.cut(slab_store::block_size_of(size_class)))
        return block;
    return cut_from_another(c, size_class);
}

void block_deallocate(void* block, std::size_t size) noexcept {
    if (size > largest) {
        ::operator delete(block);
        return;
    }
    slab& s = slab::of(block);
    cutting& c = of_thread.of_size[slab_store::size_class_of(size)];
    if (c.from == &s) {
        c.first = ::new (block) slab::spare{c.first};
    } else if (c.keeps < most_kept && c.from != nullptr) {
        c.kept = ::new (block) slab::spare{c.kept};
        ++c.keeps;
    } else {
        slab_store::instance().give_back(s, block);
    }
}

} // namespace ferry::detail
