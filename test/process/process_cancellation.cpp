// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Cancellation, timeouts and requests to stop.
#include <ferry/process_pool.hpp>

#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE process_cancellation
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/sanitized.hpp"
#include "helpers/worker_main.hpp"

#include <algorithm>
#include <stop_token>
#include <string>
#include <vector>

#include <malloc.h>

using namespace std::chrono_literals;

namespace {

int global = 1;
std::size_t length(const std::string& s) { return s.size(); }

} // namespace

BOOST_AUTO_TEST_CASE(what_has_not_started_can_be_cancelled_and_never_runs) { // CF-CAN-01, CF-CAN-02
    ferry::process_pool pool(1);
    const marker ran, go;
    auto busy = pool.submit(when_touched, go.path());
    const int p = wait_for_worker_of(busy, pool);
    std::vector<ferry::future<void>> waiting;
    for (int i = 0; i < 20; ++i)
        waiting.push_back(pool.submit(touch, ran.path()));
    for (auto& f : waiting)
        BOOST_TEST(f.cancel());
    BOOST_TEST(!busy.cancel());
    BOOST_TEST(busy.running());
    touch(go.path());
    BOOST_TEST(busy.result() == p);
    BOOST_TEST(pool.submit(triple, 1).result() == 3);
    BOOST_TEST(!ran.touched());
}

#if !FERRY_SANITIZED
BOOST_AUTO_TEST_CASE(cancelled_tasks_behind_a_busy_worker_take_no_memory) {
    ferry::process_pool pool(1);
    const marker go;
    auto busy = pool.submit(when_touched, go.path());
    wait_for_worker_of(busy, pool);
    const std::size_t before = ::mallinfo2().uordblks;
    std::size_t most = 0;
    for (int i = 0; i < 100'000; ++i) {
        pool.submit({.priority = i % 3}, touch, std::string(100, 'x')).cancel();
        if (i % 1000 == 0)
            most = std::max(most, std::max(before, ::mallinfo2().uordblks) - before);
    }
    BOOST_TEST(most < 1'000'000u); // a thousand tasks are more than 200 KB
    BOOST_TEST(pool.stats().queued == 0u);
    touch(go.path());
    BOOST_TEST(busy.result(patience) != ::getpid());
}
#endif

// Nothing that the worker answers tells that it has room again.
BOOST_AUTO_TEST_CASE(tasks_behind_those_that_were_handed_out_and_cancelled_run) {
    for (const bool large : {false, true}) {
        ferry::process_pool pool(1);
        const std::string argument(large ? 100'000 : 1, 'x');
        for (int i = 0; i < 300; ++i) // so that many are handed out at a time
            pool.submit(triple, i).result(patience);
        const int p = pool.submit(pid).result(patience);
        ::kill(p, SIGSTOP);
        std::vector<ferry::future<std::size_t>> all;
        for (int i = 0; i < 200; ++i)
            all.push_back(pool.submit(length, argument));
        // The last ones first, so that none of them has been handed out when it is cancelled.
        for (std::size_t i = 150; i-- != 0;)
            BOOST_TEST(all[i].cancel());
        ::kill(p, SIGCONT);
        for (std::size_t i = 150; i != 200; ++i)
            BOOST_TEST(all[i].result(patience) == argument.size());
    }
}

BOOST_AUTO_TEST_CASE(running_means_running_also_for_tasks_handed_out_ahead) {
    ferry::process_pool pool(1);
    for (int i = 0; i < 300; ++i) // so that many are handed out at a time
        pool.submit(triple, i).result();
    for (int round = 0; round < 20; ++round) {
        const marker ran, go;
        auto busy = pool.submit(when_touched, go.path());
        std::vector<ferry::future<void>> behind;
        for (int i = 0; i < 10; ++i)
            behind.push_back(pool.submit(touch, ran.path()));
        wait_for_worker_of(busy, pool);
        for (auto& f : behind) {
            BOOST_TEST(!f.running());
            BOOST_TEST(f.cancel());
        }
        touch(go.path());
        busy.result();
        pool.submit(triple, 1).result();
        BOOST_TEST(!ran.touched());
    }
}

BOOST_AUTO_TEST_CASE(a_long_task_holds_nobody_hostage) {
    ferry::process_pool pool(2);
    std::vector<ferry::future<int>> warm;
    for (int i = 0; i < 2000; ++i)
        warm.push_back(pool.submit(triple, i));
    for (auto& f : warm)
        f.result();
    auto longest = pool.submit(sleeping, 600'000);
    std::vector<ferry::future<int>> behind;
    for (int i = 0; i < 200; ++i)
        behind.push_back(pool.submit(triple, i));
    for (int i = 0; i < 200; ++i)
        BOOST_TEST(behind[static_cast<std::size_t>(i)].result(patience) == 3 * i);
    BOOST_TEST(!longest.done());
    pool.kill_workers();
}

BOOST_AUTO_TEST_CASE(a_timeout_ends_the_worker_and_the_others_go_on) { // CF-TMO-22
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    auto f = pool.submit({.label = "slow", .timeout = 50ms}, sleeping_stubbornly, 600'000);
    auto next = pool.submit(pid);
    try {
        f.result(patience);
        BOOST_ERROR("expected timeout_error");
    } catch (const ferry::timeout_error& e) {
        BOOST_TEST(std::string(e.what()).find("slow") != std::string::npos);
        BOOST_TEST(f.done());
    }
    BOOST_TEST(next.result(patience) > 0);
}

BOOST_AUTO_TEST_CASE(a_timeout_runs_from_the_start_of_the_run) {
    ferry::process_pool pool(1), other(1);
    const marker go;
    auto first = pool.submit(when_touched, go.path());
    auto second = pool.submit({.timeout = 10s}, triple, 2);
    // From now on at least that long.
    BOOST_CHECK_THROW(other.submit({.timeout = 10s}, sleeping, 600'000).result(patience),
                      ferry::timeout_error);
    BOOST_TEST(!second.done());
    touch(go.path());
    BOOST_TEST(second.result() == 6);
    auto in_time = pool.submit({.timeout = patience}, triple, 3);
    BOOST_TEST(in_time.result() == 9);
    BOOST_CHECK_THROW(pool.submit({.timeout = 0s}, sleeping, 600'000).result(patience),
                      ferry::timeout_error);
}

BOOST_AUTO_TEST_CASE(a_task_that_does_not_start_in_time_never_runs) {
    ferry::process_pool pool(1);
    const marker ran, go;
    auto busy = pool.submit(when_touched, go.path());
    auto late =
        pool.submit({.start_by = std::chrono::steady_clock::now() + 20ms}, touch, ran.path());
    BOOST_CHECK_THROW(late.result(patience), ferry::timeout_error);
    BOOST_TEST(!busy.done());
    touch(go.path());
    busy.result();
    pool.submit(triple, 1).result();
    BOOST_TEST(!ran.touched());
}

BOOST_AUTO_TEST_CASE(higher_priorities_run_first) {
    ferry::process_pool pool(1);
    const marker go;
    auto busy = pool.submit(when_touched, go.path());
    wait_for_worker_of(busy, pool);
    const auto next = [] { return ++global; };
    auto low = pool.submit({.priority = -1}, next);
    auto normal = pool.submit(next);
    auto high = pool.submit({.priority = 5}, next);
    touch(go.path());
    BOOST_TEST(high.result() < normal.result());
    BOOST_TEST(normal.result() < low.result());
}

BOOST_AUTO_TEST_CASE(a_running_task_with_a_stop_token_can_be_asked_to_stop) {
    ferry::process_pool pool(1);
    auto f = pool.submit(
        [](std::stop_token stop, int most_ms) {
            for (int i = 0; i < most_ms && !stop.stop_requested(); ++i)
                ::usleep(1000);
            return stop.stop_requested();
        },
        600'000);
    wait_for_worker_of(f, pool);
    BOOST_TEST(f.request_stop());
    BOOST_TEST(f.result(patience));
    BOOST_TEST(!pool.submit(triple, 1).request_stop());
}

BOOST_AUTO_TEST_CASE(a_task_that_was_ended_is_not_counted_while_its_worker_goes_on) {
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 5s});
    auto f = pool.submit({.timeout = 200ms}, sleeping_stubbornly, 600'000);
    BOOST_CHECK_THROW(f.result(patience), ferry::timeout_error);
    const auto s = pool.stats();
    BOOST_TEST(s.queued == 0u);
    BOOST_TEST(s.running == 0u);
    BOOST_TEST(s.failed == 1u);
    pool.kill_workers();
}
