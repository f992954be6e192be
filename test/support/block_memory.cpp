// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE block_memory
#include <ferry/detail/memory.hpp>

#include "support/slab_memory.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <deque>
#include <mutex>
#include <new>
#include <random>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace detail = ferry::detail;
using detail::slab_memory;

namespace {

struct block {
    explicit block(std::size_t n)
        : bytes(static_cast<unsigned char*>(detail::block_allocate(n))), size(n),
          mark(static_cast<unsigned char>(n % 251)) {
        std::memset(bytes, mark, size);
    }
    bool is_whole() const {
        return std::all_of(bytes, bytes + size, [this](unsigned char b) { return b == mark; });
    }
    bool is_whole_then_gone() const {
        const bool whole = is_whole();
        give_back();
        return whole;
    }
    void give_back() const { detail::block_deallocate(bytes, size); }

    unsigned char* bytes;
    std::size_t size;
    unsigned char mark;
};

std::vector<block> make(std::size_t count, std::size_t size = 72) {
    std::vector<block> blocks;
    for (std::size_t i = 0; i < count; ++i)
        blocks.emplace_back(size);
    return blocks;
}

// Of a child process.
[[maybe_unused]] void expect_success(pid_t child) {
    int how = 0;
    BOOST_TEST(::waitpid(child, &how, 0) == child);
    BOOST_TEST((WIFEXITED(how) && WEXITSTATUS(how) == 0));
}

std::size_t pieces() { return slab_memory::instance().pieces(); }

// What is kept where nothing is used: a few spare pieces, and one that this thread has open.
constexpr std::size_t a_few = 6;
[[maybe_unused]] constexpr std::size_t per_piece = slab_memory::piece / 72;

} // namespace

BOOST_AUTO_TEST_CASE(blocks_of_any_size_are_aligned_and_do_not_overlap) {
    const auto one_of_each = [] {
        std::vector<block> blocks;
        for (std::size_t n = 1; n <= 400; ++n) {
            for (int i = 0; i < 3; ++i)
                blocks.emplace_back(n);
        }
        std::size_t wrong = 0;
        for (const block& b : blocks) {
            // An object is as large as a multiple of its alignment.
            const std::size_t alignment = b.size % alignof(std::max_align_t) == 0 ? 16 : 8;
            wrong += reinterpret_cast<std::uintptr_t>(b.bytes) % alignment;
            wrong += b.is_whole_then_gone() ? 0 : 1;
        }
        BOOST_TEST(wrong == 0u);
    };
    for (int round = 0; round < 3; ++round)
        std::thread(one_of_each).join();
}

#if !FERRY_ASAN

BOOST_AUTO_TEST_CASE(a_thread_gets_back_what_it_has_just_given_back) {
    std::thread([] {
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

BOOST_AUTO_TEST_CASE(after_a_burst_its_memory_is_gone) {
    for (int by = 0; by < 3; ++by) {
        const std::size_t before = pieces();
        auto blocks = make(200 * per_piece);
        BOOST_TEST(pieces() >= before + 200 - a_few);
        if (by == 1)
            std::ranges::reverse(blocks);
        if (by == 2)
            std::ranges::shuffle(blocks, std::minstd_rand(7));
        const auto drop = [&] {
            for (const block& b : blocks)
                b.give_back();
        };
        by == 0 ? std::thread(drop).join() : drop();
        BOOST_TEST(pieces() <= before + a_few);
    }
}

BOOST_AUTO_TEST_CASE(while_it_lasts_some_is_kept_for_what_comes_next) {
    const auto lasting = make(100 * per_piece);
    const std::size_t before = pieces();
    for (const block& b : make(10 * per_piece))
        b.give_back();
    BOOST_TEST(pieces() >= before + 8);
    for (const block& b : lasting)
        b.give_back();
}

BOOST_AUTO_TEST_CASE(room_between_blocks_that_live_long_is_used_again) {
    const auto blocks = make(100 * per_piece);
    const std::size_t before = pieces();
    std::vector<block> lasting;
    for (std::size_t i = 0; i < blocks.size(); ++i) {
        if (i % 10 == 0)
            lasting.push_back(blocks[i]);
        else
            blocks[i].give_back();
    }
    BOOST_TEST(pieces() >= before - 2); // each has some of them
    const auto more = make(85 * per_piece);
    BOOST_TEST(pieces() <= before + 2);
    std::size_t damaged = 0;
    for (const block& b : lasting)
        damaged += b.is_whole_then_gone() ? 0 : 1;
    for (const block& b : more)
        damaged += b.is_whole_then_gone() ? 0 : 1;
    BOOST_TEST(damaged == 0u);
}

BOOST_AUTO_TEST_CASE(what_threads_leave_behind_is_used_by_others) {
    const std::size_t before = pieces();
    for (int i = 0; i < 200; ++i) {
        std::thread([] {
            for (const block& b : make(10))
                b.give_back();
        }).join();
    }
    BOOST_TEST(pieces() <= before + a_few);
}

// A block that goes back and forth between two threads never makes new memory.
BOOST_AUTO_TEST_CASE(a_thread_that_only_makes_gets_back_what_another_gives_back) {
    const std::size_t before = pieces();
    for (std::size_t round = 0; round < 20; ++round) {
        const auto blocks = make(per_piece);
        std::thread([&] {
            for (const block& b : blocks)
                b.give_back();
        }).join();
    }
    BOOST_TEST(pieces() <= before + a_few);
}

#endif
#if !FERRY_ASAN && !FERRY_TSAN // which need address space of their own

BOOST_AUTO_TEST_CASE(a_shortage_is_told_and_passes) {
    const pid_t child = ::fork();
    BOOST_TEST_REQUIRE(child >= 0);
    if (child == 0) {
        rlimit none{};
        ::getrlimit(RLIMIT_AS, &none);
        rlimit tight = none;
        tight.rlim_cur = 1;
        std::vector<void*> blocks;
        blocks.reserve(100 * per_piece);
        ::setrlimit(RLIMIT_AS, &tight);
        bool told = false;
        try {
            while (blocks.size() < blocks.capacity())
                blocks.push_back(detail::block_allocate(72));
        } catch (const std::bad_alloc&) {
            told = true;
        }
        ::setrlimit(RLIMIT_AS, &none);
        for (void* const b : blocks)
            detail::block_deallocate(b, 72);
        for (const block& b : make(20 * per_piece))
            told = b.is_whole_then_gone() && told;
        ::_exit(told ? 0 : 1);
    }
    expect_success(child);
}

#endif

BOOST_AUTO_TEST_CASE(another_thread_may_give_them_back) {
    for (int round = 0; round < 100; ++round) {
        std::vector<block> blocks;
        std::thread([&] {
            for (std::size_t n = 1; n <= 100; ++n)
                blocks.emplace_back(n);
        }).join();
        std::size_t wrong = 0;
        std::thread([&] {
            for (const block& b : blocks)
                wrong += b.is_whole_then_gone() ? 0 : 1;
        }).join();
        BOOST_TEST(wrong == 0u);
    }
}

// What a thread keeps in a thread_local object is given back after its slabs were closed.
BOOST_AUTO_TEST_CASE(a_thread_may_make_and_give_back_blocks_to_its_very_end) {
    struct late {
        void* p = nullptr;
        ~late() {
            if (p != nullptr)
                detail::block_deallocate(p, 72);
            for (const block& b : make(3))
                b.give_back();
        }
    };
    const std::size_t before = pieces();
    for (int i = 0; i < 100; ++i) {
        std::thread([] {
            static thread_local late owner; // made before the slabs are, so destroyed after them
            owner.p = nullptr;
            block(72).give_back();
            owner.p = detail::block_allocate(72);
        }).join();
    }
    BOOST_TEST(pieces() <= before + a_few);
}

// Some threads make blocks, others give them back, so that slabs are opened and closed, have room
// and have none, and are unused, all at the same time.
BOOST_AUTO_TEST_CASE(threads_make_blocks_while_others_give_them_back) {
    constexpr std::size_t pairs = 2;
    constexpr std::size_t each = 20'000;
    std::atomic<std::size_t> damaged{0};
    for (const std::size_t most_at_a_time : {std::size_t(10), 3 * slab_memory::piece / 200}) {
        std::mutex mutex;
        std::deque<block> on_their_way;
        std::atomic<std::size_t> gone{0};
        std::barrier start(2 * pairs);
        std::vector<std::jthread> threads;
        for (std::size_t p = 0; p < pairs; ++p) {
            threads.emplace_back([&] {
                start.arrive_and_wait();
                for (std::size_t n = 0; n < each;) {
                    {
                        const std::lock_guard lock(mutex);
                        for (; n < each && on_their_way.size() < most_at_a_time; ++n)
                            on_their_way.emplace_back(n % 3 != 0 ? 200 : 192);
                    }
                    std::this_thread::yield();
                }
            });
            threads.emplace_back([&, p] {
                std::minstd_rand random(static_cast<unsigned>(p) + 1);
                std::vector<block> mine;
                start.arrive_and_wait();
                while (gone.load() < pairs * each) {
                    {
                        const std::lock_guard lock(mutex);
                        while (!on_their_way.empty() && mine.size() < 100) {
                            mine.push_back(on_their_way.front());
                            on_their_way.pop_front();
                        }
                    }
                    std::ranges::shuffle(mine, random);
                    for (const std::size_t left = mine.size() / 2; mine.size() > left; ++gone) {
                        damaged += mine.back().is_whole_then_gone() ? 0 : 1;
                        mine.pop_back();
                    }
                    if (mine.empty())
                        std::this_thread::yield();
                }
            });
        }
    }
    BOOST_TEST(damaged.load() == 0u);
}

#if !FERRY_ASAN // which has an allocator of its own

// A child finds the memory usable whatever other threads did to it at that moment.
BOOST_AUTO_TEST_CASE(a_child_of_fork_can_make_and_give_back_blocks) {
    const auto inherited = make(3 * per_piece);
    std::atomic<bool> stop{false};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&] {
            while (!stop.load()) {
                for (const block& b : make(2 * per_piece))
                    b.give_back();
            }
        });
    }
    for (int round = 0; round < 50; ++round) {
        const pid_t child = ::fork();
        BOOST_TEST(child >= 0);
        if (child < 0)
            break;
        if (child == 0) {
            bool whole = true;
            for (const block& b : inherited)
                whole = b.is_whole_then_gone() && whole;
            for (int i = 0; i < 3; ++i) {
                for (const block& b : make(2 * per_piece))
                    whole = b.is_whole_then_gone() && whole;
            }
            ::_exit(whole ? 0 : 1);
        }
        expect_success(child);
    }
    stop = true;
    for (const block& b : inherited)
        b.give_back();
}

#endif
