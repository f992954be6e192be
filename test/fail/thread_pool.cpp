// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Must not compile with CASE defined as the number of a case, and must compile without. CF-SUB-12
#include <ferry/ferry.hpp>

#include <boost/asio/detached.hpp>

#include <memory>
#include <string>
#include <vector>

boost::asio::awaitable<int> coroutine() { co_return 1; }
const std::string& same(const std::string& s) { return s; }
int count(int& n) { return ++n; }
int twice(int n) { return 2 * n; }
int until(int n, std::stop_token) { return n; }
int from(std::stop_token, int n) { return n; }
int take(std::unique_ptr<int> p) { return *p; }

boost::asio::awaitable<int> await(ferry::future<int> f) {
#if CASE == 1 // expect: a future is not awaited by itself: say co_await f.async_result()
    co_return co_await f;
#elif CASE == 2 // expect: a future is not awaited by itself: say co_await f.async_result()
    co_return co_await std::move(f);
#else
    co_return co_await f.async_result();
#endif
}

int use(ferry::thread_pool& pool, ferry::future<int>& f) {
    int n = 0;
    auto owned = std::make_unique<int>(1);
    std::vector<std::unique_ptr<int>> many;
    std::vector<int> numbers;
    ferry::task_options options;
    struct immovable {
        immovable() = default;
        immovable(const immovable&) = delete;
        int operator()() const { return 1; }
        void operator()(ferry::future<int>) const {}
    } fixed;
#if CASE == 3 // expect: not_a_coroutine__await_it_instead
    pool.submit(coroutine);
#elif CASE == 4  // expect: no_reference_to_an_argument__return_a_value
    pool.submit(same, std::string("text"));
#elif CASE == 5  // expect: no_parameter_by_non_const_reference__say_std_ref
    pool.submit(count, n);
#elif CASE == 6  // expect: no_parameter_by_non_const_reference__say_std_ref
    static_cast<void>(ferry::run_in_executor(pool, count, n));
#elif CASE == 7  // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    static_cast<void>(ferry::to_thread(count, std::string("text")));
#elif CASE == 8  // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    pool.submit(twice);
#elif CASE == 9  // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    ferry::submit(pool.get_executor(), twice, 1, 2);
#elif CASE == 10 // expect: task_options_before_the_function__not_among_its_arguments
    pool.submit(twice, n, options);
#elif CASE == 11 // expect: task_options_before_the_function__not_among_its_arguments
    ferry::submit(pool.get_executor(), twice, n, ferry::task_options{.label = "late"});
#elif CASE == 12 // expect: stop_token_as_the_first_parameter__not_the_last
    pool.submit(until, n);
#elif CASE == 13 // expect: stop_token_as_the_first_parameter__not_the_last
    static_cast<void>(ferry::to_thread(until, n));
#elif CASE == 14 // expect: copied_or_moved_into_the_call__say_std_move
    pool.submit(take, owned);
#elif CASE == 15 // expect: copied_or_moved_into_the_call__say_std_move
    pool.submit(options, fixed);
#elif CASE == 16 // expect: copied_or_moved_into_the_call__say_std_move
    ferry::submit(pool, take, owned);
#elif CASE == 17 // expect: copied_or_moved_into_the_call__say_std_move
    f.add_done_callback(fixed);
#elif CASE == 18 // expect: no_temporary_pool_or_context__give_it_a_name
    static_cast<void>(ferry::run_in_executor(ferry::thread_pool(1), twice, n));
#elif CASE == 19 // expect: no_temporary_pool_or_context__give_it_a_name
    ferry::async_invoke(boost::asio::io_context(), [] {}, boost::asio::detached);
#elif CASE == 20 // expect: no_temporary_pool_or_context__give_it_a_name
    ferry::submit(boost::asio::thread_pool(1), twice, n);
#elif CASE == 21 // expect: range_with_elements_that_can_be_copied__or_moved_from_a_view
    pool.map(take, many);
#elif CASE == 22 // expect: body_that_returns_an_awaitable__make_it_a_coroutine
    static_cast<void>(ferry::with_task_group([](ferry::task_group&) { return 1; }));
#elif CASE == 23 // expect: body_that_takes_a_task_group_by_reference
    static_cast<void>(ferry::with_task_group(coroutine));
#elif CASE == 24 // expect: executor_or_context__whose_context_is_an_execution_context
    static_cast<void>(ferry::run_in_executor(n, twice, n));
#elif CASE == 25 // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    pool.map(twice, numbers, numbers);
#elif CASE == 26 // expect: callable_with_copies_of_the_arguments__check_their_number_and_types
    ferry::async_invoke(pool, twice, boost::asio::detached);
#else
    static_cast<void>(ferry::to_thread(count, std::ref(n)));
    static_cast<void>(ferry::run_in_executor(pool, count, std::ref(n)));
    static_cast<void>(ferry::run_in_executor(pool.get_executor(), twice, n));
    static_cast<void>(ferry::to_thread(twice, 1));
    pool.submit(options, twice, n);
    ferry::submit({.label = "in time"}, pool.get_executor(), twice, n);
    pool.submit(from, n);
    static_cast<void>(ferry::to_thread(from, n));
    pool.map(twice, numbers);
    pool.map(take, std::views::transform(many, [](auto& p) { return std::move(p); }));
    pool.submit(take, std::move(owned));
    pool.submit(options, std::cref(fixed));
    f.add_done_callback(std::cref(fixed));
    ferry::async_invoke(pool, [] {}, boost::asio::detached);
    static_cast<void>(ferry::with_task_group(
        [](ferry::task_group&) -> boost::asio::awaitable<int> { co_return 1; }));
#endif
    return pool.submit(count, std::ref(n)).result();
}
