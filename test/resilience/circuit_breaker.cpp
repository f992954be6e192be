// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/resilience/circuit_breaker.hpp>

#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"

#define BOOST_TEST_MODULE circuit_breaker
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/test/unit_test.hpp>

#include <atomic>
#include <memory>
#include <sstream>
#include <thread>

using namespace ferry;
using namespace std::chrono_literals;
namespace asio = boost::asio;
using asio::awaitable;

namespace {

struct failure : std::runtime_error {
    failure() : std::runtime_error("failure") {}
};

void fail() { throw failure(); }

template <class B, class F, class... Args>
concept callable = requires(B b, F f, Args... args) { b.call(f, std::move(args)...); };
awaitable<int> coroutine(int n) { co_return n; }
static_assert(callable<circuit_breaker&, void (*)(std::unique_ptr<int>), std::unique_ptr<int>>);
static_assert(!callable<circuit_breaker&, decltype(&coroutine), int>,
              "a coroutine has not failed when it was made");
static_assert(!std::is_copy_constructible_v<circuit_breaker>);
static_assert(std::is_base_of_v<boost::system::system_error, circuit_open_error>);

/// Opens it, and counts that as one change of state.
void open(circuit_breaker& breaker) {
    while (breaker.state() == circuit_state::closed)
        BOOST_CHECK_THROW(breaker.call(fail), failure);
}

} // namespace

BOOST_AUTO_TEST_CASE(what_cannot_be_used_is_refused_by_name_and_value) {
    const auto refusal = [](circuit_breaker_options options) -> std::string {
        try {
            circuit_breaker breaker(options);
        } catch (const std::invalid_argument& e) {
            return e.what();
        }
        return {};
    };
    BOOST_TEST(refusal({.threshold = 0}).find("threshold is 0") != std::string::npos);
    BOOST_TEST(refusal({.half_open_probes = 0}).find("half_open_probes is 0") != std::string::npos);
    BOOST_TEST(refusal({.probe_timeout = 0s}).find("probe_timeout is 0") != std::string::npos);
    BOOST_CHECK_THROW(circuit_breaker_registry({.threshold = 0}), std::invalid_argument);
}

BOOST_AUTO_TEST_CASE(an_open_circuit_rejects_without_a_call) {
    circuit_breaker breaker({.threshold = 2, .reset_timeout = 1h});
    BOOST_TEST(breaker.call([](int a, int b) { return a + b; }, 1, 2) == 3);
    open(breaker);
    bool called = false;
    try {
        breaker.call([&] { called = true; });
        BOOST_ERROR("not rejected");
    } catch (const circuit_open_error& e) {
        BOOST_TEST((e.code() == errc::circuit_open));
        BOOST_TEST((e.code() == condition::rejected));
        BOOST_TEST((e.retry_after() > 0s && e.retry_after() <= 1h));
        BOOST_TEST(std::string(e.what()).find("retry after") != std::string::npos);
    }
    BOOST_TEST(!called);
    BOOST_TEST(!breaker.allow());
}

BOOST_AUTO_TEST_CASE(results_and_exceptions_pass_untouched) {
    struct fixed {
        explicit fixed(int n) : value(n) {}
        fixed(const fixed&) = delete;
        int value;
    };
    circuit_breaker breaker({.threshold = 100});
    BOOST_TEST(breaker.call([] { return fixed(3); }).value == 3);
    int n = 0;
    int& same = breaker.call([](int& r) -> int& { return r; }, n);
    BOOST_TEST(&same == &n);
    BOOST_TEST(*breaker.call([](std::unique_ptr<int> p) { return p; }, std::make_unique<int>(4)) ==
               4);
    const auto thrown = std::make_exception_ptr(failure());
    std::exception_ptr caught;
    try {
        breaker.call([&] { std::rethrow_exception(thrown); });
    } catch (...) {
        caught = std::current_exception();
    }
    BOOST_TEST((caught == thrown));
}

BOOST_AUTO_TEST_CASE(a_success_closes_it_again) {
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 0s});
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    BOOST_TEST(breaker.state() == circuit_state::half_open);
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    BOOST_TEST(breaker.state() == circuit_state::half_open);
    breaker.call([&] {
        BOOST_TEST(!breaker.allow()); // the only place is taken
        BOOST_CHECK_THROW(breaker.call([] {}), circuit_open_error);
    });
    BOOST_TEST(breaker.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(a_cancelled_probe_leaves_room_for_another) {
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 0s, .probe_timeout = timeout()});
    BOOST_CHECK_THROW(breaker.call([] { throw cancelled_error(); }), cancelled_error);
    BOOST_TEST(breaker.state() == circuit_state::closed);
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    BOOST_CHECK_THROW(breaker.call([] { throw cancelled_error(); }), cancelled_error);
    BOOST_TEST(breaker.allow());
    BOOST_TEST(!breaker.allow());
    breaker.record_cancelled();
    BOOST_TEST(breaker.allow());
    breaker.record_success();
    BOOST_TEST(breaker.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(reports_of_ones_own_open_it_and_close_it) {
    circuit_breaker breaker({.threshold = 2, .reset_timeout = 0s});
    BOOST_TEST(breaker.allow());
    breaker.record_failure();
    BOOST_TEST(breaker.state() == circuit_state::closed);
    breaker.record_failure();
    BOOST_TEST(breaker.state() == circuit_state::half_open);
    breaker.record_success(); // of no probe
    BOOST_TEST(breaker.state() == circuit_state::half_open);
    BOOST_TEST(breaker.allow());
    breaker.record_success();
    BOOST_TEST(breaker.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(a_call_from_before_the_opening_does_not_close_it) {
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 1h});
    gate inside;
    gate go;
    std::thread slow([&] {
        breaker.call([&] {
            inside.open();
            go.pass();
        });
    });
    inside.pass();
    open(breaker);
    go.open();
    slow.join();
    BOOST_TEST(breaker.state() == circuit_state::open);
}

BOOST_AUTO_TEST_CASE(coroutines_are_counted_when_they_end) {
    circuit_breaker breaker({.threshold = 2, .reset_timeout = 1h});
    const auto failing = []() -> awaitable<void> {
        throw failure();
        co_return;
    };
    auto lazy = breaker.async_call([] { return coroutine(5); }); // asks for leave when awaited
    BOOST_TEST(run(breaker.async_call([] { return coroutine(4); })) == 4);
    BOOST_CHECK_THROW(run(breaker.async_call(failing)), failure);
    const auto unmade = []() -> awaitable<void> { throw failure(); };
    BOOST_CHECK_THROW(run(breaker.async_call(unmade)), failure);
    BOOST_TEST(breaker.state() == circuit_state::open);
    bool made = false;
    const auto make = [&] {
        made = true;
        return coroutine(1);
    };
    BOOST_CHECK_THROW(run(breaker.async_call(make)), circuit_open_error);
    BOOST_CHECK_THROW(run(std::move(lazy)), circuit_open_error);
    BOOST_TEST(!made);
}

BOOST_AUTO_TEST_CASE(a_cancelled_coroutine_counts_as_nothing) {
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 0s, .probe_timeout = timeout()});
    const auto endless = []() -> awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 100h);
        co_await timer.async_wait(asio::use_awaitable);
    };
    BOOST_CHECK_THROW(run(wait_for(breaker.async_call(endless), 1ms)), timeout_error);
    BOOST_TEST(breaker.state() == circuit_state::closed);
    const auto timed = [&] { return wait_for(endless(), 1ms); };
    BOOST_CHECK_THROW(run(breaker.async_call(timed)), timeout_error);
    BOOST_TEST(breaker.state() == circuit_state::half_open);
    BOOST_CHECK_THROW(run(wait_for(breaker.async_call(endless), 1ms)), timeout_error);
    BOOST_TEST(run(breaker.async_call([] { return coroutine(6); })) == 6);
    BOOST_TEST(breaker.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(a_coroutine_that_is_destroyed_returns_its_place) {
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 0s, .probe_timeout = timeout()});
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    {
        asio::io_context io;
        const auto endless = []() -> awaitable<void> {
            asio::steady_timer timer(co_await asio::this_coro::executor, 100h);
            co_await timer.async_wait(asio::use_awaitable);
        };
        asio::co_spawn(io, breaker.async_call(endless), asio::detached);
        io.poll();
        BOOST_TEST(!breaker.allow());
    }
    BOOST_TEST(breaker.state() == circuit_state::half_open);
    BOOST_TEST(breaker.allow());
}

// The hook.

BOOST_AUTO_TEST_CASE(the_hook_is_told_of_each_change) {
    std::string told;
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 0s});
    breaker.on_state_change([&](circuit_state from, circuit_state to) {
        std::ostringstream text;
        text << from << " -> " << to << "; ";
        told += text.str();
    });
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    breaker.call([] {});
    BOOST_TEST(told == "closed -> open; open -> half-open; half-open -> open; open -> half-open; "
                       "half-open -> closed; ");
    told.clear();
    breaker.on_state_change({});
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    BOOST_TEST(told == "");
}

BOOST_AUTO_TEST_CASE(the_hook_may_use_the_breaker_and_is_not_nested) {
    int depth = 0;
    int deepest = 0;
    int told = 0;
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 0s});
    breaker.on_state_change([&](circuit_state, circuit_state to) {
        deepest = std::max(deepest, ++depth);
        ++told;
        if (to == circuit_state::open)
            breaker.call([] {});
        else if (to == circuit_state::closed)
            breaker.on_state_change({}); // destroyed after it ran
        --depth;
    });
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    BOOST_TEST(deepest == 1);
    BOOST_TEST(told == 3);
    BOOST_TEST(breaker.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(what_the_hook_throws_goes_to_the_unhandled_hook) {
    std::exception_ptr unhandled;
    auto before = set_unhandled_callback([&](std::exception_ptr e) { unhandled = e; });
    circuit_breaker breaker({.threshold = 1, .reset_timeout = 1h});
    breaker.on_state_change([](circuit_state, circuit_state) { throw std::out_of_range("hook"); });
    BOOST_CHECK_THROW(breaker.call(fail), failure);
    set_unhandled_callback(std::move(before));
    BOOST_REQUIRE((unhandled != nullptr));
    BOOST_CHECK_THROW(std::rethrow_exception(unhandled), std::out_of_range);
    BOOST_TEST(breaker.state() == circuit_state::open);
}

// Many threads.

BOOST_AUTO_TEST_CASE(threads_never_get_more_places_than_there_are) {
    constexpr int threads = 8;
    constexpr int rounds = 500;
    constexpr int places = 3;
    circuit_breaker breaker({.threshold = 1,
                             .reset_timeout = 0s,
                             .half_open_probes = places,
                             .probe_timeout = timeout()});
    std::atomic<int> changes{0};
    std::atomic<bool> broken_chain{false};
    std::atomic<bool> nested{false};
    std::atomic_flag inside;
    circuit_state last = circuit_state::closed; // the hook is called by one thread at a time
    breaker.on_state_change([&](circuit_state from, circuit_state to) {
        if (inside.test_and_set())
            nested = true;
        if (from != last)
            broken_chain = true;
        last = to;
        ++changes;
        inside.clear();
    });
    gate go;
    gate asked;
    std::vector<std::thread> all;
    for (int t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
            go.pass();
            for (int i = 0; i < rounds; ++i) {
                try {
                    if ((t + i) % 4 == 0)
                        breaker.call([] {});
                    else if ((t + i) % 4 == 1)
                        breaker.call(fail);
                    else if ((t + i) % 4 == 2)
                        breaker.call([] { throw cancelled_error(); });
                    else if (breaker.allow())
                        breaker.record_cancelled();
                } catch (const std::exception&) {
                }
            }
        });
    }
    go.open();
    for (auto& t : all)
        t.join();
    BOOST_TEST(!broken_chain);
    BOOST_TEST(!nested);
    BOOST_TEST(changes > 0);

    // No place was lost on the way, and all that there are can be had.
    open(breaker);
    std::atomic<int> let_through{0};
    std::atomic<int> rejected{0};
    std::vector<std::thread> probes;
    for (int t = 0; t < threads; ++t) {
        probes.emplace_back([&] {
            const auto count = [&](std::atomic<int>& which) {
                ++which;
                if (let_through + rejected == threads)
                    asked.open();
            };
            try {
                breaker.call([&] {
                    count(let_through);
                    asked.pass();
                });
            } catch (const circuit_open_error&) {
                count(rejected);
            }
        });
    }
    for (auto& t : probes)
        t.join();
    BOOST_TEST(let_through == places);
    BOOST_TEST(breaker.state() == circuit_state::closed);
}

namespace {

std::string download(const std::string& url) { return "text of " + url; }

} // namespace

BOOST_AUTO_TEST_CASE(the_examples_of_the_documentation_work) {
    const std::string url = "there";
    ferry::circuit_breaker breaker({.threshold = 3, .reset_timeout = 10s});
    std::string text = breaker.call(download, url);
    BOOST_TEST(text == "text of there");
}
