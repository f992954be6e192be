// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/memory.hpp>

#include <ferry/detail/assert.hpp>

#include <new>
#include <utility>

namespace ferry::detail {
namespace {

constexpr std::size_t step = 16;
constexpr std::size_t size_classes = 16;
constexpr std::size_t largest = size_classes * step - 8; // larger ones are not kept
constexpr unsigned most_of_one_size = 32; // while calls follow one another, one or two are enough

struct spare {
    spare* next;
};
struct size_class {
    spare* first;
    unsigned count;
};

enum class stage : unsigned char { unused, open, closed };

// Trivial, so that they can be used whatever else of the thread is destroyed already.
struct spares {
    stage now;
    size_class of_size[size_classes];
};
thread_local spares of_thread;

struct at_thread_end {
    ~at_thread_end() {
        of_thread.now = stage::closed;
        for (size_class& s : of_thread.of_size) {
            while (s.first != nullptr)
                ::operator delete(std::exchange(s.first, s.first->next));
        }
    }
};

// The sanitizer cannot see a use of what is kept.
constexpr bool keeps_blocks = !FERRY_ASAN;

// Lets this thread keep blocks, unless it is about to end.
void open(spares& mine) noexcept {
    if (!keeps_blocks || mine.now == stage::closed)
        return;
    static thread_local const at_thread_end closer;
    static_cast<void>(closer);
    mine.now = stage::open;
}

// Sizes are rounded up to one that a block of glibc's allocator holds: 8, 24, 40 and so on.
constexpr std::size_t size_class_of(std::size_t size) noexcept { return (size + 7) / step; }

} // namespace

void* block_allocate(std::size_t size) {
    if (size > largest)
        return ::operator new(size);
    size_class& s = of_thread.of_size[size_class_of(size)];
    if (s.first == nullptr)
        return ::operator new(size_class_of(size) * step + 8);
    FERRY_ASSERT(s.count != 0);
    --s.count;
    return std::exchange(s.first, s.first->next);
}

void block_deallocate(void* block, std::size_t size) noexcept {
    spares& mine = of_thread;
    size_class* const s = size <= largest ? &mine.of_size[size_class_of(size)] : nullptr;
    if (s == nullptr || s->count == most_of_one_size || mine.now != stage::open) {
        ::operator delete(block);
        if (mine.now == stage::unused)
            open(mine); // for the next ones
        return;
    }
    s->first = ::new (block) spare{s->first};
    ++s->count;
}

} // namespace ferry::detail
