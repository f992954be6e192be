// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE bridge_races
#include "calls.hpp"
#include "jobs.hpp"

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/strand.hpp>

#include <optional>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;
using namespace stress;

namespace {

/// A call of one kind after the other, under way when a round begins.
struct started : operation, told {
    started(thread_pool& pool, unsigned n) {
        auto work = callable();
        auto asked = stoppable();
        switch (n % 3) {
        case 0: async_invoke(pool, work, token()); break;
        case 1: spawn(run_in_executor(pool, work)); break;
        default: spawn(run_in_executor(pool, asked));
        }
    }
};

} // namespace

BOOST_AUTO_TEST_CASE(a_call_that_is_cancelled_as_it_ends_completes_once) { // CF-ASY-04
    thread_pool pool(1);
    unsigned n = 0;
    race([&] { return started(pool, ++n); },
         [&](started& r) {
             BOOST_REQUIRE(quiet(pool));
             return r.outcome();
         },
         [](started& r) { r.cancel(); }, [](started& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_call_that_is_cancelled_as_it_starts_runs_or_does_not) { // CF-ASY-05
    struct round : told, operation, stress::job {
        explicit round(thread_pool& pool) : plug(pool.submit(told::callable())) {
            async_invoke(pool, job::callable(), token());
        }
        future<bool> plug;
    };
    thread_pool pool(1);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             const auto how = r.outcome();
             BOOST_REQUIRE(r.runs() >= (how == "value" ? 1 : 0));
             BOOST_REQUIRE(r.runs() <= 1);
             BOOST_REQUIRE(r.gone());
             return how == "value" ? how : r.runs() == 1 ? "given up" : "never ran";
         },
         [](round& r) { r.cancel(); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_future_of_a_call_is_cancelled_as_that_ends) { // CF-ASY-04
    struct round : told {
        explicit round(thread_pool& pool) : f(async_invoke(pool, callable(), use_future)) {}
        future<bool> f;
    };
    thread_pool pool(1);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             BOOST_REQUIRE(r.f.wait_for(10s));
             return stress::ending_of(r.f);
         },
         [](round& r) { r.f.cancel(); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_context_may_go_while_its_call_ends) { // CF-ASY-27
    thread_pool pool(1);
    unsigned n = 0;
    race([&] { return started(pool, ++n); },
         [&](started& r) {
             BOOST_REQUIRE(quiet(pool));
             BOOST_REQUIRE(await([&] { return r.dropped(); }));
             return *r.calls == 0 ? "dropped" : "called";
         },
         [](started& r) { r.io.reset(); }, [](started& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_context_may_go_with_a_strand_while_its_call_ends) { // CF-ASY-27
    struct round : told, operation {
        explicit round(thread_pool& pool) {
            const auto strand = asio::make_strand(*io);
            const auto count = [n = calls](std::exception_ptr, bool) { ++*n; };
            async_invoke(pool, callable(), asio::bind_executor(strand, count));
        }
    };
    thread_pool pool(1);
    race([&] { return round(pool); },
         [&](round& r) {
             BOOST_REQUIRE(quiet(pool));
             BOOST_REQUIRE(await([&] { return r.dropped(); }));
             return "dropped";
         },
         [](round& r) { r.io.reset(); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_context_that_is_stopped_as_a_call_ends_can_go_on) { // CF-ASY-27
    thread_pool pool(1);
    unsigned n = 0;
    race([&] { return started(pool, ++n); },
         [&](started& r) {
             const bool before = *r.calls == 1;
             r.io->restart();
             r.io->run();
             BOOST_REQUIRE(quiet(pool));
             BOOST_REQUIRE(r.outcome() == "value");
             return before ? "before" : "after";
         },
         [](started& r) { r.io->run(); }, [](started& r) { r.io->stop(); },
         [](started& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_pool_that_shuts_down_completes_every_call_once) { // CF-SHUT-05 CF-ASY-40
    struct round : told, operation {
        explicit round(unsigned n) {
            async_invoke(*pool, callable(), token());
            if (n % 2 == 0) // on the pool's own executor
                async_invoke(*pool, [] {}, [k = second](std::exception_ptr) { ++*k; });
        }
        std::shared_ptr<int> second = std::make_shared<int>(0);
        std::optional<thread_pool> pool{std::in_place, 1u};
    };
    unsigned n = 0;
    race([&] { return round(++n); },
         [&](round& r) {
             r.pool.reset();
             BOOST_REQUIRE(*r.second == (n % 2 == 0 ? 1 : 0));
             BOOST_REQUIRE(r.second.use_count() == 1);
             return r.outcome();
         },
         [](round& r) { r.io->run(); },
         [](round& r) { r.pool->shutdown({.wait = false, .cancel_futures = true}); },
         [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_call_made_during_a_shutdown_completes_once) { // CF-ASY-40
    struct round : operation {
        std::optional<thread_pool> pool{std::in_place, 1u};
    };
    race([] { return round(); },
         [](round& r) {
             r.pool.reset();
             return r.outcome();
         },
         [](round& r) {
             async_invoke(*r.pool, [] { return 1; }, r.token());
             r.io->run();
         },
         [](round& r) { r.pool->shutdown(); });
}

BOOST_AUTO_TEST_CASE(a_context_may_go_while_its_default_pool_works) { // CF-ASY-27
    struct round : told, operation {
        round() { spawn(to_thread(callable())); }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.dropped());
             return "dropped";
         },
         [](round& r) { r.io.reset(); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(shutting_the_default_pool_down_as_a_call_ends_completes_it) { // CF-ASY-13
    struct round : told, operation {
        round() { spawn(to_thread(callable())); }
        bool closed = false;
    };
    race([] { return round(); },
         [](round& r) {
             const auto how = r.outcome();
             BOOST_REQUIRE((how == "value" || how == "cancelled")); // it had not started
             return r.closed ? how : "was running";
         },
         [](round& r) {
             asio::co_spawn(*r.io, shutdown_default_executor(1us),
                            [&r](std::exception_ptr, bool closed) { r.closed = closed; });
             r.io->run();
         },
         [](round& r) { r.go = true; });
}
