// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_progress
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

struct listener {
    std::mutex mutex;
    std::vector<ferry::progress> all;
    std::vector<std::thread::id> threads;

    std::function<void(ferry::progress)> function() {
        return [this](const ferry::progress& p) {
            const std::lock_guard lock(mutex);
            all.push_back(p);
            threads.push_back(std::this_thread::get_id());
        };
    }
    std::vector<double> values() {
        const std::lock_guard lock(mutex);
        std::vector<double> v;
        for (const auto& p : all)
            v.push_back(p.done);
        return v;
    }
};

int reports(int n) {
    for (int i = 1; i <= n; ++i)
        ferry::report_progress(i, "step " + std::to_string(i));
    return n;
}
int reports_for(int ms) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
    int n = 0;
    while (std::chrono::steady_clock::now() < until)
        ferry::report_progress(++n);
    return n;
}
int fails() {
    reports(3);
    throw std::runtime_error("no more");
}
int dies() {
    ferry::report_progress(1);
    return ::raise(SIGKILL);
}

} // namespace

BOOST_AUTO_TEST_CASE(the_last_report_comes_before_the_future_is_done) {
    ferry::process_pool pool(1);
    for (int round = 0; round != 50; ++round) {
        listener l;
        ferry::task_options options{.on_progress = l.function()};
        auto f = pool.submit(options, reports, 1000);
        BOOST_TEST(f.result() == 1000);
        const auto values = l.values();
        BOOST_REQUIRE(!values.empty());
        BOOST_TEST(values.back() == 1000);
        BOOST_TEST(l.all.back().note == "step 1000");
        BOOST_TEST(std::is_sorted(values.begin(), values.end()));
    }
}

BOOST_AUTO_TEST_CASE(reports_are_at_least_a_period_apart) {
    ferry::process_pool pool(1);
    listener l;
    const auto start = std::chrono::steady_clock::now();
    ferry::task_options options{.on_progress = l.function()};
    const int last = pool.submit(options, reports_for, 300).result();
    const auto periods = (std::chrono::steady_clock::now() - start) / 20ms;
    BOOST_TEST(l.values().size() >= 2u);
    BOOST_TEST(l.values().size() <= static_cast<std::size_t>(periods) + 2);
    BOOST_TEST(l.values().back() == last);
}

BOOST_AUTO_TEST_CASE(they_are_delivered_where_callbacks_run) {
    gate entered;
    ferry::process_pool pool(1);
    listener l;
    ferry::task_options options{.on_progress = l.function()};
    std::thread::id callbacks;
    const marker may_report;
    auto f = pool.submit(
        options,
        [](const std::string& path) {
            when_touched(path);
            return reports(5);
        },
        may_report.path());
    f.add_done_callback([&](const auto&) {
        callbacks = std::this_thread::get_id();
        entered.open();
    });
    touch(may_report.path());
    entered.pass();
    BOOST_TEST((callbacks != std::this_thread::get_id()));
    BOOST_TEST(!l.threads.empty());
    for (const auto& thread : l.threads)
        BOOST_TEST((thread == callbacks));
}

BOOST_AUTO_TEST_CASE(a_failure_and_a_death_come_behind_the_last_report_too) {
    ferry::process_pool pool(1);
    listener failed;
    ferry::task_options options{.on_progress = failed.function()};
    BOOST_CHECK_THROW(pool.submit(options, fails).result(), std::runtime_error);
    BOOST_REQUIRE(!failed.values().empty());
    BOOST_TEST(failed.values().back() == 3);
    listener died;
    options.on_progress = died.function();
    BOOST_CHECK_THROW(pool.submit(options, dies).result(), ferry::worker_died);
    BOOST_TEST(died.values() == std::vector<double>{1});
}

BOOST_AUTO_TEST_CASE(what_the_function_throws_goes_to_the_hook) {
    std::atomic<int> caught{0};
    const auto before = ferry::set_unhandled_callback([&](const std::exception_ptr&) { ++caught; });
    {
        ferry::process_pool pool(1);
        ferry::task_options options{
            .on_progress = [](const ferry::progress&) { throw std::runtime_error("no screen"); }};
        BOOST_TEST(pool.submit(options, reports, 1).result() == 1);
    }
    ferry::set_unhandled_callback(before);
    BOOST_TEST(caught.load() == 1);
}

BOOST_AUTO_TEST_CASE(a_long_note_is_cut_and_a_cancelled_task_ends) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 0s});
    listener l;
    ferry::task_options options{.on_progress = l.function()};
    pool.submit(options, [] { ferry::report_progress(1, std::string(1'000'000, 'n')); }).result();
    BOOST_REQUIRE(l.all.size() == 1u);
    BOOST_TEST(l.all[0].note == std::string(4096, 'n'));
    auto running = pool.submit(sleeping, 600'000);
    static_cast<void>(wait_for_worker_of(running, pool));
    auto f = pool.submit(options, reports, 5);
    BOOST_TEST(f.cancel());
    BOOST_TEST(f.cancelled());
    pool.kill_workers();
    BOOST_CHECK_THROW(running.result(), ferry::worker_died);
}

BOOST_AUTO_TEST_CASE(coroutines_report_likewise) {
    ferry::process_pool pool(1);
    listener l;
    ferry::task_options options{.on_progress = l.function()};
    ferry::run([](ferry::process_pool& p, ferry::task_options o) -> boost::asio::awaitable<void> {
        co_await ferry::run_in_executor(p, o, reports, 7);
    }(pool, options));
    BOOST_TEST(l.values().back() == 7);
}

// The last report of the second task has to come before its future is done, and reports run where
// callbacks do, which is where the first one's callback waits for it.
BOOST_AUTO_TEST_CASE(a_callback_may_wait_for_a_future_with_progress) {
    for (const bool limited : {false, true}) {
        ferry::process_pool pool(1);
        listener l;
        ferry::promise<int> seen;
        const marker go;
        pool.submit(when_touched, go.path()).add_done_callback([&](const auto&) {
            ferry::task_options options{.on_progress = l.function()};
            auto f = pool.submit(options, reports, 7);
            seen.set_value(limited ? f.result(3min) : f.result());
        });
        touch(go.path());
        BOOST_TEST(seen.get_future().result(3min) == 7);
        BOOST_TEST(l.values().back() == 7);
    }
}

// The report stands in the queue already when the callback before it begins to wait.
BOOST_AUTO_TEST_CASE(a_callback_may_wait_for_a_future_whose_report_waits) {
    gate entered, may_wait;
    ferry::process_pool pool(2);
    listener l;
    const marker go, go_on;
    const auto report_when_touched = [](const std::string& path) {
        when_touched(path);
        ferry::report_progress(9);
        return 9;
    };
    ferry::task_options options{.on_progress = l.function()};
    auto second = pool.submit(options, report_when_touched, go_on.path());
    ferry::promise<int> seen;
    pool.submit(report_when_touched, go.path()).add_done_callback([&](const auto&) {
        entered.open();
        may_wait.pass();
        seen.set_value(second.result());
    });
    touch(go.path());
    entered.pass();
    touch(go_on.path());
    while (pool.stats().completed < 2)
        std::this_thread::yield();
    may_wait.open();
    BOOST_TEST(seen.get_future().result(3min) == 9);
    BOOST_TEST(l.values().back() == 9);
}
