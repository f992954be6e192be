// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#define BOOST_TEST_MODULE arena
#include <ferry/detail/memory.hpp>

#include "support/slab_memory.hpp"

#include <ferry/ferry.hpp>

#include <boost/asio/post.hpp>
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <barrier>
#include <cstdint>
#include <cstring>
#include <deque>
#include <latch>
#include <mutex>
#include <thread>
#include <vector>

namespace detail = ferry::detail;

namespace {

struct object {
    unsigned char* bytes = nullptr;
    std::size_t size = 0;
    unsigned char mark = 0;
};

object make(std::size_t n) {
    object o{static_cast<unsigned char*>(detail::arena_allocate(n % 256 + 1)), n % 256 + 1,
             static_cast<unsigned char>(n % 251)};
    std::memset(o.bytes, o.mark, o.size);
    return o;
}
bool is_whole_then_gone(const object& o) {
    const bool whole =
        std::all_of(o.bytes, o.bytes + o.size, [&o](unsigned char b) { return b == o.mark; });
    detail::arena_deallocate(o.bytes);
    return whole;
}

} // namespace

BOOST_AUTO_TEST_CASE(objects_are_aligned_and_do_not_overlap) {
    std::vector<object> objects;
    for (std::size_t n = 0; n < 1000; ++n) {
        objects.push_back(make(n));
        BOOST_TEST(
            reinterpret_cast<std::uintptr_t>(objects.back().bytes) % detail::arena_alignment == 0u);
    }
    for (const auto& o : objects)
        BOOST_TEST(is_whole_then_gone(o));
}

#if !FERRY_ASAN
BOOST_AUTO_TEST_CASE(after_a_burst_its_memory_is_gone) {
    auto& memory = detail::slab_memory::instance();
    const std::size_t before = memory.pieces();
    std::vector<object> objects;
    for (std::size_t n = 0; n < 100'000; ++n)
        objects.push_back(make(n));
    BOOST_TEST(memory.pieces() > before + 300);
    std::size_t damaged = 0;
    for (const auto& o : objects)
        damaged += is_whole_then_gone(o) ? 0 : 1;
    BOOST_TEST(damaged == 0u);
    BOOST_TEST(memory.pieces() <= before + 6);
}
#endif

BOOST_AUTO_TEST_CASE(an_object_outlives_the_thread_that_made_it) {
    std::vector<object> objects;
    std::thread([&] {
        for (std::size_t n = 0; n < 300; ++n)
            objects.push_back(make(n));
    }).join();
    for (const auto& o : objects)
        BOOST_TEST(is_whole_then_gone(o));
}

BOOST_AUTO_TEST_CASE(a_thread_may_make_objects_to_its_very_end) {
    struct late {
        std::vector<object>* out;
        ~late() { out->push_back(make(7)); }
    };
    std::vector<object> objects;
    std::thread([&] {
        thread_local const late before{&objects}; // destroyed after the allocator's
        static_cast<void>(before);
        objects.push_back(make(1));
    }).join();
    BOOST_TEST(objects.size() == 2u);
    for (const auto& o : objects)
        BOOST_TEST(is_whole_then_gone(o));
}

BOOST_AUTO_TEST_CASE(some_threads_make_objects_while_others_destroy_them) {
    constexpr std::size_t pairs = 2;
    constexpr std::size_t each = 30'000;
    std::mutex mutex;
    std::deque<object> on_their_way;
    std::atomic<std::size_t> gone{0};
    std::atomic<std::size_t> damaged{0};
    {
        std::barrier start(2 * pairs);
        std::vector<std::jthread> threads;
        for (std::size_t p = 0; p < pairs; ++p) {
            threads.emplace_back([&] {
                start.arrive_and_wait();
                for (std::size_t n = 0; n < each; ++n) {
                    const object o = make(n);
                    const std::lock_guard lock(mutex);
                    on_their_way.push_back(o);
                }
            });
            threads.emplace_back([&] {
                start.arrive_and_wait();
                while (gone.load() < pairs * each) {
                    object o;
                    {
                        const std::lock_guard lock(mutex);
                        if (!on_their_way.empty()) {
                            o = on_their_way.front();
                            on_their_way.pop_front();
                        }
                    }
                    if (o.bytes == nullptr) {
                        std::this_thread::yield();
                        continue;
                    }
                    damaged += is_whole_then_gone(o) ? 0 : 1;
                    ++gone;
                }
            });
        }
    }
    BOOST_TEST(damaged.load() == 0u);
}

BOOST_AUTO_TEST_CASE(functions_too_large_or_too_strictly_aligned_are_posted_all_the_same) {
    struct alignas(128) aligned {
        std::uint64_t value = 5;
    };
    ferry::thread_pool pool(1);
    std::atomic<std::uint64_t> sum{0};
    std::latch done(2);
    boost::asio::post(pool, [&, large = std::array<std::uint64_t, 100>{3}] {
        sum += large[0];
        done.count_down();
    });
    boost::asio::post(pool, [&, strict = aligned()] {
        sum += reinterpret_cast<std::uintptr_t>(&strict) % 128 + strict.value;
        done.count_down();
    });
    done.wait();
    BOOST_TEST(sum.load() == 8u);
}
