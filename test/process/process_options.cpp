// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Options of a task, given from a coroutine or with a token, on worker processes.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_options
#define BOOST_TEST_NO_MAIN
#include "helpers/gate.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <functional>
#include <string>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

template <class... A>
auto by_executor(process_pool& pool, task_options options, A... a) {
    return run(run_in_executor(pool, std::move(options), a...));
}
template <class F>
auto by_token(process_pool& pool, task_options options, F fn) {
    return async_invoke(pool, std::move(options), fn, use_future).result();
}

int reports(int n) {
    for (int i = 1; i <= n; ++i)
        report_progress(i);
    return n;
}

template <class F>
void check_named(F call, const char* name) {
    try {
        call();
        BOOST_ERROR("it ended in time");
    } catch (const timeout_error& e) {
        BOOST_TEST(std::string(e.what()).find(name) != std::string::npos);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_call_that_runs_too_long_is_ended_and_named) {
    process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    const auto late = [] { return task_options{.label = "late one", .timeout = 50ms}; };
    check_named([&] { return by_executor(pool, late(), sleeping, 600'000); }, "late one");
    check_named([&] { return by_token(pool, late(), [] { return sleeping(600'000); }); },
                "late one");
    BOOST_TEST(by_executor(pool, {.timeout = 1h}, triple, 2) == 6);
}

BOOST_AUTO_TEST_CASE(a_call_that_does_not_start_in_time_is_named) {
    process_pool pool(1);
    const marker go;
    auto busy = pool.submit(when_touched, go.path());
    while (!busy.running())
        std::this_thread::yield();
    const auto late = [] {
        return task_options{.label = "no start", .start_by = std::chrono::steady_clock::now()};
    };
    check_named([&] { return by_executor(pool, late(), triple, 1); }, "no start");
    check_named([&] { return by_token(pool, late(), [] { return triple(1); }); }, "no start");
    touch(go.path());
    busy.result();
}

BOOST_AUTO_TEST_CASE(reports_of_progress_come_before_the_value) {
    process_pool pool(1);
    std::atomic<double> last = 0;
    const auto options = [&] {
        last = 0;
        return task_options{.on_progress = [&](const progress& p) { last = p.done; }};
    };
    BOOST_TEST(by_executor(pool, options(), reports, 5) == 5);
    BOOST_TEST(last == 5);
    BOOST_TEST(by_token(pool, options(), [] { return reports(7); }) == 7);
    BOOST_TEST(last == 7);
}

BOOST_AUTO_TEST_CASE(an_idempotent_call_starts_again) {
    process_pool pool(1);
    const auto dies_once = [](const std::string& path) {
        if (!std::filesystem::exists(path)) {
            touch(path);
            ::_exit(3);
        }
        return 4;
    };
    const marker died;
    BOOST_TEST(by_executor(pool, {.idempotent = true, .attempts = 2}, dies_once, died.path()) == 4);
    BOOST_CHECK_THROW(by_executor(pool, {.idempotent = true, .attempts = 0}, triple, 1),
                      std::invalid_argument);
}
