// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/submit.hpp>
#include <ferry/thread_pool.hpp>

#define BOOST_TEST_MODULE pool_end_races
#include "jobs.hpp"

#include <ferry/as_completed.hpp>
#include <ferry/wait.hpp>

#include <optional>
#include <vector>

using namespace ferry;
using namespace std::chrono_literals;
using namespace stress;

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

BOOST_AUTO_TEST_CASE(
    a_pool_may_go_while_its_last_queued_task_is_cancelled) { // CF-SHUT-09 CF-CAN-02
    struct round {
        std::optional<thread_pool> pool{std::in_place, 1u};
        std::atomic<bool> go{false};
        job work;
        future<void> plug = pool->submit([this] { await(go); });
        future<int> f = pool->submit(work.callable());
        bool cancelled = false;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.f.done());
             BOOST_REQUIRE(r.f.cancelled() == r.cancelled);
             BOOST_REQUIRE(r.work.runs() == (r.cancelled ? 0 : 1));
             BOOST_REQUIRE(r.work.gone());
             return ending_of(r.f);
         },
         [](round& r) {
             r.go = true;
             r.pool.reset();
         },
         [](round& r) { r.cancelled = r.f.cancel(); });
}

BOOST_AUTO_TEST_CASE(a_shutdown_with_a_deadline_reads_labels_while_tasks_end) { // CF-SHUT-26
    struct round {
        thread_pool pool{2};
        std::atomic<bool> go{false};
        future<std::string> a = submit(), b = submit();
        shutdown_report report;

        future<std::string> submit() {
            return pool.submit({.label = std::string(40, 'l')}, [this] {
                await(go);
                return std::string(40, 'v');
            });
        }
    };
    race([] { return round(); },
         [](round& r) {
             for (const auto& s : r.report.stuck)
                 BOOST_REQUIRE(s.label.size() >= 40u);
             BOOST_REQUIRE(r.report.dropped <= 2u);
             for (const auto* f : {&r.a, &r.b})
                 BOOST_REQUIRE((f->cancelled() || f->result(10s).size() == 40));
             return r.report.stuck.empty() ? "ended" : "stuck";
         },
         [](round& r) { r.report = r.pool.shutdown(0s); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(a_shutdown_with_a_deadline_ends_beside_a_call_on_a_strand) { // CF-SHUT-26
    struct round {
        thread_pool pool{1};
        boost::asio::strand<thread_pool::executor_type> strand{pool.get_executor()};
        std::atomic<bool> go{false};
        future<void> first = submit(strand, [this] { await(go); });
        future<int> second = submit(strand, [] { return 2; });
    };
    race([] { return round(); },
         [](round& r) {
             r.first.wait();
             r.second.wait();
             // A thread that was left behind goes back into the strand.
             BOOST_REQUIRE(await([&] { return r.pool.stats().workers == 0; }));
             return ending_of(r.second);
         },
         [](round& r) { r.pool.shutdown(1ms); }, [](round& r) { r.go = true; });
}

BOOST_AUTO_TEST_CASE(an_initializer_that_fails_lets_the_tasks_of_a_strand_go) { // CF-INIT-03
    struct round {
        std::atomic<bool> go{false};
        thread_pool pool{{.max_workers = 1, .initializer = [this] {
                              await(go);
                              throw std::runtime_error("no");
                          }}};
        boost::asio::strand<thread_pool::executor_type> strand{pool.get_executor()};
        future<int> first = submit(strand, [] { return 1; }), second;
        job work;
    };
    race([] { return round(); },
         [](round& r) {
             for (const auto* f : {&r.first, &r.second}) {
                 if (f->valid()) {
                     BOOST_REQUIRE(f->wait_for(10s));
                     BOOST_REQUIRE(stress::failed_with<broken_thread_pool>(*f));
                 }
             }
             BOOST_REQUIRE(r.work.runs() == 0);
             return r.second.valid() ? "failed" : "refused";
         },
         [](round& r) { r.go = true; },
         [](round& r) {
             try {
                 r.second = submit(r.strand, r.work.callable());
             } catch (const broken_thread_pool&) {
             }
         });
}

BOOST_AUTO_TEST_CASE(a_task_that_comes_as_the_only_worker_looks_before_it_sleeps_is_run) { // CF-DLK
    thread_pool pool(1);
    struct round {
        future<int> f;
    };
    race([] { return round(); },
         [](round& r) {
             BOOST_REQUIRE(r.f.result(10s) == 1);
             return "run";
         },
         [&](round& r) { r.f = pool.submit([] { return 1; }); },
         [](round&) {}); // the worker has just ended the last one, or sleeps
}
