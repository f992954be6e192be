// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE thread_pool
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cstdlib>
#include <latch>
#include <memory>
#include <pthread.h>
#include <set>
#include <thread>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;

namespace {

struct anything {
    int add(int x) const { return base + x; }
    int operator()(int x) const { return base * x; }
    int base = 1;
};

template <class F, class... A>
concept submittable =
    requires(thread_pool& p, F f, A... a) { p.submit(std::move(f), std::move(a)...); };

using coroutine_function = boost::asio::awaitable<void> (*)();
static_assert(!submittable<coroutine_function> && !offloadable<coroutine_function>); // CF-SUB-12
static_assert(!submittable<int (*)(int)>);

} // namespace

BOOST_AUTO_TEST_CASE(a_task_gives_its_value_or_its_exception) { // CF-SUB-01 -04 -08
    thread_pool pool(2);
    BOOST_TEST(pool.submit([](int a, int b) { return a * b; }, 6, 7).result() == 42);
    BOOST_TEST(pool.submit(&anything::add, anything{2}, 3).result() == 5);
    future<int> member = pool.submit(&anything::base, anything{6}); // of a copy that is gone
    BOOST_TEST(member.result() == 6);
    BOOST_TEST(pool.submit(anything{2}, 3).result() == 6);
    auto p = pool.submit([q = std::make_unique<int>(8)] { return *q; });
    BOOST_TEST(p.result() == 8);
    auto f = pool.submit([]() -> int { throw std::out_of_range("nine"); });
    BOOST_CHECK_EXCEPTION(f.result(), std::out_of_range,
                          [](const auto& e) { return std::string(e.what()) == "nine"; });
    BOOST_TEST(pool.submit([] { return 1; }).result() == 1); // CF-TP-11
}

BOOST_AUTO_TEST_CASE(arguments_of_any_number_and_type_reach_the_call) { // CF-SUB-02
    thread_pool pool(1);
    const auto count = [](const auto&... a) { return sizeof...(a); };
    BOOST_TEST(pool.submit(count).result() == 0u);
    BOOST_TEST(pool.submit(count, 1, "two", 3.0, std::string("4"), nullptr).result() == 5u);
    const auto label = [](const task_options& o, int n) { return o.label + std::to_string(n); };
    BOOST_TEST(pool.submit(label, task_options{.label = "argument "}, 1).result() == "argument 1");
    int changed = 0;
    pool.submit([](int& n) { n = 5; }, std::ref(changed)).result();
    BOOST_TEST(changed == 5);
}

BOOST_AUTO_TEST_CASE(arguments_are_copied_or_moved_when_they_are_submitted) { // CF-SUB-03
    thread_pool pool(1);
    std::latch go(1);
    auto blocker = pool.submit([&] { go.wait(); });
    std::string text = "before";
    auto box = std::make_unique<int>(7);
    auto f = pool.submit(
        [](const std::string& s, std::unique_ptr<int> p) { return s + std::to_string(*p); }, text,
        std::move(box));
    text = "after";
    go.count_down();
    BOOST_TEST(f.result() == "before7");
    BOOST_TEST((box == nullptr));
}

BOOST_AUTO_TEST_CASE(an_exception_that_cannot_be_assigned_arrives) { // CF-SUB-10
    struct frozen : std::runtime_error {
        using runtime_error::runtime_error;
        frozen(const frozen&) = default;
        frozen& operator=(const frozen&) = delete;
    };
    thread_pool pool(1);
    BOOST_CHECK_THROW(pool.submit([] { throw frozen("ice"); }).result(), frozen);
}

BOOST_AUTO_TEST_CASE(a_task_may_submit_to_its_own_pool) { // CF-SUB-14
    thread_pool pool(1);
    std::vector<future<int>> inner(3);
    pool.submit([&] {
            for (int i = 0; i < 3; ++i)
                inner[static_cast<std::size_t>(i)] = pool.submit([i] { return i; });
        })
        .result();
    for (int i = 0; i < 3; ++i)
        BOOST_TEST(inner[static_cast<std::size_t>(i)].result() == i);
}

BOOST_AUTO_TEST_CASE(dropping_a_handle_neither_waits_nor_cancels) { // CF-FUT-37
    std::latch go(1);
    std::atomic<int> ran{0};
    {
        thread_pool pool(1);
        for (int i = 0; i < 3; ++i)
            pool.submit([&] {
                go.wait();
                ++ran;
            });
        go.count_down();
    }
    BOOST_TEST(ran == 3);
}

BOOST_AUTO_TEST_CASE(one_worker_keeps_the_order) { // CF-TP-07
    std::vector<int> order;
    {
        thread_pool pool(1);
        for (int i = 0; i < 1000; ++i)
            pool.submit([&, i] { order.push_back(i); });
    }
    BOOST_TEST(order.size() == 1000u);
    BOOST_TEST(std::ranges::is_sorted(order));
}

BOOST_AUTO_TEST_CASE(two_workers_are_two_threads) { // CF-TP-08
    thread_pool pool(2);
    std::latch both(2);
    const auto meet = [&] {
        both.arrive_and_wait();
        return std::this_thread::get_id();
    };
    auto f = pool.submit(meet), g = pool.submit(meet);
    BOOST_TEST((f.result() != g.result()));
}

BOOST_AUTO_TEST_CASE(a_task_can_start_a_program) { // CF-TP-10
    thread_pool pool(1);
    BOOST_TEST(pool.submit([] { return std::system("exit 0"); }).result() == 0);
}

BOOST_AUTO_TEST_CASE(nonsense_options_are_refused_by_name) { // CF-TP-02
    const auto names_it = [](const std::invalid_argument& e) {
        return std::string(e.what()).find("max_workers") != std::string::npos;
    };
    BOOST_CHECK_EXCEPTION(thread_pool(0), std::invalid_argument, names_it);
    BOOST_CHECK_EXCEPTION(thread_pool(static_cast<std::size_t>(-1)), std::invalid_argument,
                          names_it);
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_never_runs_and_frees_its_callable) { // CF-CAN-02
    thread_pool pool(1);
    std::latch go(1);
    auto blocker = pool.submit([&] { go.wait(); });
    auto held = std::make_shared<int>(0);
    bool ran = false;
    auto f = pool.submit([&ran, held] { ran = true; });
    BOOST_TEST(held.use_count() == 2);
    BOOST_TEST(f.cancel());
    BOOST_TEST(held.use_count() == 1);
    go.count_down();
    blocker.result();
    pool.shutdown();
    BOOST_TEST(!ran);
}

BOOST_AUTO_TEST_CASE(the_callable_is_gone_before_the_future_is_ready) {
    thread_pool pool(2);
    for (int i = 0; i < 1000; ++i) {
        auto held = std::make_shared<int>(0);
        auto f = pool.submit([held] {});
        f.result();
        BOOST_REQUIRE(held.use_count() == 1);
    }
}

BOOST_AUTO_TEST_CASE(shutdown_finishes_what_was_accepted) { // CF-SHUT-01 -04 -18 -25
    thread_pool pool(3);
    std::vector<future<int>> fs;
    for (int i = 0; i < 50; ++i)
        fs.push_back(pool.submit([i] { return i; }));
    pool.shutdown();
    pool.shutdown();
    for (int i = 0; i < 50; ++i)
        BOOST_TEST(fs[static_cast<std::size_t>(i)].result(0s) == i);
    BOOST_CHECK_THROW(pool.submit([] {}), shutdown_error);
}

BOOST_AUTO_TEST_CASE(shutdown_can_cancel_what_has_not_started) { // CF-SHUT-05
    thread_pool pool(2);
    std::latch go(1), started(2);
    std::vector<future<void>> fs;
    for (int i = 0; i < 50; ++i)
        fs.push_back(pool.submit([&, i] {
            if (i < 2) {
                started.count_down();
                go.wait();
            }
        }));
    started.wait();
    pool.shutdown({.wait = false, .cancel_futures = true});
    go.count_down();
    pool.shutdown();
    int cancelled = 0;
    for (auto& f : fs)
        cancelled += f.cancelled() ? 1 : 0;
    BOOST_TEST(cancelled == 48);
}

BOOST_AUTO_TEST_CASE(shutdown_from_inside_is_refused) {
    thread_pool pool(1);
    BOOST_CHECK_THROW(pool.submit([&] { pool.shutdown(); }).result(), would_deadlock);
}

BOOST_AUTO_TEST_CASE(fork_join_inside_one_worker_does_not_deadlock) { // CF-DLK-08
    thread_pool pool(1);
    const auto fib = [&pool](auto&& self, int n) -> int {
        if (n < 2)
            return n;
        auto left = pool.submit([&self, n] { return self(self, n - 1); });
        const int right = self(self, n - 2);
        return left.result() + right;
    };
    BOOST_TEST(pool.submit([&] { return fib(fib, 10); }).result() == 55);
}

BOOST_AUTO_TEST_CASE(a_task_that_waits_with_a_timeout_gets_out) { // CF-DLK-09
    thread_pool pool(1);
    bool expired = false;
    auto outer = pool.submit([&] {
        auto inner = pool.submit([] { return 3; });
        try {
            inner.result(1ms);
        } catch (const timeout_error&) {
            expired = true;
        }
        return inner;
    });
    const auto inner = outer.result();
    BOOST_TEST(expired);
    BOOST_TEST(inner.result() == 3);
}

BOOST_AUTO_TEST_CASE(a_full_queue_rejects_or_blocks) { // CF-TP-17
    thread_pool pool({.max_workers = 1, .max_queue = 1, .when_full = when_full::reject});
    std::latch go(1), started(1);
    auto a = pool.submit([&] {
        started.count_down();
        go.wait();
    });
    started.wait();
    auto b = pool.submit([] {});
    BOOST_CHECK_THROW(pool.submit([] {}), queue_full_error);
    go.count_down();
    b.result();

    thread_pool blocking({.max_workers = 1, .max_queue = 1});
    std::atomic<int> accepted{0};
    std::vector<future<int>> fs;
    for (int i = 0; i < 200; ++i) {
        fs.push_back(blocking.submit([&, i] { return accepted - i; }));
        ++accepted;
    }
    for (auto& f : fs)
        BOOST_TEST(f.result() <= 2); // itself and one that waits
}

BOOST_AUTO_TEST_CASE(a_failing_initializer_breaks_the_pool) { // CF-INIT-03 CF-BRK-05
    thread_pool pool({.max_workers = 1, .initializer = [] { throw std::runtime_error("no db"); }});
    try {
        pool.submit([] {}).result();
        BOOST_FAIL("it must not run");
    } catch (const broken_thread_pool& e) {
        BOOST_TEST(std::string(e.what()).find("no db") != std::string::npos);
    }
    BOOST_CHECK_THROW(pool.submit([] {}), broken_thread_pool);
    pool.shutdown();
}

BOOST_AUTO_TEST_CASE(
    the_initializer_runs_once_in_each_worker_before_its_first_task) { // CF-INIT-01 -08
    thread_local int prepared = 0;
    thread_pool_options options{.max_workers = 3, .initializer = [by = 1] { prepared += by; }};
    thread_pool pool(options);
    options.initializer = [] { prepared = 100; };
    std::latch all(3);
    std::vector<future<int>> fs;
    for (int i = 0; i < 30; ++i)
        fs.push_back(pool.submit([&, i] {
            if (i < 3)
                all.arrive_and_wait();
            return prepared;
        }));
    for (auto& f : fs)
        BOOST_TEST(f.result() == 1);
}

BOOST_AUTO_TEST_CASE(
    initializer_and_finalizer_balance_and_threads_have_names) { // CF-TP-14 CF-SHUT-14
    std::atomic<int> begun{0}, ended{0};
    std::string name;
    {
        thread_pool pool({.max_workers = 3,
                          .thread_name_prefix = "a-rather-long-prefix",
                          .initializer = [&] { ++begun; },
                          .finalizer = [&] { ++ended; }});
        pool.submit([&] {
                char n[16];
                pthread_getname_np(pthread_self(), n, sizeof n);
                name = n;
            })
            .result();
    }
    BOOST_TEST(begun >= 1);
    BOOST_TEST(begun == ended);
    BOOST_TEST(name == "a-rather-long_0");
}

BOOST_AUTO_TEST_CASE(never_more_threads_than_max_workers) { // CF-TP-03
    thread_pool pool(3);
    std::latch go(1), started(3);
    std::atomic<int> begun{0};
    std::vector<future<std::thread::id>> fs;
    for (int i = 0; i < 45; ++i)
        fs.push_back(pool.submit([&] {
            if (begun++ < 3)
                started.count_down();
            go.wait();
            return std::this_thread::get_id();
        }));
    started.wait();
    go.count_down();
    std::set<std::thread::id> ids;
    for (auto& f : fs)
        ids.insert(f.result());
    BOOST_TEST(ids.size() <= 3u);
}

BOOST_AUTO_TEST_CASE(a_stop_token_reaches_a_running_task) {
    thread_pool pool(1);
    std::latch started(1);
    auto f = pool.submit([&](std::stop_token stop) {
        started.count_down();
        while (!stop.stop_requested())
            std::this_thread::yield();
        return true;
    });
    started.wait();
    BOOST_TEST(f.request_stop());
    BOOST_TEST(f.result());
}

BOOST_AUTO_TEST_CASE(
    submit_cancel_and_shutdown_meet_without_losing_anything) { // CF-SUB-13 CF-CAN-12
    for (int round = 0; round < 300; ++round) {
        thread_pool pool(2);
        std::vector<std::vector<future<int>>> fs(2);
        std::latch gate(3);
        std::vector<std::thread> threads;
        for (std::size_t k = 0; k < 2; ++k)
            threads.emplace_back([&, k] {
                gate.arrive_and_wait();
                try {
                    for (int i = 0; i < 20; ++i) {
                        fs[k].push_back(pool.submit([i] { return i; }));
                        if (i % 2 == 1)
                            fs[k].back().cancel();
                    }
                } catch (const shutdown_error&) {
                }
            });
        gate.arrive_and_wait();
        pool.shutdown({.wait = true, .cancel_futures = round % 2 == 0});
        for (auto& t : threads)
            t.join();
        for (auto& list : fs)
            for (auto& f : list)
                BOOST_REQUIRE(f.done());
    }
}
