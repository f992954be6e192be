// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE group_races
#include "calls.hpp"
#include "jobs.hpp"

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;
using namespace stress;
using asio::awaitable;

namespace {

awaitable<void> fails_after(thread_pool& pool, told& t) {
    auto work = t.callable();
    co_await run_in_executor(pool, work);
    throw std::runtime_error("no");
}
awaitable<void> both(thread_pool& pool, told& t, told& bad) {
    co_await gather(call(pool, t), fails_after(pool, bad), stoppable_call(pool, t));
}
/// A group with a member that fails, and one whose call must be waited for.
awaitable<void> group(thread_pool& pool, told& t, told& bad) {
    const auto body = [&pool, &t, &bad](task_group& g) -> awaitable<void> {
        g.spawn(call(pool, t));
        g.spawn(fails_after(pool, bad));
        co_return;
    };
    co_await with_task_group(body);
}

/// A coroutine under way that awaits good calls and a bad one.
struct family : operation, told {
    told bad;
};

} // namespace

BOOST_AUTO_TEST_CASE(a_gather_that_fails_as_others_end_waits_for_all) { // CF-GAT-02
    struct round : family {
        explicit round(thread_pool& pool) { spawn(both(pool, *this, bad)); }
    };
    thread_pool pool(3);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             const auto how = r.outcome();
             BOOST_REQUIRE(how == "failed");
             return how;
         },
         [](round& r) { r.io->run(); }, [](round& r) { r.go = true; },
         [](round& r) { r.bad.go = true; });
}

BOOST_AUTO_TEST_CASE(a_gather_that_is_cancelled_as_it_fails_ends_once) { // CF-GAT-07
    struct round : family {
        explicit round(thread_pool& pool) { spawn(both(pool, *this, bad)); }
    };
    thread_pool pool(3);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             const auto how = r.outcome();
             BOOST_REQUIRE((how == "failed" || how == "cancelled"));
             return how;
         },
         [](round& r) { r.cancel(); }, [](round& r) { r.go = r.bad.go = true; });
}

BOOST_AUTO_TEST_CASE(a_group_that_fails_waits_for_the_calls_it_gave_up) { // CF-TG-03
    struct round : family {
        explicit round(thread_pool& pool) { spawn(group(pool, *this, bad)); }
    };
    thread_pool pool(2);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(r.go.load());
             BOOST_REQUIRE(quiet(pool));
             const auto how = r.outcome();
             BOOST_REQUIRE(how == "failed");
             return how;
         },
         [](round& r) { r.io->run(); }, [](round& r) { r.go = true; },
         [](round& r) { r.bad.go = true; });
}

BOOST_AUTO_TEST_CASE(a_context_may_go_while_a_group_waits_for_a_call) { // CF-TG-15 CF-ASY-27
    struct round : family {
        explicit round(thread_pool& pool) {
            asio::co_spawn(*io, group(pool, *this, bad), handler());
            bad.go = true;
            io->run_for(20us); // the group may have failed by then
        }
    };
    thread_pool pool(2);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             BOOST_REQUIRE(await([&] { return r.dropped(); }));
             return "dropped";
         },
         [](round& r) { r.io.reset(); }, [](round& r) { r.go = true; });
}
