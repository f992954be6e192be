// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Whatever hangs on each other in a long chain needs no stack for each link.
#include <ferry/as_completed.hpp>
#include <ferry/promise.hpp>
#include <ferry/thread_pool.hpp>
#include <ferry/unhandled.hpp>
#include <ferry/wait.hpp>

#include "helpers/sanitized.hpp"

#define BOOST_TEST_MODULE depth
#include <boost/test/unit_test.hpp>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string_view>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

constexpr int slower = FERRY_SANITIZED ? 10 : 1;

} // namespace

BOOST_AUTO_TEST_CASE(twenty_thousand_levels_of_helping_complete) {
    for (const std::size_t workers : {1, 2}) {
        thread_pool pool(workers);
        std::function<int(int)> down = [&](int level) -> int {
            return level == 0 ? 0 : 1 + pool.submit(down, level - 1).result();
        };
        constexpr int levels = 20'000 / slower;
        BOOST_TEST(pool.submit(down, levels).result() == levels);
        // The workers that stood in for others go again.
        BOOST_TEST(pool.submit(down, 10).result() == 10);
        while (pool.stats().workers > workers)
            std::this_thread::yield();
    }
}

// Wherever the half of the stack lies between those who decide.
BOOST_AUTO_TEST_CASE(a_worker_that_does_not_help_is_always_stood_in_for) {
    for (std::size_t shift = 0; shift != 64; ++shift) {
        thread_pool pool({.max_workers = 1, .stack_size = 512 * 1024});
        std::function<int(int)> down = [&](int level) -> int {
            return level == 0 ? 0 : 1 + pool.submit(down, level - 1).result();
        };
        const auto from_there = [&] {
            volatile char* const room = static_cast<char*>(__builtin_alloca(16 + 48 * shift));
            room[0] = 0;
            return down(1000 / slower);
        };
        BOOST_TEST(pool.submit(from_there).result() == 1000 / slower);
    }
}

BOOST_AUTO_TEST_CASE(deep_waiting_for_several_futures_completes) {
    thread_pool pool(1);
    std::function<int(int)> by_wait = [&](int level) -> int {
        if (level == 0)
            return 0;
        std::vector futures{pool.submit(by_wait, level - 1)};
        wait(futures);
        return 1 + futures[0].result();
    };
    std::function<int(int)> by_order = [&](int level) -> int {
        int sum = 1;
        if (level != 0) {
            for (auto&& f : as_completed(std::vector{pool.submit(by_order, level - 1)}))
                sum += f.result();
        }
        return sum;
    };
    constexpr int levels = 10'000 / slower;
    BOOST_TEST(pool.submit(by_wait, levels).result() == levels);
    BOOST_TEST(pool.submit(by_order, levels).result() == levels + 1);
}

BOOST_AUTO_TEST_CASE(a_hundred_thousand_callbacks_in_a_chain_run) {
    constexpr std::size_t n = 100'000;
    std::vector<promise<int>> promises(n + 1);
    std::vector<future<int>> futures;
    for (auto& p : promises)
        futures.push_back(p.get_future());
    for (std::size_t i = 0; i < n; ++i)
        futures[i].add_done_callback(
            [&promises, i](const auto& f) { promises[i + 1].set_value(f.result() + 1); });
    promises[0].set_value(0);
    BOOST_REQUIRE(futures[n].done());
    BOOST_TEST(futures[n].result() == static_cast<int>(n));
}

BOOST_AUTO_TEST_CASE(a_chain_of_callbacks_that_own_the_next_promise_breaks_to_its_end) {
    constexpr int n = 100'000;
    promise<int> first;
    auto f = first.get_future();
    for (int i = 0; i < n; ++i) {
        auto next = std::make_shared<promise<int>>();
        auto g = next->get_future();
        f.add_done_callback([next = std::move(next)](const auto&) {}); // destroyed when it has run
        f = std::move(g);
    }
    first = promise<int>();
    BOOST_REQUIRE(f.done());
    BOOST_CHECK_THROW(f.result(), broken_promise);
}

BOOST_AUTO_TEST_CASE(an_exception_goes_through_a_chain_of_a_million_futures) {
    constexpr int n = 1'000'000 / slower;
    promise<int> first;
    auto f = first.get_future();
    for (int i = 0; i < n; ++i) {
        promise<int> next;
        auto g = next.get_future();
        f.add_done_callback([next = std::move(next)](const auto& before) mutable {
            next.set_exception(before.exception());
        });
        f = std::move(g);
    }
    first.set_exception(std::make_exception_ptr(std::runtime_error("the first")));
    BOOST_REQUIRE(f.done());
    BOOST_CHECK_EXCEPTION(f.result(), std::runtime_error, [](const std::runtime_error& e) {
        return std::string_view(e.what()) == "the first";
    });
}

// Before and behind what completes the next one, and where nothing but the unwinding does.
BOOST_AUTO_TEST_CASE(a_hundred_thousand_callbacks_in_a_chain_throw) {
    constexpr int n = 100'000;
    static int reported = 0;
    const auto before = set_unhandled_callback([](std::exception_ptr) { ++reported; });
    for (const bool unwinding : {false, true}) {
        reported = 0;
        promise<int> first;
        auto f = first.get_future();
        for (int i = 0; i < n; ++i) {
            promise<int> next;
            auto g = next.get_future();
            f.add_done_callback([next = std::move(next), unwinding](const auto&) mutable {
                if (unwinding) {
                    const promise<int> broken_by_the_throw = std::move(next);
                    throw 1;
                }
                next.set_value(1);
                throw 1;
            });
            f = std::move(g);
        }
        first.set_value(1);
        BOOST_REQUIRE(f.done());
        BOOST_TEST((f.exception() != nullptr) == unwinding);
        BOOST_TEST(reported == n);
    }
    set_unhandled_callback(before);
}

BOOST_AUTO_TEST_CASE(callbacks_within_callbacks_keep_their_order) {
    std::vector<int> order;
    promise<void> outer, inner;
    auto a = outer.get_future();
    auto b = inner.get_future();
    b.add_done_callback([&](auto) { order.push_back(2); });
    a.add_done_callback([&](auto) {
        order.push_back(1);
        inner.set_value();
        order.push_back(3);
    });
    a.add_done_callback([&](auto) { order.push_back(4); });
    outer.set_value();
    BOOST_TEST(order == (std::vector{1, 2, 3, 4}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_chain_of_a_million_futures_is_destroyed) {
    struct node {
        future<node> next;
    };
    future<node> last;
    for (int i = 0; i < 1'000'000 / slower; ++i) {
        promise<node> p;
        auto f = p.get_future();
        p.set_value(node{std::move(last)});
        last = std::move(f);
    }
    last = {};
    BOOST_TEST(!last.valid());
}

BOOST_AUTO_TEST_CASE(a_chain_of_tasks_that_hold_the_next_one_is_destroyed) {
    thread_pool pool(1);
    future<int> last;
    for (int i = 0; i < 100'000 / slower; ++i)
        last = pool.submit([before = std::move(last)] { return before.valid() ? 1 : 0; });
    pool.shutdown({.cancel_futures = true});
    last = {};
    BOOST_TEST(pool.stats().queued == 0u);
}

// Callbacks that are nested too deep are postponed, but not behind a wait for what they do.
BOOST_AUTO_TEST_CASE(a_callback_at_any_depth_may_wait_for_what_a_callback_does) {
    for (const bool limited : {false, true}) {
        promise<int> done;
        std::function<void(int)> nest = [&](int level) {
            promise<int> p, q;
            p.get_future().add_done_callback([&](const auto&) {
                if (level != 0)
                    nest(level - 1);
                q.set_value(level);
            });
            p.set_value(1);
            const auto f = q.get_future();
            BOOST_TEST((limited ? f.result(3min) : f.result()) == level);
        };
        done.get_future().add_done_callback([&](const auto&) { nest(200); });
        done.set_value(1);
    }
}

BOOST_AUTO_TEST_CASE(a_task_that_is_helped_at_any_depth_completes_what_is_waited_for) {
    thread_pool pool(1);
    std::function<void(int)> nest = [&](int level) {
        promise<int> q;
        auto f = pool.submit([] { return 1; });
        f.add_done_callback([&](const auto&) {
            if (level != 0)
                nest(level - 1);
            q.set_value(level);
        });
        f.wait(); // runs it here
        BOOST_TEST(q.get_future().result() == level);
    };
    pool.submit([&] { nest(200); }).result();
}
