// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/future.hpp>

#define BOOST_TEST_MODULE future
#include <boost/test/unit_test.hpp>

#include <ferry/wait.hpp>

#include "helpers/proc.hpp"
#include "helpers/run_on.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <sstream>
#include <thread>
#include <unordered_map>
#include <vector>

#include <sys/syscall.h>
#include <unistd.h>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

template <class T>
std::string printed(const T& f) {
    std::ostringstream out;
    out << f;
    return out.str();
}

/// A future in each of the five states.
struct five_states {
    promise<int> p[5];
    future<int> pending = p[0].get_future(), running = p[1].get_future(),
                cancelled = p[2].get_future(), finished = p[3].get_future(),
                failed = p[4].get_future();
    five_states() {
        p[1].set_running_or_notify_cancel();
        cancelled.cancel();
        p[3].set_value(4);
        p[4].set_exception(std::make_exception_ptr(std::out_of_range("five")));
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(the_five_states_are_told_apart) { // CF-FUT-18
    const auto is = [](const future<int>& f, bool done, bool running, bool cancelled) {
        return f.done() == done && f.running() == running && f.cancelled() == cancelled;
    };
    const five_states s;
    BOOST_TEST(is(s.pending, false, false, false));
    BOOST_TEST(is(s.running, false, true, false));
    BOOST_TEST(is(s.cancelled, true, false, true));
    BOOST_TEST(is(s.finished, true, false, false));
    BOOST_TEST(is(s.failed, true, false, false));
}

BOOST_AUTO_TEST_CASE(asking_without_waiting_gives_what_is_there) { // CF-FUT-19 -21
    const five_states s;
    for (const auto& f : {s.pending, s.running}) {
        BOOST_CHECK_THROW(f.result(0s), timeout_error);
        BOOST_CHECK_THROW(f.exception(0s), timeout_error);
    }
    BOOST_CHECK_THROW(s.cancelled.result(0s), cancelled_error);
    BOOST_CHECK_THROW(s.cancelled.exception(0s), cancelled_error);
    BOOST_TEST(s.finished.result(0s) == 4);
    BOOST_TEST((s.finished.exception(0s) == nullptr));
    BOOST_CHECK_THROW(s.failed.result(0s), std::out_of_range);
    BOOST_CHECK_THROW(std::rethrow_exception(s.failed.exception(0s)), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(cancel_changes_only_what_is_pending) { // CF-CAN-01
    five_states s;
    BOOST_TEST(s.pending.cancel());
    BOOST_TEST(s.pending.cancelled());
    BOOST_TEST(!s.running.cancel());
    BOOST_TEST(s.running.running());
    BOOST_TEST(s.cancelled.cancel());
    BOOST_TEST(!s.finished.cancel());
    BOOST_TEST(s.finished.result() == 4);
    BOOST_TEST(!s.failed.cancel());
    BOOST_CHECK_THROW(s.failed.result(), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_thread_that_waits_is_released_by_any_outcome) { // CF-FUT-20 CF-CAN-03
    for (int round = 0; round < 200; ++round) {
        five_states s;
        promise<int> p;
        std::atomic<int> value = 0, cancelled = 0, failed = 0;
        {
            const std::jthread one([&] { value = s.running.result(); });
            const std::jthread two([&, f = p.get_future()] { failed = f.exception() ? 1 : 2; });
            const std::jthread three([&] {
                try {
                    s.pending.result();
                } catch (const cancelled_error&) {
                    cancelled = 1;
                }
            });
            std::this_thread::yield();
            s.p[1].set_value(1);
            s.pending.cancel();
            p.set_exception(std::make_exception_ptr(1));
        }
        BOOST_REQUIRE(value + cancelled + failed == 3);
    }
}

BOOST_AUTO_TEST_CASE(
    a_thread_that_sleeps_in_exception_is_woken_when_the_future_fails) { // CF-FUT-22
    promise<int> p;
    const auto f = p.get_future();
    std::atomic<pid_t> waiter = 0;
    std::exception_ptr seen;
    std::jthread t([&] {
        waiter = static_cast<pid_t>(::syscall(SYS_gettid));
        seen = f.exception();
    });
    // Asleep means that it waits: there is nothing else in it to sleep for.
    BOOST_REQUIRE(eventually([&] { return waiter != 0 && is_asleep(waiter); }));
    BOOST_TEST(!f.done());
    p.set_exception(std::make_exception_ptr(std::out_of_range("x")));
    t.join();
    BOOST_CHECK_THROW(std::rethrow_exception(seen), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_callback_sees_the_exception) { // CF-FUT-02
    promise<int> p;
    auto f = p.get_future();
    std::exception_ptr seen;
    f.add_done_callback([&](future<int> g) { seen = g.exception(); });
    p.set_exception(std::make_exception_ptr(std::out_of_range("x")));
    BOOST_CHECK_THROW(std::rethrow_exception(seen), std::out_of_range);
}

BOOST_AUTO_TEST_CASE(a_callback_on_a_done_future_runs_at_once_and_here) { // CF-FUT-05 -11
    const five_states s;
    int runs = 0;
    const auto count = [&, here = std::this_thread::get_id()](future<int> f) {
        runs += f.done() && std::this_thread::get_id() == here ? 1 : 100;
    };
    for (auto f : {s.cancelled, s.finished, s.failed}) {
        f.add_done_callback(count);
        f.add_done_callback(count);
    }
    BOOST_TEST(runs == 6);
}

BOOST_AUTO_TEST_CASE(an_exception_that_nobody_asks_for_is_dropped_in_silence) { // CF-FUT-39
    int reported = 0;
    const auto previous = set_unhandled_callback([&](std::exception_ptr) { ++reported; });
    {
        const five_states s;
    }
    set_unhandled_callback(previous);
    BOOST_TEST(reported == 0);
}

BOOST_AUTO_TEST_CASE(a_result_can_be_read_by_several_threads_again_and_again) { // CF-FUT-29
    const five_states s;
    std::atomic<int> values = 0, exceptions = 0;
    const auto read = [&, f = s.finished, g = s.failed] {
        for (int n = 0; n < 100; ++n) {
            values += f.result();
            try {
                g.result();
            } catch (const std::out_of_range&) {
                ++exceptions;
            }
        }
    };
    std::thread other(read), another(read);
    other.join();
    another.join();
    BOOST_TEST(values == 800);
    BOOST_TEST(exceptions == 200);
}

BOOST_AUTO_TEST_CASE(a_handle_without_a_state_says_so) { // CF-FUT-33
    future<int> f;
    promise<int> p;
    auto g = p.get_future();
    const auto moved_to = std::move(g);
    for (auto* h : {&f, &g}) {
        BOOST_TEST(!h->valid());
        BOOST_CHECK_THROW(h->done(), no_state_error);
        BOOST_CHECK_THROW(h->cancel(), no_state_error);
        BOOST_CHECK_THROW(h->result(), no_state_error);
        BOOST_CHECK_THROW(h->exception(), no_state_error);
        BOOST_CHECK_THROW(h->wait_for(0s), no_state_error);
        BOOST_CHECK_THROW(h->add_done_callback([](future<int>) {}), no_state_error);
    }
}

BOOST_AUTO_TEST_CASE(callbacks_run_in_order_and_at_once_when_done) { // CF-FUT-01 -08
    promise<int> p;
    auto f = p.get_future();
    std::vector<int> seen;
    f.add_done_callback([&](future<int> g) { seen.push_back(g.result()); });
    f.add_done_callback([&](future<int>) { seen.push_back(2); });
    p.set_value(1);
    f.add_done_callback([&](future<int>) { seen.push_back(3); });
    BOOST_TEST(seen == (std::vector{1, 2, 3}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_is_reported_and_stops_nobody) { // CF-FUT-04
    std::vector<int> reported;
    const auto previous = set_unhandled_callback([&](std::exception_ptr e) {
        try {
            std::rethrow_exception(e);
        } catch (int number) {
            reported.push_back(number);
        } catch (const std::exception&) {
            reported.push_back(100);
        }
    });
    const auto complete_each_way = [&](auto complete) {
        int after = 0;
        promise<int> p;
        const auto f = p.get_future();
        f.add_done_callback([](future<int>) { throw 1; });
        f.add_done_callback([&](future<int>) { ++after; });
        f.add_done_callback([](future<int>) { throw std::runtime_error("two"); });
        f.add_done_callback([&](future<int>) { ++after; });
        BOOST_CHECK_NO_THROW(complete(p, f)); // nothing reaches the thread that completes
        BOOST_TEST(after == 2);
        BOOST_TEST(f.done());
        BOOST_CHECK_NO_THROW(f.add_done_callback([](future<int>) { throw 3; })); // at once
    };
    complete_each_way([](auto& p, auto&) { p.set_value(1); });
    complete_each_way([](auto& p, auto&) { p.set_exception(std::make_exception_ptr(4)); });
    complete_each_way([](auto&, auto& f) { f.cancel(); });
    complete_each_way([](auto& p, auto&) { p = promise<int>(); });
    set_unhandled_callback(previous);
    const std::vector<int> each{1, 100, 3};
    std::vector<int> expected;
    for (int i = 0; i < 4; ++i)
        expected.insert(expected.end(), each.begin(), each.end());
    BOOST_TEST(reported == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(results_wait_time_out_and_repeat) { // CF-FUT-20 CF-TMO-05
    promise<int> p;
    auto f = p.get_future();
    BOOST_CHECK_THROW(f.result(0s), timeout_error);
    BOOST_CHECK_THROW(f.result(1ms), timeout_error);
    std::thread t([&] { p.set_value(5); });
    BOOST_TEST(f.result() == 5);
    BOOST_TEST(f.result() == 5);
    t.join();
}

BOOST_AUTO_TEST_CASE(taking_moves_out_once_and_empties_the_handle) {
    promise<std::unique_ptr<int>> p;
    auto f = p.get_future();
    auto g = f;
    p.set_value(std::make_unique<int>(4));
    BOOST_TEST(*std::move(f).result() == 4);
    BOOST_TEST(!f.valid());
    BOOST_CHECK_THROW(std::move(g).result(), invalid_state_error);
    BOOST_CHECK_THROW(f.done(), no_state_error);
}

BOOST_AUTO_TEST_CASE(states_are_printed_and_handles_are_keys) { // CF-FUT-16
    promise<int> p;
    auto f = p.get_future();
    BOOST_TEST(printed(f) == "<future pending>");
    p.set_running_or_notify_cancel();
    BOOST_TEST(printed(f) == "<future running>");
    p.set_value(1);
    BOOST_TEST(printed(f) == "<future finished: returned int>");
    promise<int> q;
    auto g = q.get_future();
    q.set_exception(std::make_exception_ptr(std::runtime_error("x")));
    BOOST_TEST(printed(g) == "<future finished: raised std::runtime_error>");
    BOOST_TEST(printed(future<int>()) == "<future invalid>");
    BOOST_TEST(printed(five_states().cancelled) == "<future cancelled>");
    std::unordered_map<future<int>, int> inputs{{f, 1}, {g, 2}};
    BOOST_TEST(inputs.at(g) == 2);
}

template <class T>
constexpr bool copies_cannot_throw =
    std::is_nothrow_copy_constructible_v<future<T>> &&
    std::is_nothrow_copy_assignable_v<future<T>> &&
    std::is_nothrow_move_constructible_v<future<T>> &&
    std::is_nothrow_move_assignable_v<future<T>> && noexcept(future<T>() == future<T>()) &&
    noexcept(std::hash<future<T>>()(future<T>()));
static_assert(copies_cannot_throw<int> && copies_cannot_throw<void> && copies_cannot_throw<int&> &&
              copies_cannot_throw<std::unique_ptr<int>> && copies_cannot_throw<std::string>);

template <class F>
concept can_be_taken = requires(F& f) { std::move(f).result(); };

BOOST_AUTO_TEST_CASE(a_const_handle_does_all_but_take) {
    promise<std::string> p, q;
    const auto f = p.get_future(), g = q.get_future();
    int called = 0;
    f.add_done_callback([&](future<std::string>) { ++called; });
    BOOST_TEST(!f.request_stop());
    BOOST_TEST(f.cancel());
    BOOST_TEST(called == 1);
    asio::io_context io;
    g.async_wait(asio::bind_executor(io, [&](boost::system::error_code) { ++called; }));
    g.async_result(asio::bind_executor(io, [&](std::exception_ptr, std::string) { ++called; }));
    static_cast<void>(g.async_result());
    q.set_value("x");
    io.run();
    BOOST_TEST(called == 3);
    static_assert(!can_be_taken<const future<std::string>> && can_be_taken<future<std::string>>);
}

BOOST_AUTO_TEST_CASE(an_invalid_handle_says_so_through_the_token) { // CF-FUT-33
    const auto is_no_state = [](const std::exception_ptr& e) {
        try {
            std::rethrow_exception(e);
        } catch (const no_state_error&) {
            return true;
        }
    };
    promise<int> p;
    auto left = p.get_future();
    const auto moved_to = std::move(left);
    for (const future<int>& f : {future<int>(), left}) {
        asio::io_context io;
        boost::system::error_code waited;
        std::exception_ptr result, all;
        f.async_wait(asio::bind_executor(io, [&](boost::system::error_code e) { waited = e; }));
        f.async_result(asio::bind_executor(io, [&](std::exception_ptr e, int) { result = e; }));
        async_wait(std::vector{moved_to, f}, {},
                   asio::bind_executor(io, [&](std::exception_ptr e, wait_result<int> r) {
                       all = e;
                       BOOST_TEST(r.done.empty());
                   }));
        BOOST_TEST(!waited); // not inside the call
        io.run();
        BOOST_CHECK(waited == errc::no_state);
        BOOST_TEST(is_no_state(result));
        BOOST_TEST(is_no_state(all));

        int thrown = 0;
        auto one = f.async_result(); // lazy: nothing is thrown here
        auto many = async_wait(std::vector{f, moved_to});
        io.restart();
        run_on(io, [&]() -> asio::awaitable<void> {
            try {
                co_await std::move(one);
            } catch (const no_state_error&) {
                ++thrown;
            }
            try {
                co_await std::move(many);
            } catch (const no_state_error&) {
                ++thrown;
            }
        });
        BOOST_TEST(thrown == 2);
    }
    future<void> none;
    asio::io_context io;
    std::exception_ptr result;
    std::move(none).async_result(
        asio::bind_executor(io, [&](std::exception_ptr e) { result = e; }));
    io.run();
    BOOST_TEST(is_no_state(result));
}
