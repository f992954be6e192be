// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// What happens when a timer fires: nobody's timeout waits for the user code of another one's.
#include <ferry/as_completed.hpp>
#include <ferry/submit.hpp>
#include <ferry/thread_pool.hpp>

#include "helpers/gate.hpp"
#include "helpers/tracked.hpp"

#define BOOST_TEST_MODULE expiry
#include <boost/test/unit_test.hpp>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

// Opens the gate at the end of the scope, so that nothing waits for a test that has failed.
struct opener {
    gate& g;
    ~opener() { g.open(); }
};

auto until(gate& g) {
    return [&g] { g.pass(); };
}

// Workers that take no task before the gate is open: what is attached to a future until then is
// there when the task's timeout, which counts from its start, expires. Attached later, it might run
// in the test's own thread.
thread_pool_options held_by(gate& start, std::size_t workers) {
    return {.max_workers = workers, .initializer = until(start)};
}

struct gates {
    gate start, go, inside, left;
};

/// Calls `test(gates, executor)` with three threads of each kind; `executor()` gives an executor
/// that waits for none that it gave before, as long as one thread is left.
template <class Test>
void on_other_executors(Test test) {
    BOOST_TEST_CONTEXT("on an io_context") {
        gates g;
        asio::io_context context;
        const auto run = [&] {
            const auto work = asio::make_work_guard(context);
            context.run();
        };
        const std::jthread one(run), two(run), three(run);
        test(g, [&] { return context.get_executor(); });
        context.stop();
    }
    BOOST_TEST_CONTEXT("on strands of a pool") {
        gates g;
        thread_pool pool(3);
        test(g, [&] { return asio::make_strand(pool.get_executor()); });
    }
    BOOST_TEST_CONTEXT("on a thread pool of Asio") {
        gates g;
        asio::thread_pool pool(3);
        test(g, [&] { return pool.get_executor(); });
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_callback_that_blocks_delays_no_other_timeout) {
    gate start, go, inside;
    thread_pool pool(held_by(start, 3)), other(1);
    const opener end{go};
    auto a = pool.submit({.label = "a", .timeout = 1ms}, until(go));
    a.add_done_callback([&](auto) {
        inside.open();
        go.pass();
    });
    start.open();
    inside.pass();
    auto b = other.submit({.timeout = 1ms}, until(go));
    BOOST_CHECK_THROW(b.result(), timeout_error);
    auto c = pool.submit({.timeout = 1ms}, until(go));
    BOOST_CHECK_THROW(c.result(), timeout_error);
    promise<int> p;
    auto never = as_completed(std::vector{p.get_future()}, 1ms);
    BOOST_CHECK_THROW((void)*never.begin(), timeout_error);
}

BOOST_AUTO_TEST_CASE(a_callback_that_blocks_delays_no_other_timeout_of_free_submit) {
    on_other_executors([](gates& g, auto executor) {
        const auto first = executor();
        for (int i = 0; i < 3; ++i)
            asio::post(first, until(g.start)); // the callback is attached before the task starts
        auto a = submit(task_options{.timeout = 1ms}, first, until(g.go));
        a.add_done_callback([&g](auto) {
            g.inside.open();
            g.go.pass();
            g.left.open();
        });
        g.start.open();
        g.inside.pass();
        auto b = submit(task_options{.timeout = 1ms}, executor(), until(g.go));
        BOOST_CHECK_THROW(b.result(), timeout_error);
        g.go.open();
        g.left.pass();
    });
}

BOOST_AUTO_TEST_CASE(the_callback_of_a_timeout_may_wait_for_another_one) {
    gate start, go;
    thread_pool pool(held_by(start, 20));
    const opener end{go};
    // The callback of each waits for the next one to be told of its timeout.
    std::vector<gate> told(20);
    std::vector<future<void>> all;
    for (std::size_t i = 0; i < 20; ++i) {
        auto f = pool.submit({.timeout = 1ms}, until(go));
        f.add_done_callback([&told, i](auto) {
            if (i + 1 < told.size())
                told[i + 1].pass();
            told[i].open();
        });
        all.push_back(f);
    }
    start.open();
    told[0].pass();
    for (auto& f : all)
        BOOST_CHECK_THROW(f.result(), timeout_error);
}

BOOST_AUTO_TEST_CASE(a_stop_callback_that_blocks_delays_no_other_timeout) {
    gate go, inside;
    thread_pool pool(2);
    const opener end{go};
    auto a = pool.submit({.timeout = 1ms}, [&](std::stop_token stop) {
        const std::stop_callback on_stop(stop, [&] {
            inside.open();
            go.pass();
        });
        go.pass();
    });
    BOOST_CHECK_THROW(a.result(), timeout_error); // told before the stop callback has returned
    inside.pass();
    auto b = pool.submit({.timeout = 1ms}, until(go));
    BOOST_CHECK_THROW(b.result(), timeout_error);
}

BOOST_AUTO_TEST_CASE(a_stop_callback_that_blocks_delays_no_other_timeout_of_free_submit) {
    on_other_executors([](gates& g, auto executor) {
        auto a = submit(task_options{.timeout = 1ms}, executor(), [&g](std::stop_token stop) {
            const std::stop_callback on_stop(stop, [&g] {
                g.inside.open();
                g.go.pass();
            });
            g.go.pass();
            g.left.open();
        });
        BOOST_CHECK_THROW(a.result(), timeout_error);
        g.inside.pass();
        auto b = submit(task_options{.timeout = 1ms}, executor(), until(g.go));
        BOOST_CHECK_THROW(b.result(), timeout_error);
        g.go.open();
        g.left.pass();
    });
}

BOOST_AUTO_TEST_CASE(a_destructor_that_blocks_delays_no_other_timeout) {
    struct slow {
        gate* inside;
        gate* go;
        slow(gate& i, gate& g) : inside(&i), go(&g) {}
        slow(slow&& o) noexcept : inside(std::exchange(o.inside, nullptr)), go(o.go) {}
        ~slow() {
            if (inside != nullptr) {
                inside->open();
                go->pass();
            }
        }
    };
    gate go, inside, busy;
    thread_pool pool(1), other(1);
    const opener end{go};
    auto runs = pool.submit(until(busy));
    auto a = pool.submit({.start_by = std::chrono::steady_clock::now()}, [s = slow(inside, go)] {});
    inside.pass();
    BOOST_TEST(!a.done()); // its callable is not gone yet
    auto b = other.submit({.timeout = 1ms}, until(go));
    BOOST_CHECK_THROW(b.result(), timeout_error);
    busy.open();
    go.open();
    BOOST_CHECK_THROW(a.result(), timeout_error);
}

BOOST_AUTO_TEST_CASE(the_pool_waits_for_the_callbacks_of_its_timeouts) { // CF-SHUT
    std::atomic<bool> ended{false};
    gate start, inside, go;
    {
        thread_pool pool(held_by(start, 1));
        pool.submit({.timeout = 1ms}, until(go)).add_done_callback([&](auto) {
            inside.open();
            go.pass();
            std::this_thread::yield();
            ended = true;
        });
        start.open();
        inside.pass();
        go.open();
    }
    BOOST_TEST(ended.load());
}

BOOST_AUTO_TEST_CASE(the_pool_waits_for_the_callbacks_of_tasks_that_did_not_start) { // CF-SHUT
    // Until the callback is attached before the time comes; else it runs here, at once.
    for (auto wait = 1ms;; wait *= 2) {
        std::atomic<bool> ended{false}, ran_here{false};
        gate inside, go;
        {
            thread_pool pool(1);
            const opener end{go};
            auto blocker = pool.submit(until(go));
            auto a = pool.submit({.start_by = std::chrono::steady_clock::now() + wait}, [] {});
            a.add_done_callback([&, here = std::this_thread::get_id()](auto) {
                if (std::this_thread::get_id() == here) {
                    ran_here = true;
                    return;
                }
                inside.open();
                go.pass();
                std::this_thread::yield();
                ended = true;
            });
            if (ran_here)
                continue;
            inside.pass();
        }
        BOOST_TEST(ended.load());
        break;
    }
}

BOOST_AUTO_TEST_CASE(a_shutdown_with_a_deadline_names_the_callback_of_a_timeout) {
    const auto go = std::make_shared<gate>(); // for a thread that is left behind
    gate start, inside, ended;
    thread_pool pool(held_by(start, 1));
    auto a = pool.submit({.label = "slow one", .timeout = 1ms}, [&] { ended.pass(); });
    a.add_done_callback([&inside, go](auto) {
        inside.open();
        go->pass();
    });
    start.open();
    inside.pass();
    ended.open();
    while (pool.stats().running != 0)
        std::this_thread::yield();
    const auto report = pool.shutdown(10ms);
    BOOST_REQUIRE(report.stuck.size() == 1u);
    BOOST_TEST(report.stuck[0].label == "a callback of 'slow one'");
    go->open();
}

BOOST_AUTO_TEST_CASE(the_callback_of_a_timeout_cannot_wait_for_the_end_of_its_pool) {
    gate start, go, told;
    std::string what;
    {
        thread_pool pool(held_by(start, 1));
        const opener end{go};
        auto a = pool.submit({.timeout = 1ms}, until(go));
        a.add_done_callback([&](auto) {
            try {
                pool.shutdown();
            } catch (const would_deadlock& e) {
                what = e.what();
            }
            told.open();
        });
        start.open();
        told.pass();
    }
    BOOST_TEST(what.find("callbacks") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(the_callback_of_a_timeout_may_end_its_pool) {
    gate start, go, gone;
    auto pool = std::make_unique<thread_pool>(held_by(start, 1));
    auto a = pool->submit({.timeout = 1ms}, until(go));
    a.add_done_callback([&](auto) {
        go.open();
        pool.reset();
        gone.open();
    });
    start.open();
    gone.pass();
    BOOST_TEST(!pool);
}

BOOST_AUTO_TEST_CASE(a_value_that_came_with_its_timeout_is_destroyed_by_no_timer) {
    // The task ends while its timer fires; whoever is last lets go of the value.
    const auto objects = std::make_shared<ledger>();
    thread_pool pool(2);
    for (int i = 0; i < 2000; ++i) {
        auto f = pool.submit({.timeout = 100us}, [&] {
            for (const auto end = std::chrono::steady_clock::now() + 100us;
                 std::chrono::steady_clock::now() < end;) {
            }
            return tracked(objects, 1);
        });
        try {
            f.wait();
            BOOST_TEST(f.result().value == 1);
        } catch (const timeout_error&) {
        }
    }
    pool.shutdown();
    BOOST_TEST(objects->balanced());
}

BOOST_AUTO_TEST_CASE(many_timeouts_at_once_all_come) {
    gate go;
    thread_pool pool(1);
    const opener end{go};
    auto blocker = pool.submit(until(go));
    std::vector<future<std::string>> all;
    const auto soon = std::chrono::steady_clock::now() + 1ms;
    for (int i = 0; i < 20'000; ++i)
        all.push_back(pool.submit({.start_by = soon}, [s = std::string(50, 'x')] { return s; }));
    for (auto& f : all)
        BOOST_CHECK_THROW(f.result(), timeout_error);
}

BOOST_AUTO_TEST_CASE(
    a_start_by_in_the_farthest_past_expires_and_one_in_the_farthest_future_does_not) {
    using clock = std::chrono::steady_clock;
    gate go;
    thread_pool pool(1);
    auto blocker = pool.submit(until(go));
    auto past = pool.submit({.start_by = clock::time_point::min()}, [] {});
    auto later = pool.submit({.start_by = clock::time_point::max()}, [] { return 1; });
    BOOST_CHECK_THROW(past.result(), timeout_error);
    go.open();
    BOOST_TEST(later.result() == 1);
}

BOOST_AUTO_TEST_CASE(a_task_that_expires_while_its_submitter_waits_for_room_lets_it_go_on) {
    gate go;
    thread_pool pool(thread_pool_options{.max_workers = 1, .max_queue = 1});
    const opener end{go};
    auto runs = pool.submit(until(go));
    while (pool.stats().running != 1)
        std::this_thread::yield();
    auto waits = pool.submit([] {});
    auto late = pool.submit({.start_by = std::chrono::steady_clock::now() + 1ms}, [] {});
    BOOST_CHECK_THROW(late.result(), timeout_error);
    BOOST_TEST(!waits.done());
    BOOST_TEST(pool.stats().queued == 1u);
}
