// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Done callbacks of futures from worker processes: they run in a thread of the pool.
#include <ferry/process_pool.hpp>

#define BOOST_TEST_MODULE callbacks
#define BOOST_TEST_NO_MAIN
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <atomic>
#include <memory>
#include <thread>

#include <pthread.h>

using namespace std::chrono_literals;

BOOST_AUTO_TEST_CASE(callbacks_run_here_in_a_thread_of_the_pool) { // CF-FUT-12
    std::atomic<int> where = 0, worker = 0;
    std::thread::id thread;
    char name[16] = {};
    const marker may_end;
    {
        ferry::process_pool pool(1);
        auto f = pool.submit(when_touched, may_end.path());
        f.add_done_callback([&](ferry::future<int> done) {
            where = ::getpid();
            worker = done.result();
            thread = std::this_thread::get_id();
            ::pthread_getname_np(::pthread_self(), name, sizeof name);
        });
        touch(may_end.path());
    }
    BOOST_TEST(where == ::getpid());
    BOOST_TEST(worker != 0);
    BOOST_TEST(worker != ::getpid());
    BOOST_CHECK(thread != std::thread::id());
    BOOST_CHECK(thread != std::this_thread::get_id());
    BOOST_TEST(std::string(name) == "ferry-callbacks");
}

BOOST_AUTO_TEST_CASE(a_callback_may_wait_for_other_tasks_of_the_pool) {
    ferry::process_pool pool(1);
    ferry::promise<int> seen;
    const marker may_end;
    auto f = pool.submit(when_touched, may_end.path());
    f.add_done_callback(
        [&](ferry::future<int>) { seen.set_value(pool.submit(triple, 2).result()); });
    touch(may_end.path());
    BOOST_TEST(seen.get_future().result(patience) == 6);
}

BOOST_AUTO_TEST_CASE(shutdown_from_a_callback_is_refused_with_wait) {
    ferry::promise<bool> refused;
    ferry::process_pool pool(1);
    const marker may_end;
    auto f = pool.submit(when_touched, may_end.path());
    f.add_done_callback([&](ferry::future<int>) {
        try {
            pool.shutdown();
            refused.set_value(false);
        } catch (const ferry::would_deadlock&) {
            pool.shutdown({.wait = false});
            refused.set_value(true);
        }
    });
    touch(may_end.path());
    BOOST_TEST(refused.get_future().result(patience));
}

BOOST_AUTO_TEST_CASE(the_last_owner_of_a_pool_may_be_its_callback) {
    auto pool = std::make_shared<ferry::process_pool>(1);
    const marker may_end;
    auto f = pool->submit(when_touched, may_end.path());
    ferry::promise<void> done;
    f.add_done_callback([&done, last = std::move(pool)](ferry::future<int>) mutable {
        last.reset();
        done.set_value();
    });
    touch(may_end.path());
    done.get_future().result(patience);
}

// The outcome is there, but its publication stands in line behind the callback of another one.
BOOST_AUTO_TEST_CASE(who_waits_for_a_future_whose_callback_is_due_is_not_held_up) {
    gate go_on;
    ferry::process_pool pool(1);
    const marker first_may_end;
    const marker second_may_end;
    ferry::promise<void> inside;
    auto first = pool.submit(when_touched, first_may_end.path());
    first.add_done_callback([&](ferry::future<int>) {
        inside.set_value();
        go_on.pass();
    });
    std::atomic<int> calls = 0;
    auto second = pool.submit(when_touched, second_may_end.path());
    second.add_done_callback([&](ferry::future<int>) { ++calls; });
    touch(first_may_end.path());
    inside.get_future().result(patience);
    touch(second_may_end.path());
    const auto until = std::chrono::steady_clock::now() + patience;
    while (pool.stats().completed < 2 && std::chrono::steady_clock::now() < until)
        std::this_thread::yield();

    ferry::promise<void> registered;
    std::jthread late([&] {
        second.add_done_callback([&](ferry::future<int>) { ++calls; });
        registered.set_value();
    });
    BOOST_TEST(registered.get_future().wait_for(patience));
    go_on.open();
    BOOST_TEST(second.result(patience) != ::getpid());
    pool.shutdown();
    BOOST_TEST(calls == 2);
}
