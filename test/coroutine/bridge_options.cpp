// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Options of a task that is awaited.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE bridge_options
#include <boost/test/unit_test.hpp>

#include <boost/asio/use_future.hpp>

#include <string>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;

namespace {

// The text of the error with which the awaitable ends.
template <class E>
asio::awaitable<std::string> error_of(asio::awaitable<void> a) {
    try {
        co_await std::move(a);
    } catch (const E& e) {
        co_return e.what();
    }
    co_return "none";
}

} // namespace

BOOST_AUTO_TEST_CASE(a_late_call_is_named_wherever_it_was_to_run) {
    gate go;
    thread_pool pool(1);
    asio::thread_pool foreign(1);
    const auto strand = asio::make_strand(pool.get_executor());
    auto busy = pool.submit([&] { go.pass(); });
    const task_options late{.label = "late one",
                            .start_by = std::chrono::steady_clock::time_point::min()};
    const auto expect_late = [](const std::string& text) {
        BOOST_TEST(text.find("late one") != std::string::npos);
    };
    expect_late(run(error_of<timeout_error>(run_in_executor(pool, late, [] {}))));
    expect_late(run(error_of<timeout_error>(run_in_executor(strand, late, [] {}))));
    expect_late(run(error_of<timeout_error>(run_in_executor(foreign, late, [] {}))));
    expect_late(run(error_of<timeout_error>(to_thread(late, [] {}))));
    auto f = async_invoke(pool, late, [] {}, ferry::use_future);
    BOOST_CHECK_THROW(f.result(), timeout_error);
    go.open();
}

BOOST_AUTO_TEST_CASE(a_call_that_runs_too_long_is_asked_to_stop) {
    thread_pool pool(1);
    const task_options limited{.timeout = 1ms};
    const auto until_stopped = [](std::stop_token stop) {
        while (!stop.stop_requested())
            std::this_thread::yield();
    };
    BOOST_TEST(run(error_of<timeout_error>(run_in_executor(pool, limited, until_stopped))) !=
               "none");
    BOOST_TEST(run(error_of<timeout_error>(to_thread(limited, until_stopped))) != "none");
    auto f = async_invoke(pool, limited, until_stopped, asio::use_future);
    BOOST_CHECK_THROW(f.get(), timeout_error);
}

BOOST_AUTO_TEST_CASE(a_call_of_higher_priority_runs_first) {
    gate go;
    thread_pool pool(1);
    auto busy = pool.submit([&] { go.pass(); });
    std::vector<int> order;
    std::vector<future<void>> calls;
    for (const int priority : {0, 5, -5})
        calls.push_back(async_invoke(
            pool, task_options{.priority = priority},
            [&order, priority] { order.push_back(priority); }, ferry::use_future));
    go.open();
    for (auto& f : calls)
        f.result();
    BOOST_TEST(order == (std::vector{5, 0, -5}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(options_pass_arguments_on) {
    thread_pool pool(1);
    const auto sum = [](int a, const std::string& b) { return a + static_cast<int>(b.size()); };
    const task_options named{.label = "sum"};
    BOOST_TEST(run(run_in_executor(pool, named, sum, 1, std::string("abc"))) == 4);
    BOOST_TEST(run(to_thread(named, sum, 2, std::string("abc"))) == 5);
}
