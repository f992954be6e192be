// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/ferry.hpp>

#define BOOST_TEST_MODULE pool_races
#include "jobs.hpp"

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>

using namespace ferry;
using namespace std::chrono_literals;
using namespace stress;
namespace asio = boost::asio;

BOOST_AUTO_TEST_CASE(of_cancelling_and_starting_a_task_one_wins) { // CF-CAN-01 -02 CF-SUB-13
    struct round : plugged {
        using plugged::plugged;
        bool cancelled = false;
        pool_stats then;
    };
    thread_pool pool(1);
    std::uint64_t ran = 0, cancelled = 0;
    race([&] { return round(pool); },
         [&](round& r) {
             r.f.wait();
             BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
             BOOST_REQUIRE(r.runs() == (r.cancelled ? 0 : 1));
             BOOST_REQUIRE(r.gone());
             BOOST_REQUIRE(r.then.cancelled <= cancelled + 1);
             r.plug.wait();
             ++(r.cancelled ? cancelled : ran);
             return ending_of(r.f);
         },
         [](round& r) { r.cancelled = r.f.cancel(); }, [](round& r) { r.go = true; },
         [&](round& r) { r.then = pool.stats(); });
    pool.shutdown();
    const pool_stats s = pool.stats();
    BOOST_TEST(s.completed == 2 * ran + cancelled); // the plugs too
    BOOST_TEST(s.cancelled == cancelled);
    BOOST_TEST(s.failed + s.queued + s.running == 0u);
}

BOOST_AUTO_TEST_CASE(a_task_s_callback_is_called_once_whenever_it_is_added) { // CF-FUT-01 -05
    struct round {
        explicit round(thread_pool& pool) : f(pool.submit([this] { await(go); })) {}
        std::atomic<bool> go{false}, called{false};
        std::atomic<int> calls{0};
        future<void> f;
    };
    thread_pool pool(1);
    race([&] { return round(pool); },
         [](round& r) {
             BOOST_REQUIRE(await(r.called));
             BOOST_REQUIRE(r.calls == 1);
             return ending_of(r.f);
         },
         [](round& r) {
             r.f.add_done_callback([&r](const future<void>& f) {
                 r.calls += f.done() ? 1 : 100;
                 r.called = true;
             });
         },
         [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_task_that_saw_the_stop_was_asked_to_stop) { // CF-ASY-04
    struct round {
        explicit round(thread_pool& pool)
            : f(pool.submit([this](std::stop_token t) {
                  await(go);
                  return t.stop_requested();
              })) {}
        std::atomic<bool> go{false};
        bool asked = false, cancelled = false;
        future<bool> f;
    };
    thread_pool pool(1);
    race([&] { return round(pool); },
         [](round& r) {
             r.f.wait();
             BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
             BOOST_REQUIRE((r.cancelled || !r.f.result() || r.asked));
             return r.cancelled ? "cancelled" : r.f.result() ? "saw the stop" : "did not see it";
         },
         [](round& r) { r.asked = r.f.request_stop(); },
         [](round& r) { r.cancelled = r.f.cancel(); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_timed_task_ends_in_one_way) { // CF-TMO-06
    struct round {
        round(thread_pool& pool, unsigned n)
            : f(pool.submit({.timeout = n % 64 * 1us}, [this, h = held](std::stop_token) {
                  await(go);
                  return h;
              })) {}
        std::shared_ptr<int> held = std::make_shared<int>(0);
        std::atomic<bool> go{false};
        bool cancelled = false;
        future<std::shared_ptr<int>> f;
    };
    thread_pool pool(1);
    unsigned n = 0;
    std::uint64_t endings = 0, cancelled = 0;
    race([&] { return round(pool, ++n); },
         [&](round& r) {
             r.f.wait();
             BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
             const auto how = ending_of(r.f);
             BOOST_REQUIRE((how != "error" || stress::failed_with<timeout_error>(r.f)));
             r.f = {};
             // The worker, and the thread of timers, let go of the call in a moment.
             BOOST_REQUIRE(await([&] { return r.held.use_count() == 1; }));
             ++endings;
             cancelled += r.cancelled ? 1 : 0;
             return how == "error" ? "timed out" : how;
         },
         [](round& r) { r.go = true; }, [](round& r) { r.cancelled = r.f.cancel(); });
    pool.shutdown();
    const pool_stats s = pool.stats();
    BOOST_TEST(s.completed + s.failed + s.cancelled == endings);
    BOOST_TEST(s.cancelled == cancelled);
}

BOOST_AUTO_TEST_CASE(a_task_that_expires_in_the_queue_never_runs) { // CF-TP-17
    struct round : plugged {
        round(thread_pool& pool, unsigned n)
            : plugged(pool, {.start_by = timeout::clock::now() + n % 64 * 1us}) {}
        bool cancelled = false;
    };
    thread_pool pool(1);
    unsigned n = 0;
    race([&] { return round(pool, ++n); },
         [](round& r) {
             r.f.wait();
             const auto how = ending_of(r.f);
             BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
             BOOST_REQUIRE((how != "error" || stress::failed_with<timeout_error>(r.f)));
             BOOST_REQUIRE(r.runs() == (how == "value" ? 1 : 0));
             BOOST_REQUIRE(r.gone());
             r.plug.wait();
             return how == "error" ? "expired" : how;
         },
         [](round& r) { r.go = true; }, [](round& r) { r.cancelled = r.f.cancel(); });
}

BOOST_AUTO_TEST_CASE(a_worker_that_ends_for_being_idle_loses_no_task) { // CF-TP-15
    struct round {
        int one = 0, two = 0;
    };
    thread_pool pool({.max_workers = 2, .idle_timeout = 10us});
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.one == 1);
             BOOST_REQUIRE(r.two == 2);
             return "ran";
         },
         [&](round& r) { r.one = pool.submit([] { return 1; }).result(10s); },
         [&](round& r) { r.two = pool.submit([] { return 2; }).result(10s); });
}

BOOST_AUTO_TEST_CASE(a_worker_helps_with_a_child_that_others_cancel_or_start) { // CF-DLK-08
    struct round : job {
        round(thread_pool& pool, unsigned n)
            : parent(pool.submit([this, &pool, n] {
                  await(go);
                  child = pool.submit(callable());
                  spawned = true;
                  stress::linger(n % 1000);
                  try {
                      child.result();
                      return true;
                  } catch (const cancelled_error&) {
                      return false;
                  }
              })) {}
        std::atomic<bool> go{false}, spawned{false};
        bool cancelled = false;
        future<int> child;
        future<bool> parent;
    };
    thread_pool pool(2);
    unsigned n = 0;
    race([&] { return round(pool, ++n); },
         [](round& r) {
             BOOST_REQUIRE(r.parent.result(10s) == !r.cancelled);
             BOOST_REQUIRE(r.runs() == (r.cancelled ? 0 : 1));
             BOOST_REQUIRE(r.gone());
             return ending_of(r.child);
         },
         [](round& r) {
             if (await(r.spawned))
                 r.cancelled = future<int>(r.child).cancel();
         },
         [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_task_whose_last_handle_goes_is_destroyed_once) { // CF-FUT-37
    thread_pool pool(1);
    race([&] { return plugged(pool); },
         [](plugged& r) {
             r.plug.wait();
             BOOST_REQUIRE(await([&] { return r.gone(); }));
             BOOST_REQUIRE(r.runs() == 1);
             return "ran";
         },
         [](plugged& r) { r.f = {}; }, [](plugged& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_cancelled_task_makes_room_for_a_submitter) { // CF-TP-17
    struct round : plugged {
        using plugged::plugged;
        std::atomic<bool> submitted{false};
        bool in_time = false;
        future<void> next;
    };
    thread_pool pool({.max_workers = 1, .max_queue = 1});
    race([&] { return round(pool); },
         [](round& r) {
             BOOST_REQUIRE(r.in_time);
             r.next.wait();
             return ending_of(r.f);
         },
         [&](round& r) {
             r.next = pool.submit([] {});
             r.submitted = true;
         },
         [](round& r) {
             r.f.cancel();
             r.in_time = await(r.submitted); // while the worker is kept busy
             r.go = true;
         });
}

// The worker takes the task before it, and so makes room, at the moment at which a place in the line
// is given up.
BOOST_AUTO_TEST_CASE(a_place_that_is_given_up_while_it_is_handed_over_stops_nobody) { // CF-TP-17
    struct round : plugged {
        using plugged::plugged;
        asio::io_context io;
        asio::cancellation_signal stop;
        std::atomic<int> ran{0};
        int values = 0, cancelled = 0;
        future<void> behind;
    };
    thread_pool pool({.max_workers = 1, .max_queue = 1});
    race(
        [&] {
            auto r = std::make_unique<round>(pool);
            const auto count = [&r = *r](std::exception_ptr e) {
                ++(e == nullptr ? r.values : r.cancelled);
            };
            async_invoke(
                pool, [&r = *r] { ++r.ran; },
                asio::bind_cancellation_slot(r->stop.slot(), asio::bind_executor(r->io, count)));
            r->behind = async_invoke(pool, [] {}, use_future);
            return r;
        },
        [](std::unique_ptr<round>& r) {
            r->behind.wait();
            r->plug.wait();
            r->io.run();
            BOOST_REQUIRE(r->runs() == 1);
            BOOST_REQUIRE(r->values + r->cancelled == 1);
            BOOST_REQUIRE(r->ran >= r->values); // a call that runs already is given up
            return r->cancelled != 0 ? "cancelled" : "value";
        },
        [n = 0](std::unique_ptr<round>& r) mutable {
            if (++n % 2 == 0) // the worker is about to take the next one
                await([&] { return r->plug.done(); });
            r->stop.emit(asio::cancellation_type::terminal);
        },
        [](std::unique_ptr<round>& r) { r->go = true; });
    BOOST_TEST(pool.stats().queued == 0u);
}
