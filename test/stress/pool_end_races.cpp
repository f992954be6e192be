// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE pool_end_races
#include "jobs.hpp"

#include <ferry/as_completed.hpp>
#include <ferry/wait.hpp>

#include <optional>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
using stress::await;
using stress::ending_of;
using stress::job;
using stress::plugged;
using stress::race;

BOOST_AUTO_TEST_CASE(cancelling_during_a_shutdown_that_cancels_counts_once) { // CF-SHUT-05
    struct round {
        std::optional<thread_pool> pool{std::in_place, 1u};
        plugged task{*pool};
        bool cancelled = false;
    };
    race([] { return round(); },
         [](round& r) {
             r.pool->shutdown();
             const pool_stats s = r.pool->stats();
             r.pool.reset();
             BOOST_REQUIRE((r.task.f.done() && r.task.plug.done()));
             BOOST_REQUIRE((!r.cancelled || r.task.f.cancelled()));
             BOOST_REQUIRE(s.completed + s.cancelled == 2u);
             BOOST_REQUIRE(r.task.runs() == (r.task.f.cancelled() ? 0 : 1));
             BOOST_REQUIRE(r.task.gone());
             return ending_of(r.task.f);
         },
         [](round& r) { r.cancelled = r.task.f.cancel(); },
         [](round& r) { r.pool->shutdown({.wait = false, .cancel_futures = true}); },
         [](round& r) { r.task.go = true; });
}

BOOST_AUTO_TEST_CASE(a_pool_may_die_on_whichever_thread_lets_go_last) { // CF-SHUT-10
    struct round {
        std::shared_ptr<thread_pool> one = std::make_shared<thread_pool>(2), two = one;
        future<int> f, g;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.f.result(10s) == 1);
             BOOST_REQUIRE(r.g.result(10s) == 2);
             return "done";
         },
         [](round& r) {
             r.f = r.one->submit([keep = r.one] { return 1; });
             r.one.reset();
         },
         [](round& r) {
             r.g = r.two->submit([keep = r.two] { return 2; });
             r.two.reset();
         });
}

BOOST_AUTO_TEST_CASE(a_pool_that_breaks_leaves_nothing_pending) { // CF-INIT-03
    struct round {
        thread_pool pool{{.max_workers = 2, .initializer = [] { throw std::runtime_error("no"); }}};
        future<int> f[2];
        job jobs[2];
        void submit(int i) {
            try {
                f[i] = pool.submit(jobs[i].callable());
            } catch (const broken_thread_pool&) {
            }
        }
    };
    race([] { return round(); },
         [](round& r) {
             for (int i = 0; i < 2; ++i) {
                 if (r.f[i].valid()) {
                     BOOST_REQUIRE(r.f[i].wait_for(10s));
                     BOOST_REQUIRE(stress::failed_with<broken_thread_pool>(r.f[i]));
                 }
                 BOOST_REQUIRE(r.jobs[i].runs() == 0);
             }
             return r.f[0].valid() ? "failed" : "refused";
         },
         [](round& r) { r.submit(0); }, [](round& r) { r.submit(1); });
}

BOOST_AUTO_TEST_CASE(a_destroyed_pool_has_run_every_callback) { // CF-SHUT-09 CF-FUT-01
    struct round {
        std::optional<thread_pool> pool{std::in_place, 1u};
        std::atomic<bool> go{false};
        std::atomic<int> calls{0};
        future<void> f = pool->submit([this] { await(go); });
        void watch() {
            f.add_done_callback([this](const future<void>&) { ++calls; });
        }
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.calls == 2);
             return ending_of(r.f);
         },
         [](round& r) { r.pool.reset(); }, [](round& r) { r.watch(); },
         [](round& r) {
             r.watch();
             r.go = true;
         });
}

BOOST_AUTO_TEST_CASE(a_shutdown_that_cancels_lets_every_waiter_go) { // CF-SHUT-27
    struct round {
        std::optional<thread_pool> pool{std::in_place, 1u};
        plugged task{*pool};
        std::vector<future<int>> two{task.f, pool->submit(task.callable())};
        std::size_t waited = 0, got = 0;
    };
    race([] { return round(); },
         [](round& r) {
             r.pool.reset();
             BOOST_REQUIRE(r.waited == 2u);
             BOOST_REQUIRE(r.got == 2u);
             return ending_of(r.two[1]);
         },
         [](round& r) { r.waited = wait(r.two).done.size(); },
         [](round& r) {
             for (future<int> f : as_completed(r.two))
                 r.got += f.done() ? 1 : 0;
         },
         [](round& r) { r.pool->shutdown({.wait = false, .cancel_futures = true}); },
         [](round& r) { r.task.go = true; });
}
