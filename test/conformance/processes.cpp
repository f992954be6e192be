// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What only worker processes promise.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE processes
#define BOOST_TEST_NO_MAIN
#include "helpers/crashed.hpp"
#include "helpers/proc.hpp"
#include "helpers/process_helpers.hpp"
#include "helpers/worker_main.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <vector>

#include <sys/wait.h>

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

/// How the only task of a pool died.
template <class... A>
ferry::worker_died death_of(A... task) {
    ferry::process_pool pool(1);
    auto f = pool.submit(task...);
    try {
        f.result(3min);
    } catch (const ferry::worker_died& e) {
        BOOST_TEST(pool.submit(triple, 1).result(3min) == 3);
        return e;
    }
    throw std::logic_error("it did not die");
}

} // namespace

BOOST_AUTO_TEST_CASE(a_killed_worker_fails_its_task_and_no_other) { // CF-BRK-01 -03 -29
    ferry::process_pool pool(1);
    auto busy = pool.submit({.label = "victim"}, sleeping, 60'000);
    const int victim = wait_for_worker_of(busy, pool);
    std::vector<ferry::future<int>> queued;
    for (int i = 0; i < 5; ++i)
        queued.push_back(pool.submit(triple, i));
    ::kill(victim, SIGKILL);
    BOOST_CHECK_EXCEPTION(busy.result(3min), ferry::worker_died, [&](const auto& e) {
        return e.pid() == victim && e.signal() == SIGKILL && e.label() == "victim";
    });
    for (int i = 0; i < 5; ++i)
        BOOST_TEST(queued[static_cast<std::size_t>(i)].result(3min) == 3 * i);
    BOOST_TEST(pool.submit(pid).result(3min) != victim);
}

BOOST_AUTO_TEST_CASE(an_exit_is_told_by_its_code) { // CF-BRK-10
    for (const int code : {0, 7}) {
        BOOST_CHECK(death_of([](int c) { std::exit(c); }, code).exit_code() == code);
        BOOST_CHECK(death_of([](int c) { ::_exit(c); }, code).exit_code() == code);
    }
}

BOOST_AUTO_TEST_CASE(a_crash_is_told_by_its_signal) { // CF-BRK-09 CF-PP-39
    const auto abort = death_of([] { std::abort(); });
    BOOST_CHECK(abort.signal() == SIGABRT);
    BOOST_TEST(std::string(abort.what()).find("signal 6") != std::string::npos);
    BOOST_CHECK(death_of([] { std::terminate(); }).signal() == SIGABRT);
    BOOST_CHECK(crashed_by(death_of([] { ::raise(SIGFPE); }), SIGFPE));
}

BOOST_AUTO_TEST_CASE(a_new_pool_works_after_each_of_twenty_breaks) { // CF-BRK-27
    for (int i = 0; i < 20; ++i) {
        ferry::process_pool broken({.max_workers = 1, .initializer = {[] { throw 1; }}});
        BOOST_CHECK_THROW(broken.submit(pid).result(3min), ferry::broken_process_pool);
        ferry::process_pool fresh(1);
        BOOST_TEST(fresh.submit(triple, i).result(3min) == 3 * i);
    }
}

BOOST_AUTO_TEST_CASE(cancelling_the_await_of_a_running_call_ends_its_worker) { // CF-CAN-13 -14
    ferry::process_pool pool({.max_workers = 1, .kill_grace = 100ms});
    const int first = pool.submit(pid).result(3min);
    asio::io_context io;
    asio::cancellation_signal signal;
    std::exception_ptr outcome;
    ferry::async_invoke(
        pool, [] { return sleeping_stubbornly(60'000); },
        asio::bind_cancellation_slot(
            signal.slot(),
            asio::bind_executor(io, [&](std::exception_ptr e, int) { outcome = e; })));
    auto next = pool.submit(pid);
    BOOST_REQUIRE(eventually([&] { return pool.stats().running == 1; }));
    asio::post(io, [&] { signal.emit(asio::cancellation_type::terminal); });
    io.run();
    BOOST_CHECK_THROW(std::rethrow_exception(outcome), ferry::cancelled_error);
    BOOST_TEST(next.result(3min) != first);
    BOOST_TEST(eventually([&] { return ::kill(first, 0) == -1; }));
}

BOOST_AUTO_TEST_CASE(as_many_workers_start_as_are_needed_and_all_end) { // CF-SHUT-09 -16 CF-PP-07
    marker go;
    ferry::future<int> one, two;
    {
        ferry::process_pool pool(4);
        BOOST_TEST(pool.stats().workers == 0u);
        one = pool.submit(when_touched, go.path());
        two = pool.submit(when_touched, go.path());
        BOOST_REQUIRE(eventually([&] { return pool.stats().running == 2; }));
        BOOST_TEST(pool.stats().workers == 2u);
        touch(go.path());
    }
    BOOST_TEST(one.result(0s) != two.result(0s));
    BOOST_TEST(::kill(one.result(), 0) == -1);
    BOOST_TEST(::kill(two.result(), 0) == -1);
    BOOST_TEST(::waitpid(-1, nullptr, WNOHANG) == -1); // there is no child
}

BOOST_AUTO_TEST_CASE(a_callback_cannot_submit_once_shutdown_has_begun) { // CF-SHUT-22
    ferry::promise<bool> refused;
    const marker may_end;
    {
        ferry::process_pool pool(1);
        auto f = pool.submit(when_touched, may_end.path());
        f.add_done_callback([&](ferry::future<int>) {
            refused.set_value(eventually([&] {
                try {
                    pool.submit(triple, 1).wait();
                    return false;
                } catch (const ferry::shutdown_error&) {
                    return true;
                }
            }));
        });
        touch(may_end.path());
    }
    BOOST_TEST(refused.get_future().result(0s));
}
