// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/error.hpp>

#define BOOST_TEST_MODULE error
#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <iterator>
#include <set>
#include <sstream>

using namespace ferry;
using namespace std::string_view_literals;

template <class Base, class... E>
constexpr bool base_of = (std::is_base_of_v<Base, E> && ...);

// CF-FUT-17
static_assert(base_of<boost::system::system_error, cancelled_error, timeout_error,
                      invalid_state_error, no_state_error, broken_promise, shutdown_error,
                      queue_full_error, would_deadlock, broken_executor, exception_group>);
static_assert(base_of<broken_executor, broken_thread_pool, broken_process_pool, sandbox_error,
                      broken_cluster_pool>);
static_assert(base_of<broken_process_pool, worker_died>);
static_assert(base_of<worker_died, resource_limit_error>);
static_assert(base_of<std::runtime_error, broken_executor>);       // CF-BRK-28
static_assert(!std::is_base_of_v<timeout_error, cancelled_error>); // CF-CAN-04

BOOST_AUTO_TEST_CASE(a_cancellation_has_the_code_that_asio_uses) {
    BOOST_TEST((cancelled_error().code() == boost::asio::error::operation_aborted));
    BOOST_TEST((cancelled_error().code() == condition::cancelled));
}

BOOST_AUTO_TEST_CASE(codes_fall_into_conditions) {
    BOOST_TEST((timeout_error().code() == condition::timed_out));
    BOOST_TEST((shutdown_error().code() == condition::rejected));
    BOOST_TEST((queue_full_error().code() == condition::rejected));
    BOOST_TEST((circuit_open_error().code() == condition::rejected));
    BOOST_TEST((quarantined_error().code() == condition::rejected));
    BOOST_TEST((no_worker_error().code() == condition::rejected));
    BOOST_TEST((broken_thread_pool().code() == condition::broken));
    BOOST_TEST((sandbox_error().code() == condition::broken));
    BOOST_TEST((resource_limit_error().code() == condition::broken));
    BOOST_TEST((broken_cluster_pool().code() == condition::broken));
    BOOST_TEST((timeout_error().code() != condition::broken));
}

BOOST_AUTO_TEST_CASE(a_timeout_over_many_tells_how_many) { // CF-ASC-07
    const timeout_error e(2, 4);
    BOOST_TEST(e.unfinished() == 2u);
    BOOST_TEST(e.total() == 4u);
    BOOST_TEST(std::string(e.what()).find("2 of 4") != std::string::npos);
}

namespace {

// Every error, made in each of the ways that there are.
template <class F>
void for_each_error(F f) {
    f(cancelled_error());
    f(cancelled_error("stop"));
    f(timeout_error());
    f(timeout_error("late"));
    f(timeout_error(1, 4));
    f(resource_limit_error("x"));
    f(sandbox_error());
    f(quarantined_error());
    f(no_worker_error());
    f(broken_cluster_pool());
    f(queue_full_error("x", 3, std::chrono::seconds(1)));
    f(invalid_state_error());
    f(invalid_state_error("x"));
    f(no_state_error());
    f(no_state_error("x"));
    f(broken_promise());
    f(broken_promise("x"));
    f(shutdown_error());
    f(shutdown_error("x"));
    f(queue_full_error());
    f(queue_full_error("x"));
    f(circuit_open_error());
    f(circuit_open_error("x"));
    f(circuit_open_error(std::chrono::milliseconds(20)));
    f(circuit_open_error(std::chrono::steady_clock::duration::max()));
    f(would_deadlock());
    f(would_deadlock("x"));
    f(broken_executor());
    f(broken_executor("x"));
    f(broken_thread_pool());
    f(broken_thread_pool("x"));
    f(broken_process_pool());
    f(broken_process_pool("x"));
    f(worker_died());
    f(worker_died("x"));
    f(worker_died(12, {.exit_code = 3}, "import", "no such file"));
    f(worker_died(12, {.signal = 9}, "import", ""));
    f(worker_died(12, {}, "import", ""));
    f(worker_died(12, {.signal = 9}, "import", "", {std::chrono::seconds(1), 4096}, 2));
    f(quarantined_error("import", 3, std::chrono::steady_clock::time_point()));
    f(exception_group());
    f(exception_group("x"));
    f(exception_group(std::vector{std::make_exception_ptr(timeout_error("one")),
                                  std::make_exception_ptr(std::runtime_error("two")),
                                  std::make_exception_ptr(3)}));
}

std::vector<std::string> words_of(std::string text) {
    std::ranges::replace_if(text, [](char c) { return c == ':' || c == ';' || c == ','; }, ' ');
    std::istringstream in(text);
    return {std::istream_iterator<std::string>(in), {}};
}

} // namespace

BOOST_AUTO_TEST_CASE(no_text_says_a_thing_twice) {
    for_each_error([](const boost::system::system_error& e) {
        const std::string text = e.what();
        const std::string code = std::string("[") + e.code().category().name() + ':' +
                                 std::to_string(e.code().value()) + ']';
        BOOST_TEST_CONTEXT(text) {
            BOOST_TEST(text.ends_with(' ' + code));
            BOOST_TEST(text.find(": " + e.code().message()) == std::string::npos);
            const auto words = words_of(text);
            std::set<std::pair<std::string, std::string>> pairs;
            for (std::size_t i = 1; i < words.size(); ++i)
                BOOST_TEST(pairs.insert({words[i - 1], words[i]}).second, words[i - 1] << words[i]);
        }
    });
    BOOST_TEST(timeout_error("the task 'x' did not start in time").what() ==
               "the task 'x' did not start in time [ferry:1]"sv);
    // A text that was made before, as one from a worker process.
    BOOST_TEST(timeout_error(timeout_error("late").what()).what() == "late [ferry:1]"sv);
    BOOST_TEST(remote_error("ns::error", "its own text").what() == "its own text"sv);
}

BOOST_AUTO_TEST_CASE(errors_are_copied_without_throwing) {
    for_each_error([]<class E>(const E& e) {
        static_assert(std::is_nothrow_copy_constructible_v<E> &&
                      std::is_nothrow_copy_assignable_v<E>);
        const E copy(e);
        BOOST_TEST(copy.what() == std::string(e.what()));
        BOOST_CHECK(copy.code() == e.code());
    });
}

BOOST_AUTO_TEST_CASE(a_group_can_be_made_from_a_text) {
    const exception_group g("the import failed");
    BOOST_TEST(g.exceptions().empty());
    BOOST_TEST(g.what() == "the import failed [ferry:11]"sv);
    BOOST_CHECK(g.code() == errc::exception_group);
    const exception_group two(std::vector(2, std::make_exception_ptr(1)));
    BOOST_TEST(two.exceptions().size() == 2u);
}

template <class... E>
constexpr bool made_from_a_string =
    (std::is_constructible_v<E, std::string> && ...) &&
    (std::is_constructible_v<E, const char*> && ...) && base_of<boost::system::system_error, E...>;
static_assert(made_from_a_string<
              cancelled_error, timeout_error, invalid_state_error, no_state_error, broken_promise,
              shutdown_error, queue_full_error, would_deadlock, broken_executor, broken_thread_pool,
              broken_process_pool, worker_died, remote_error, exception_group, circuit_open_error>);
