// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What cannot be used is refused by a constraint: programs can ask.
#include <ferry/ferry.hpp>
#include <ferry/process.hpp>

#define BOOST_TEST_MODULE constraints
#include <boost/test/unit_test.hpp>

#include <boost/asio/detached.hpp>
#include <boost/asio/thread_pool.hpp>

#include <memory>
#include <string_view>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;

namespace {

struct immovable {
    immovable() = default;
    immovable(const immovable&) = delete;
    int operator()() const { return 1; }
    void operator()(const future<int>&) const {}
};
struct unpostable_executor { // may run what it is given in the caller
    template <class F>
    void execute(F f) const {
        f();
    }
    [[maybe_unused]] friend bool operator==(const unpostable_executor&,
                                            const unpostable_executor&) noexcept {
        return true;
    }
    [[maybe_unused]] friend bool operator!=(const unpostable_executor&,
                                            const unpostable_executor&) noexcept {
        return false;
    }
};
struct bare_executor { // of no execution context
    bare_executor require(asio::execution::blocking_t::never_t) const noexcept { return {}; }
    template <class F>
    void execute(F f) const {
        std::thread(std::move(f)).join();
    }
    [[maybe_unused]] friend bool operator==(const bare_executor&, const bare_executor&) noexcept {
        return true;
    }
    [[maybe_unused]] friend bool operator!=(const bare_executor&, const bare_executor&) noexcept {
        return false;
    }
};
struct own_context {};
struct strange_executor : bare_executor { // of a context that is no execution context
    strange_executor require(asio::execution::blocking_t::never_t) const noexcept { return {}; }
    own_context& query(asio::execution::context_t) const noexcept {
        static own_context there;
        return there;
    }
};

struct move_only {
    move_only() = default;
    move_only(move_only&&) = default;
    int operator()(std::stop_token, int n) { return n; }
};

using take = int (*)(std::unique_ptr<int>);
using twice = int (*)(int);
using pointer = std::unique_ptr<int>;

template <class P, class... A>
concept submits = requires(P& p, task_options o, A&&... a) {
    p.submit(std::forward<A>(a)...);
    p.submit(o, std::forward<A>(a)...);
};
template <class P, class... A>
concept maps = requires(P& p, map_options o, A&&... a) {
    p.map(std::forward<A>(a)...);
    p.map(o, std::forward<A>(a)...);
};
template <class Where, class... A>
concept runs = requires(Where&& w, A&&... a) {
    run_in_executor(std::forward<Where>(w), std::forward<A>(a)...);
};
template <class Where, class F>
concept invokes = requires(Where&& w, F&& f) {
    async_invoke(std::forward<Where>(w), std::forward<F>(f), asio::detached);
};
template <class Where, class... A>
concept frees = requires(Where&& w, task_options o, A&&... a) {
    submit(std::forward<Where>(w), std::forward<A>(a)...);
    submit(o, std::forward<Where>(w), std::forward<A>(a)...);
};
template <class... A>
concept goes_to_a_thread = requires(A&&... a) { to_thread(std::forward<A>(a)...); };
template <class F>
concept is_callback = requires(future<int> f, F&& g) { f.add_done_callback(std::forward<F>(g)); };
template <class Body>
concept is_body = requires(Body b) { with_task_group(b); };
template <class C, class P>
concept becomes_default =
    requires(C&& c, P&& p) { set_default_executor(std::forward<C>(c), std::forward<P>(p)); };
template <class... A>
concept retries = requires(A&&... a) { retry(retry_policy(), std::forward<A>(a)...); };
template <class F>
concept retries_awaitable = requires(F&& f) { async_retry(retry_policy(), std::forward<F>(f)); };
template <class... A>
concept breaks = requires(circuit_breaker& b, A&&... a) { b.call(std::forward<A>(a)...); };

// What cannot be copied into the call.
template <class Pool>
constexpr bool copies_are_asked_for =
    submits<Pool, take, pointer> && !submits<Pool, take, pointer&> &&
    !submits<Pool, take, const pointer> && !submits<Pool, immovable&> &&
    !submits<Pool, immovable> && runs<Pool&, take, pointer> && !runs<Pool&, take, pointer&> &&
    !runs<Pool&, immovable&> && !invokes<Pool&, immovable&> && invokes<Pool&, int (*)()> &&
    maps<Pool, twice, std::vector<int>&> && !maps<Pool, take, std::vector<pointer>&> &&
    !maps<Pool, immovable&, std::vector<int>&>;
static_assert(copies_are_asked_for<thread_pool>);
static_assert(submits<thread_pool, move_only, int> && !submits<thread_pool, move_only&, int> &&
              maps<thread_pool, move_only, std::vector<int>&>);
static_assert(copies_are_asked_for<process_pool>);
static_assert(frees<asio::io_context&, take, pointer> && !frees<asio::io_context&, take, pointer&>);
static_assert(!frees<thread_pool&, immovable&> && !frees<asio::system_executor, take, pointer&>);
static_assert(goes_to_a_thread<take, pointer> && !goes_to_a_thread<take, pointer&> &&
              !goes_to_a_thread<immovable&>);
static_assert(is_callback<void (*)(future<int>)> && !is_callback<immovable&> &&
              !is_callback<void (*)(int)>);

// What cannot be called.
template <class Pool>
constexpr bool calls_are_asked_for =
    submits<Pool, twice, int> && !submits<Pool, twice> && !submits<Pool, twice, int, int> &&
    !submits<Pool, twice, std::string> && !submits<Pool, int (*)(int&), int&> &&
    !submits<Pool, twice, int, task_options> &&
    !submits<Pool, int (*)(int, std::stop_token), int> &&
    submits<Pool, int (*)(std::stop_token, int), int> &&
    !submits<Pool, asio::awaitable<int> (*)()> && !submits<Pool, int> && !submits<Pool> &&
    !runs<Pool&, twice> && !runs<Pool&, int (*)(int&), int&> && !invokes<Pool&, twice> &&
    !maps<Pool, twice> && !maps<Pool, twice, int> && !maps<Pool, int (*)(), std::vector<int>>;
static_assert(calls_are_asked_for<thread_pool>);
static_assert(calls_are_asked_for<process_pool>);
static_assert(!goes_to_a_thread<twice> && !frees<thread_pool&, twice> &&
              !frees<asio::io_context&, int (*)(int&), int&>);
static_assert(retries<twice, int> && retries<int (*)(int&), int&> && !retries<twice> &&
              !retries<asio::awaitable<int> (*)()>);
static_assert(retries_awaitable<asio::awaitable<int> (*)()> && !retries_awaitable<int (*)()> &&
              !retries_awaitable<asio::awaitable<int> (*)(int)>);
static_assert(breaks<twice, int> && !breaks<twice> && !breaks<asio::awaitable<int> (*)()>);

// Temporary pools and contexts; executors may be temporaries.
template <class Where>
constexpr bool used_as_lvalue =
    runs<Where&, twice, int> && !runs<Where, twice, int> && !runs<const Where, twice, int> &&
    invokes<Where&, int (*)()> && !invokes<Where, int (*)()>;
static_assert(used_as_lvalue<thread_pool> && used_as_lvalue<process_pool> &&
              used_as_lvalue<asio::io_context> && used_as_lvalue<asio::thread_pool>);
static_assert(frees<asio::io_context&, twice, int> && !frees<asio::io_context, twice, int> &&
              frees<thread_pool&, twice, int> && !frees<thread_pool, twice, int>);
static_assert(becomes_default<asio::io_context&, thread_pool&> &&
              !becomes_default<asio::io_context&, thread_pool> &&
              !becomes_default<asio::io_context, thread_pool&>);
template <class E>
constexpr bool used_by_value =
    runs<E, twice, int> && runs<E&, twice, int> && runs<const E&, twice, int> &&
    invokes<E, int (*)()> && frees<E, twice, int>;
static_assert(used_by_value<asio::any_io_executor> && used_by_value<asio::system_executor> &&
              used_by_value<asio::io_context::executor_type> &&
              used_by_value<thread_pool::executor_type> &&
              used_by_value<asio::strand<thread_pool::executor_type>>);

// Executors without an execution context: calls run there, but cannot be awaited.
template <class E>
constexpr bool cannot_be_awaited =
    frees<E, twice, int> && !runs<E, twice, int> && !runs<E&, twice, int> && !invokes<E, int (*)()>;
static_assert(cannot_be_awaited<bare_executor> && cannot_be_awaited<strange_executor>);
static_assert(!frees<unpostable_executor, twice, int> && !runs<unpostable_executor, twice, int>);
static_assert(!runs<int, twice, int> && !runs<std::string&, twice, int> && !frees<int, twice, int>);

// The bodies of groups.
static_assert(
    is_body<asio::awaitable<void> (*)(task_group&)> &&
    is_body<asio::awaitable<int> (*)(task_group&)> && // by value it is a copy of the handle
    is_body<asio::awaitable<int> (*)(task_group)>);
static_assert(!is_body<int (*)(task_group&)> && !is_body<void (*)(task_group&)> &&
              !is_body<asio::awaitable<int> (*)()> && !is_body<asio::awaitable<int> (*)(int)> &&
              !is_body<future<int> (*)(task_group&)> && !is_body<int> &&
              !is_body<asio::awaitable<int, asio::io_context::executor_type> (*)(task_group&)>);

// What does not own what it shows cannot be sent; it can be passed to a thread.
static_assert(!sendable<std::string_view> && !sendable<std::wstring_view> &&
              !sendable<std::span<int>> && !sendable<std::span<const int, 3>>);
static_assert(submits<thread_pool, int (*)(std::string_view), std::string_view> &&
              !submits<process_pool, int (*)(std::string_view), std::string_view>);
static_assert(submits<process_pool, int (*)(std::string_view), std::string> &&
              submits<process_pool, int (*)(std::string_view), const char (&)[5]>);

} // namespace

BOOST_AUTO_TEST_CASE(an_executor_without_a_context_runs_calls) {
    const auto plus_one = [](int n) { return n + 1; };
    BOOST_TEST(submit(bare_executor(), plus_one, 1).result() == 2);
    BOOST_TEST(submit(strange_executor(), plus_one, 2).result() == 3);
    task_options late;
    late.start_by = timeout::clock::time_point::min();
    const auto f = submit(late, bare_executor(), plus_one, 3);
    BOOST_CHECK_THROW(f.result(), timeout_error);
}
