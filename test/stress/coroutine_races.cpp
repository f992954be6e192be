// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE coroutine_races
#include "calls.hpp"
#include "jobs.hpp"

#include <boost/asio/steady_timer.hpp>

#include <optional>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;
using namespace stress;
using asio::awaitable;

namespace {

awaitable<int> answer() { co_return 42; }

/// A coroutine under way, some operation of a future of its own beside it.
struct coroutine : operation, told {
    bool cancelled = false;
};

/// `wrap` makes a coroutine of a call, which is cancelled as the call ends.
template <class Wrap>
void cancel_as_it_ends(Wrap wrap) {
    struct round : coroutine {
        round(thread_pool& pool, Wrap& wrapped) { spawn(wrapped(call(pool, *this))); }
    };
    thread_pool pool(1);
    race([&] { return round(pool, wrap); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             const auto how = r.outcome();
             BOOST_REQUIRE((how == "value" || how == "cancelled"));
             return how;
         },
         [](round& r) { r.cancel(); }, [](round& r) { r.go = true; });
}

} // namespace

BOOST_AUTO_TEST_CASE(a_timeout_that_comes_as_the_call_ends_gives_one_of_them) { // CF-TMO-07
    struct round : coroutine {
        round(thread_pool& pool, unsigned n) {
            const std::chrono::microseconds limit(1 + n % 64);
            spawn(n % 2 == 0 ? wait_for(call(pool, *this), limit)
                             : wait_for(stoppable_call(pool, *this), limit));
        }
    };
    thread_pool pool(1);
    unsigned n = 0;
    race([&] { return round(pool, ++n); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             const auto how = r.outcome();
             BOOST_REQUIRE((how == "value" || how == "timed out"));
             return how;
         },
         [](round& r) { r.io->run(); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_wait_for_that_is_cancelled_does_not_time_out) { // CF-TMO-11 -17
    cancel_as_it_ends([](auto c) { return wait_for(std::move(c), 1h); });
}

BOOST_AUTO_TEST_CASE(a_future_of_an_operation_is_cancelled_or_has_its_value) { // CF-ASY-24
    struct round : coroutine {
        asio::steady_timer timer{*io, 0s};
        future<void> f = timer.async_wait(use_future);
        future<int> g = run_coroutine_threadsafe(io->get_executor(), answer());
        bool second = false;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(ending_of(r.f) == (r.cancelled ? "cancelled" : "value"));
             BOOST_REQUIRE(ending_of(r.g) == (r.second ? "cancelled" : "value"));
             return ending_of(r.f);
         },
         [](round& r) { r.io->run(); }, [](round& r) { r.cancelled = r.f.cancel(); },
         [](round& r) { r.second = r.g.cancel(); });
}

BOOST_AUTO_TEST_CASE(a_future_whose_context_goes_is_cancelled_or_broken) { // CF-ASY-27
    struct round : coroutine {
        std::optional<asio::steady_timer> timer{std::in_place, *io, 1h};
        future<void> f = timer->async_wait(use_future);
        future<int> g = run_coroutine_threadsafe(io->get_executor(), answer());
        bool second = false;
    };
    race([] { return round(); },
         [](round& r) {
             r.timer.reset();
             BOOST_REQUIRE(ending_of(r.f) == (r.cancelled ? "cancelled" : "error"));
             BOOST_REQUIRE(ending_of(r.g) == (r.second ? "cancelled" : "error"));
             BOOST_REQUIRE((r.cancelled || stress::failed_with<broken_promise>(r.f)));
             BOOST_REQUIRE((r.second || stress::failed_with<broken_promise>(r.g)));
             return ending_of(r.g);
         },
         [](round& r) {
             r.timer.reset();
             r.io.reset();
         },
         [](round& r) { r.cancelled = r.f.cancel(); }, [](round& r) { r.second = r.g.cancel(); });
}

BOOST_AUTO_TEST_CASE(a_task_for_a_context_runs_or_is_cancelled_or_broken) { // CF-ASY-27 CF-CAN-02
    struct round : coroutine {
        int runs = 0;
        future<void> f = submit(*io, [this] { ++runs; });
    };
    unsigned n = 0;
    race([] { return round(); },
         [](round& r) {
             const auto how = ending_of(r.f);
             BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
             BOOST_REQUIRE(r.runs == (how == "value" ? 1 : 0));
             BOOST_REQUIRE((how != "error" || stress::failed_with<broken_promise>(r.f)));
             return how;
         },
         [&](round& r) {
             if (++n % 2 == 0)
                 r.io->run();
             r.io.reset();
         },
         [](round& r) { r.cancelled = r.f.cancel(); });
}

BOOST_AUTO_TEST_CASE(a_shield_that_is_cancelled_as_its_coroutine_ends_ends_once) { // CF-GAT-12
    cancel_as_it_ends([](auto c) { return shield(std::move(c)); });
}

BOOST_AUTO_TEST_CASE(cancelling_the_wait_for_a_future_cancels_it_or_comes_late) { // CF-CAN-15
    struct round : coroutine {
        promise<int> p;
        future<int> f = p.get_future();
        round() { f.async_result(token()); }
    };
    race([] { return round(); },
         [](round& r) {
             const auto how = r.outcome();
             BOOST_REQUIRE((ending_of(r.f) == "cancelled" || r.f.result(0s) == 1));
             BOOST_REQUIRE((how == "cancelled" || !r.f.cancelled()));
             return how;
         },
         [](round& r) { r.cancel(); },
         [](round& r) {
             if (r.p.set_running_or_notify_cancel())
                 r.p.set_value(1);
         });
}
