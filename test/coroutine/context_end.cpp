// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The end of an io_context, and of a pool, at any moment of an offloaded call.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/tracked.hpp"

#define BOOST_TEST_MODULE context_end
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/mpl/list.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

// ---- On which executor the handler is, and what it waits for ------------------------------------

struct plain {
    static auto executor(asio::io_context& io) { return io.get_executor(); }
};
struct on_strand {
    static auto executor(asio::io_context& io) { return asio::make_strand(io); }
};
struct erased {
    static asio::any_io_executor executor(asio::io_context& io) { return io.get_executor(); }
};

/// Each starts an offloaded call whose awaiter owns something that `l` knows.
struct by_callback {
    template <class Executor, class Call>
    static void start(const Executor& ex, thread_pool& pool, Call call, std::shared_ptr<ledger> l) {
        async_invoke(pool, std::move(call),
                     asio::bind_executor(ex, [t = tracked(std::move(l))](std::exception_ptr) {}));
    }
};
struct by_coroutine {
    template <class Executor, class Call>
    static void start(const Executor& ex, thread_pool& pool, Call call, std::shared_ptr<ledger> l) {
        asio::co_spawn(ex, body(pool, std::move(call), std::move(l)), asio::detached);
    }
    template <class Call>
    static asio::awaitable<void> body(thread_pool& pool, Call call, std::shared_ptr<ledger> l) {
        const tracked here(std::move(l));
        co_await run_in_executor(pool, std::move(call));
    }
};
struct by_future {
    template <class Executor, class Call>
    static void start(const Executor& ex, thread_pool& pool, Call call, std::shared_ptr<ledger> l) {
        pool.submit(std::move(call))
            .async_wait(asio::bind_executor(ex, [t = tracked(std::move(l))](auto) {}));
    }
};

template <class Executor, class Awaiter>
struct way {
    template <class Call>
    static void start(asio::io_context& io, thread_pool& pool, Call call,
                      std::shared_ptr<ledger> l) {
        Awaiter::start(Executor::executor(io), pool, std::move(call), std::move(l));
    }
};
using ways = boost::mpl::list<way<plain, by_callback>, way<plain, by_coroutine>,
                              way<plain, by_future>, way<on_strand, by_callback>,
                              way<on_strand, by_coroutine>, way<on_strand, by_future>,
                              way<erased, by_callback>, way<erased, by_coroutine>>;

constexpr int many = 40; // more than one batch of operations

/// Starts that many calls, which run until the gate is opened.
template <class Way>
void start_many(asio::io_context& io, thread_pool& pool, gate& go,
                const std::shared_ptr<ledger>& awaiters) {
    for (int i = 0; i < many; ++i)
        Way::start(io, pool, [&go] { go.pass(); }, awaiters);
    io.poll(); // coroutines start
}

} // namespace

// ---- The context ends first ---------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(while_calls_are_queued_and_running, Way, ways) { // CF-ASY-27
    const auto awaiters = std::make_shared<ledger>(), calls = std::make_shared<ledger>();
    thread_pool pool(1);
    gate started, go;
    {
        asio::io_context io;
        for (int i = 0; i < many; ++i)
            Way::start(
                io, pool,
                [&, t = tracked(calls)] {
                    started.open();
                    go.pass();
                },
                awaiters);
        io.poll(); // coroutines start
        started.pass();
        BOOST_TEST(awaiters->alive() == many);
    }
    BOOST_TEST(awaiters->balanced());
    BOOST_TEST(calls->alive() == many);
    go.open();
    pool.shutdown();
    BOOST_TEST(calls->balanced());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(when_outcomes_wait_to_be_delivered, Way, ways) {
    const auto awaiters = std::make_shared<ledger>();
    thread_pool pool(2);
    {
        asio::io_context io;
        gate go;
        start_many<Way>(io, pool, go, awaiters);
        go.open();
        pool.shutdown();
        BOOST_TEST(awaiters->alive() == many);
    }
    BOOST_TEST(awaiters->balanced());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(when_some_were_delivered, Way, ways) {
    for (int steps = 0; steps < 6; ++steps) {
        const auto awaiters = std::make_shared<ledger>();
        {
            asio::io_context io;
            thread_pool pool(2); // ends before the context
            gate go;
            start_many<Way>(io, pool, go, awaiters);
            go.open();
            pool.shutdown();
            for (int i = 0; i < steps; ++i)
                io.run_one();
        }
        BOOST_REQUIRE(awaiters->balanced());
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(when_it_never_ran, Way, ways) {
    const auto awaiters = std::make_shared<ledger>();
    thread_pool pool(2);
    {
        asio::io_context io;
        for (int i = 0; i < many; ++i)
            Way::start(io, pool, [] {}, awaiters);
    }
    BOOST_TEST(awaiters->clean()); // a coroutine did not even start
}

// The moment moves through the calls: a thread runs the context until so many of them have run.
BOOST_AUTO_TEST_CASE_TEMPLATE(at_any_moment, Way, ways) { // CF-ASY-27
    for (int round = 0; round < 200; ++round) {
        const auto awaiters = std::make_shared<ledger>(), calls = std::make_shared<ledger>();
        thread_pool pool(2);
        {
            asio::io_context io;
            std::atomic<int> left{round % many};
            for (int i = 0; i < many; ++i)
                Way::start(
                    io, pool,
                    [&io, &left, t = tracked(calls)] {
                        if (--left == 0)
                            io.stop();
                    },
                    awaiters);
            if (round % many == 0)
                io.stop();
            std::thread runner([&] { io.run(); });
            io.run();
            runner.join();
            pool.shutdown({.wait = true, .cancel_futures = true});
        }
        BOOST_REQUIRE(awaiters->clean());
        BOOST_REQUIRE(calls->balanced());
    }
}

// The pool goes on: calls finish while the context is being destroyed.
BOOST_AUTO_TEST_CASE_TEMPLATE(while_calls_finish, Way, ways) { // CF-ASY-27
    for (int round = 0; round < 300; ++round) {
        const auto awaiters = std::make_shared<ledger>(), calls = std::make_shared<ledger>();
        thread_pool pool(2);
        {
            gate go;
            auto io = std::make_unique<asio::io_context>();
            for (int i = 0; i < 20; ++i)
                Way::start(
                    *io, pool,
                    [&go, i, round, t = tracked(calls)] {
                        if (i == round % 20)
                            go.open();
                    },
                    awaiters);
            io->poll();
            go.pass();
            io.reset();
            BOOST_REQUIRE(awaiters->balanced());
            pool.shutdown();
        }
        BOOST_REQUIRE(calls->balanced());
    }
}

// ---- The pool ends first ------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(what_a_destroyed_pool_finished_is_still_delivered, Way, ways) {
    const auto awaiters = std::make_shared<ledger>();
    asio::io_context io;
    std::atomic<int> runs{0};
    {
        thread_pool pool(2);
        for (int i = 0; i < many; ++i)
            Way::start(io, pool, [&] { ++runs; }, awaiters);
        io.poll();
    }
    BOOST_TEST(runs == many);
    io.run();
    BOOST_TEST(awaiters->balanced());
}

// ---- stop and restart ---------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(a_stopped_context_loses_nothing, Way, ways) { // CF-ASY-27
    const auto awaiters = std::make_shared<ledger>();
    thread_pool pool(2);
    asio::io_context io;
    gate go;
    start_many<Way>(io, pool, go, awaiters);
    io.stop();
    go.open();
    pool.shutdown(); // everything completes while it is stopped
    BOOST_TEST(io.run() == 0u);
    BOOST_TEST(awaiters->alive() == many);
    io.restart();
    io.run();
    BOOST_TEST(awaiters->balanced());
    io.restart();
    BOOST_TEST(io.run() == 0u); // no work is left
}

// ---- Contexts that follow each other ------------------------------------------------------------

// A thread remembers the registry of the context that it used last; here that is gone, and
// another one has its address.
BOOST_AUTO_TEST_CASE(a_context_at_the_address_of_an_earlier_one_gets_its_own_outcomes) {
    constexpr int rounds = 500;
    thread_pool pool(2);
    std::optional<asio::io_context> io;
    int sum = 0;
    const auto offload = [&] {
        const auto body = [&]() -> asio::awaitable<void> {
            const auto one = [] { return 1; };
            sum += co_await run_in_executor(pool, one);
        };
        asio::co_spawn(*io, body, asio::detached);
        io->run();
    };
    for (int round = 0; round < rounds; ++round) {
        io.emplace(); // by the same thread
        offload();
        std::thread([&] { // by another one
            io.emplace();
            offload();
        })
            .join();
        io->restart();
        offload();
    }
    BOOST_TEST(sum == 3 * rounds);
}

// ---- Everything else that a coroutine can wait in -----------------------------------------------

namespace {

asio::awaitable<void> wait_in(int kind, thread_pool& pool, gate& go, std::shared_ptr<ledger> l) {
    const tracked here(l);
    const auto call = [&go, t = tracked(l)] { go.pass(); };
    const auto member = [&](task_group& g) -> asio::awaitable<void> {
        g.spawn(run_in_executor(pool, call));
        co_await to_thread(call);
    };
    std::vector<future<void>> fs{pool.submit(call), pool.submit(call)};
    switch (kind) {
    case 0: co_await wait_for(run_in_executor(pool, call), 24h); break;
    case 1: co_await gather(run_in_executor(pool, call), to_thread(call)); break;
    case 2: co_await shield(run_in_executor(pool, call)); break;
    case 3: co_await with_task_group(member); break;
    case 4: co_await as_completed(fs).async_next(); break;
    case 5: co_await ferry::async_wait(fs, {.timeout = 24h}); break;
    default: co_await fs[0].async_result(); break;
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(a_coroutine_is_destroyed_wherever_it_waits) { // CF-ASY-27 CF-TG-15
    for (int kind = 0; kind < 7; ++kind) {
        for (int steps = 0; steps < 12; ++steps) {
            const auto l = std::make_shared<ledger>();
            gate go;
            {
                thread_pool pool(2);
                asio::io_context io;
                asio::co_spawn(io, wait_in(kind, pool, go, l), asio::detached);
                for (int i = 0; i < steps; ++i)
                    io.poll_one();
                go.open();
            }
            BOOST_REQUIRE_MESSAGE(l->clean(), "kind " << kind << " after " << steps);
        }
    }
}

BOOST_AUTO_TEST_CASE(a_signal_may_outlive_the_context_of_the_coroutine_that_it_cancels) {
    thread_pool pool(1);
    asio::cancellation_signal signal;
    std::optional<asio::io_context> io(std::in_place);
    const auto work = [] {};
    asio::co_spawn(*io, wait_for(run_in_executor(pool, work), std::chrono::hours(1)),
                   asio::bind_cancellation_slot(signal.slot(), asio::detached));
    io->poll();
    io.reset();
} // what the signal still holds goes here, after the context
