// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE spare_blocks
#include <ferry/detail/memory.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

namespace detail = ferry::detail;

namespace {

/// What the general allocator has handed out.
std::atomic<std::int64_t> handed_out{0};

struct block {
    explicit block(std::size_t n)
        : bytes(static_cast<unsigned char*>(detail::block_allocate(n))), size(n),
          mark(static_cast<unsigned char>(n % 251)) {
        std::memset(bytes, mark, size);
    }
    bool is_whole() const {
        return std::all_of(bytes, bytes + size, [this](unsigned char b) { return b == mark; });
    }
    void give_back() const { detail::block_deallocate(bytes, size); }

    unsigned char* bytes;
    std::size_t size;
    unsigned char mark;
};

} // namespace

void* operator new(std::size_t size) {
    void* const p = std::malloc(size);
    if (p == nullptr)
        throw std::bad_alloc();
    handed_out.fetch_add(1);
    return p;
}
void operator delete(void* p) noexcept {
    if (p != nullptr)
        handed_out.fetch_sub(1);
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept { operator delete(p); }

BOOST_AUTO_TEST_CASE(blocks_of_any_size_are_aligned_and_do_not_overlap) {
    for (int round = 0; round < 3; ++round) {
        std::vector<block> blocks;
        for (std::size_t n = 1; n <= 400; ++n) {
            for (int i = 0; i < 3; ++i)
                blocks.emplace_back(n);
        }
        std::size_t wrong = 0;
        for (const block& b : blocks) {
            wrong += reinterpret_cast<std::uintptr_t>(b.bytes) % alignof(std::max_align_t);
            wrong += b.is_whole() ? 0 : 1;
            b.give_back();
        }
        BOOST_TEST(wrong == 0u);
    }
}

BOOST_AUTO_TEST_CASE(a_thread_gets_back_what_it_has_just_given_back) {
    std::thread([] {
        block(72).give_back(); // the first one opens the cache
        const block first(72);
        first.give_back();
        const block similar(66);
        BOOST_TEST(similar.bytes == first.bytes);
        const block other(72);
        BOOST_TEST(other.bytes != first.bytes);
        similar.give_back();
        other.give_back();
    }).join();
}

BOOST_AUTO_TEST_CASE(few_are_kept_and_none_when_the_thread_ends) {
    const std::int64_t before = handed_out.load();
    std::vector<block> blocks;
    blocks.reserve(1000);
    std::int64_t kept = 0;
    std::thread([&] {
        const std::int64_t inside = handed_out.load();
        for (int i = 0; i < 1000; ++i)
            blocks.emplace_back(72);
        for (const block& b : blocks)
            b.give_back();
        kept = handed_out.load() - inside;
    }).join();
    BOOST_TEST(kept >= 0);
    BOOST_TEST(kept <= 32);
    BOOST_TEST(handed_out.load() == before + 1); // the vector's
}

BOOST_AUTO_TEST_CASE(another_thread_may_give_them_back) {
    const std::int64_t before = handed_out.load();
    for (int round = 0; round < 100; ++round) {
        std::vector<block> blocks;
        std::thread([&] {
            for (std::size_t n = 1; n <= 100; ++n)
                blocks.emplace_back(n);
        }).join();
        std::size_t wrong = 0;
        std::thread([&] {
            for (const block& b : blocks) {
                wrong += b.is_whole() ? 0 : 1;
                b.give_back();
            }
        }).join();
        BOOST_TEST(wrong == 0u);
    }
    BOOST_TEST(handed_out.load() == before);
}

// What a thread keeps in a thread_local object is given back after its cache is gone.
BOOST_AUTO_TEST_CASE(a_block_that_comes_back_at_the_end_of_its_thread_is_not_lost) {
    struct late {
        void* p = nullptr;
        ~late() {
            if (p != nullptr)
                detail::block_deallocate(p, 72);
        }
    };
    const std::int64_t before = handed_out.load();
    std::thread([] {
        static thread_local late owner; // made before the cache, so destroyed after it
        owner.p = nullptr;
        block(72).give_back();
        block(72).give_back();
        owner.p = detail::block_allocate(72);
    }).join();
    BOOST_TEST(handed_out.load() == before);
}
