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
using detail::call_outcome;
using detail::circuit;

namespace {

struct failure : std::runtime_error {
    failure() : std::runtime_error("failure") {}
};

void fail() { throw failure(); }

/// A circuit and a clock that is moved by hand.
struct stepped {
    explicit stepped(circuit_breaker_options options) : machine(options) {}

    circuit machine;
    circuit::clock::time_point now{};

    circuit_state state() const { return machine.state(now); }
    std::optional<circuit::pass> admit() { return machine.admit(now); }
    void report(const circuit::pass& p, call_outcome how) { machine.report(p, how, now); }
    /// One call at a time.
    void succeed() { report(admit().value(), call_outcome::success); }
    void fail() { report(admit().value(), call_outcome::failure); }
    void open() {
        while (state() == circuit_state::closed)
            fail();
    }
};

constexpr circuit_breaker_options usual{
    .threshold = 3, .reset_timeout = 10s, .half_open_probes = 2, .probe_timeout = 5s};

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

// The machine.

BOOST_AUTO_TEST_CASE(failures_in_a_row_open_it) {
    stepped s(usual);
    s.fail();
    s.fail();
    s.succeed();
    s.fail();
    s.fail();
    BOOST_TEST(s.state() == circuit_state::closed);
    s.fail();
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST(!s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 10s));
}

BOOST_AUTO_TEST_CASE(after_the_reset_timeout_some_probes_pass) {
    stepped s(usual);
    s.open();
    s.now += 10s - 1ns;
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST((s.machine.retry_after(s.now) == 1ns));
    BOOST_TEST(!s.admit().has_value());
    s.now += 1ns;
    BOOST_TEST(s.state() == circuit_state::half_open);
    BOOST_TEST(s.machine.entered() == circuit_state::open);
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(s.machine.entered() == circuit_state::half_open);
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 5s));
}

BOOST_AUTO_TEST_CASE(the_first_probe_that_succeeds_closes_it) {
    stepped s(usual);
    s.open();
    s.now += 10s;
    const auto first = s.admit().value();
    const auto second = s.admit().value();
    s.report(second, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::closed);
    s.report(first, call_outcome::failure); // of another era
    s.fail();
    s.fail();
    BOOST_TEST(s.state() == circuit_state::closed);
    s.fail();
    BOOST_TEST(s.state() == circuit_state::open);
}

BOOST_AUTO_TEST_CASE(the_first_probe_that_fails_opens_it_again) {
    stepped s(usual);
    s.open();
    s.now += 10s;
    const auto first = s.admit().value();
    const auto second = s.admit().value();
    s.now += 1s;
    s.report(first, call_outcome::failure);
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST((s.machine.retry_after(s.now) == 10s));
    s.report(second, call_outcome::success); // too late to close it
    BOOST_TEST(s.state() == circuit_state::open);
}

BOOST_AUTO_TEST_CASE(what_began_before_the_opening_counts_no_more) {
    stepped s(usual);
    const auto slow = s.admit().value();
    const auto slower = s.admit().value();
    const auto slowest = s.admit().value();
    s.open();
    s.report(slow, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::open);
    s.now += 10s;
    const auto probe = s.admit().value();
    s.report(slower, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::half_open);
    s.report(slowest, call_outcome::failure);
    BOOST_TEST(s.state() == circuit_state::half_open);
    s.report(probe, call_outcome::success);
    BOOST_TEST(s.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(a_cancelled_call_counts_as_nothing_and_returns_its_place) {
    stepped s(usual);
    s.fail();
    s.fail();
    s.report(s.admit().value(), call_outcome::cancelled);
    BOOST_TEST(s.state() == circuit_state::closed);
    s.fail(); // the third in a row
    BOOST_TEST(s.state() == circuit_state::open);
    s.now += 10s;
    const auto first = s.admit().value();
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    s.report(first, call_outcome::cancelled);
    BOOST_TEST(s.state() == circuit_state::half_open);
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    s.report(first, call_outcome::cancelled); // of which there is no place left
    BOOST_TEST(!s.admit().has_value());
}

BOOST_AUTO_TEST_CASE(a_probe_that_does_not_report_is_given_up) {
    stepped s(usual);
    s.open();
    s.now += 10s;
    const auto first = s.admit().value();
    s.now += 2s;
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 3s));
    s.now += 3s - 1ns;
    BOOST_TEST(!s.admit().has_value());
    s.now += 1ns;
    BOOST_TEST(s.admit().has_value());
    BOOST_TEST(!s.admit().has_value());
    BOOST_TEST((s.machine.retry_after(s.now) == 2s));
    s.report(first, call_outcome::cancelled); // takes no place from the others
    BOOST_TEST(!s.admit().has_value());
    s.report(first, call_outcome::success); // slow, but a success since the opening
    BOOST_TEST(s.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(reports_without_a_pass_count_for_probes_without_one_only) {
    stepped s(usual);
    s.open();
    s.machine.report_unnamed(call_outcome::success, s.now);
    BOOST_TEST(s.state() == circuit_state::open);
    s.now += 10s;
    BOOST_TEST(s.admit().has_value());
    s.machine.report_unnamed(call_outcome::success, s.now);
    BOOST_TEST(s.state() == circuit_state::half_open);
    BOOST_TEST(s.machine.admit_unnamed(s.now));
    BOOST_TEST(!s.machine.admit_unnamed(s.now));
    s.machine.report_unnamed(call_outcome::cancelled, s.now);
    BOOST_TEST(s.machine.admit_unnamed(s.now));
    s.machine.report_unnamed(call_outcome::success, s.now);
    BOOST_TEST(s.state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(without_limits_it_stays_as_it_is) {
    stepped s({.threshold = 1, .reset_timeout = std::nullopt});
    s.fail();
    s.now = circuit::clock::time_point::max() - 1ns;
    BOOST_TEST(s.state() == circuit_state::open);
    BOOST_TEST((s.machine.retry_after(s.now) == circuit::clock::duration::max()));
    stepped late({.threshold = 1, .reset_timeout = 10s});
    late.now = s.now;
    late.fail(); // the end is beyond the clock
    BOOST_TEST(late.state() == circuit_state::open);
    stepped lost({.threshold = 1, .reset_timeout = 0s, .probe_timeout = std::nullopt});
    lost.fail();
    BOOST_TEST(lost.admit().has_value());
    lost.now += 1000h;
    BOOST_TEST(!lost.admit().has_value());
    BOOST_TEST((lost.machine.retry_after(lost.now) == circuit::clock::duration::max()));
}

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

// The breaker.

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
    gate asked;
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

// The registry.

BOOST_AUTO_TEST_CASE(each_key_has_a_breaker_of_its_own) {
    circuit_breaker_registry registry({.threshold = 1, .reset_timeout = 1h});
    const auto a = registry.get("a");
    BOOST_TEST(registry.get(std::string("a")) == a);
    BOOST_TEST(registry.get("b") != a);
    BOOST_TEST(registry.size() == 2u);
    open(*a);
    BOOST_TEST(registry.get("a")->state() == circuit_state::open);
    BOOST_TEST(registry.get("b")->state() == circuit_state::closed);
    BOOST_TEST(registry.erase("a"));
    BOOST_TEST(!registry.erase("a"));
    BOOST_TEST(a->state() == circuit_state::open); // the handle keeps it
    BOOST_TEST(registry.get("a")->state() == circuit_state::closed);
}

BOOST_AUTO_TEST_CASE(threads_get_the_same_breaker_for_the_same_key) {
    circuit_breaker_registry registry;
    constexpr std::size_t threads = 8;
    std::vector<std::vector<std::shared_ptr<circuit_breaker>>> seen(threads);
    gate go;
    std::vector<std::thread> all;
    for (std::size_t t = 0; t < threads; ++t) {
        all.emplace_back([&, t] {
            go.pass();
            for (int key = 0; key < 50; ++key)
                seen[t].push_back(registry.get(std::to_string(key)));
        });
    }
    go.open();
    for (auto& t : all)
        t.join();
    for (const auto& each : seen)
        BOOST_TEST((each == seen[0]));
    BOOST_TEST(registry.size() == 50u);
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
