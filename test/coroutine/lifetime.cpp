// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Callables, arguments, results and callbacks are destroyed exactly once, and how early.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/run_on.hpp"
#include "helpers/tracked.hpp"

#define BOOST_TEST_MODULE lifetime
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/mpl/list.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <vector>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

using kinds = boost::mpl::list<tracked, tracked_as<8, false>, tracked_as<8, false, false>,
                               tracked_as<8, true, false>, tracked_as<64>, tracked_as<4096, false>>;
// A coroutine's frame is aligned as operator new is, no more (GCC 12, clang 19).
using frame_kinds = boost::mpl::list<tracked, tracked_as<8, false>, tracked_as<8, false, false>,
                                     tracked_as<8, true, false>>;

// What runs tasks; it has run all of them when it is destroyed.
struct pool_place {
    auto& where() { return pool; }
    thread_pool pool{1};
};
struct strand_place : pool_place {
    auto where() { return asio::make_strand(pool); }
};
struct asio_place {
    ~asio_place() { pool.join(); }
    auto& where() { return pool; }
    asio::thread_pool pool{1};
};
struct loop_place {
    ~loop_place() { io.run(); }
    auto& where() { return io; }
    asio::io_context io;
};
using places = boost::mpl::list<pool_place, strand_place, asio_place, loop_place>;
using places_with_threads = boost::mpl::list<pool_place, strand_place, asio_place>;

template <class T, class Place>
void submit_and_take() {
    const auto l = std::make_shared<ledger>();
    {
        Place place;
        auto&& where = place.where();
        auto f = ferry::submit(where, [c = T(l, 2)](T a) { return T(std::move(a)); }, T(l, 5));
        f.wait();
        BOOST_TEST(l->alive() == 1u); // the result
        BOOST_TEST(f.result().value == 5);
        const T taken = std::move(f).result();
        BOOST_TEST(taken.value == 5);
        ferry::submit(where, [](T a) -> T { throw a.value; }, T(l, 5)).wait();
        ferry::submit(where, [](const T&) {}, T(l)).wait();
        auto g = ferry::submit(where, [c = T(l, 3)](std::stop_token) { return c.value; });
        BOOST_TEST(g.result() == 3);
    }
    BOOST_TEST(l->balanced());
}

} // namespace

// ---- Exactly once, for every kind of type -------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(tasks_of_any_type, T, kinds) { // CF-SUB-03 CF-SUB-04 CF-FUT-28
    submit_and_take<T, pool_place>();
    submit_and_take<T, strand_place>();
    submit_and_take<T, asio_place>();
}

BOOST_AUTO_TEST_CASE_TEMPLATE(maps_of_any_type, T, kinds) {
    const auto l = std::make_shared<ledger>();
    {
        thread_pool pool(2);
        std::vector<int> input{1, 2, 3, 4, 5};
        const auto call = [l, c = std::make_shared<T>(l)](int n) { return T(l, n); };
        auto view = pool.map(call, input);
        pool.shutdown();
        BOOST_TEST(l->alive() == 6u); // the results and what the callable shares
        std::size_t left = 6;
        for (auto&& r : view) {
            BOOST_TEST(r.value == static_cast<int>(7 - left));
            BOOST_TEST(l->alive() == left--);
        }
        BOOST_TEST(l->alive() == 1u); // the view keeps nothing of what was read
    }
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(promises_of_any_type, T, kinds) {
    const auto l = std::make_shared<ledger>();
    {
        promise<T> p;
        auto f = p.get_future();
        p.set_value(T(l, 5));
        BOOST_TEST(l->alive() == 1u);
        auto other = f;
        BOOST_TEST(std::move(f).result().value == 5);
        BOOST_CHECK_THROW(other.result(), invalid_state_error);
        BOOST_TEST(l->alive() == 1u); // moved from, until the last handle goes
    }
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(callbacks_and_handlers_of_any_type, T, kinds) {
    const auto l = std::make_shared<ledger>();
    {
        thread_pool pool(1);
        asio::io_context io;
        gate go;
        int calls = 0;
        auto f = pool.submit([&] { go.pass(); });
        f.add_done_callback([&calls, t = T(l)](const future<void>&) { ++calls; });
        f.async_wait(asio::bind_executor(io, [&calls, t = T(l)](auto) { ++calls; }));
        async_invoke(
            pool, [t = T(l)] { return 1; },
            asio::bind_executor(io, [&calls, t = T(l)](auto, int n) { calls += n; }));
        go.open();
        io.run();
        pool.shutdown();
        BOOST_TEST(calls == 3);
        BOOST_TEST(l->alive() == 0u);
    }
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(coroutines_of_any_type, T, frame_kinds) { // CF-ASY-17
    const auto l = std::make_shared<ledger>();
    {
        thread_pool pool(2);
        asio::io_context io;
        const auto pass = [](T a) { return T(std::move(a)); };
        int sum = 0;
        const auto add = [&](const T& t) { sum += t.value; };
        run_on(io, [&]() -> asio::awaitable<void> {
            T one(l, 1), two(l, 2), three(l, 4), four(l, 8), five(l, 16), six(l, 32), more(l, 64);
            add(co_await to_thread(pass, std::move(one)));
            add(co_await run_in_executor(pool, pass, std::move(two)));
            add(co_await wait_for(to_thread(pass, std::move(three)), 24h));
            add(co_await shield(to_thread(pass, std::move(four))));
            const auto [a, b] = co_await gather(to_thread(pass, std::move(five)),
                                                run_in_executor(pool, pass, std::move(six)));
            add(a);
            add(b);
            auto f = run_coroutine_threadsafe(io.get_executor(), to_thread(pass, std::move(more)));
            add(co_await std::move(f).async_result());
        });
        BOOST_TEST(sum == 127);
    }
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(groups_and_completions_of_any_type, T, frame_kinds) {
    const auto l = std::make_shared<ledger>();
    {
        thread_pool pool(2);
        asio::io_context io;
        const auto pass = [](T a) { return T(std::move(a)); };
        const auto body = [&](task_group& g) -> asio::awaitable<T> {
            T in(l, 1);
            auto f = g.spawn(to_thread(pass, std::move(in)));
            co_return co_await std::move(f).async_result();
        };
        int sum = 0;
        const auto add = [&](const T& t) { sum += t.value; };
        run_on(io, [&]() -> asio::awaitable<void> {
            add(co_await with_task_group(body));
            std::vector<future<T>> fs;
            for (int n : {2, 4})
                fs.push_back(pool.submit(pass, T(l, n)));
            const auto view = as_completed(fs);
            fs.clear();
            for (int i = 0; i < 2; ++i) {
                auto next = co_await view.async_next();
                add(std::move(*next).result());
            }
        });
        BOOST_TEST(sum == 7);
    }
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE(what_is_referred_to_is_never_copied) { // CF-FUT-28
    const auto l = std::make_shared<ledger>();
    thread_pool pool(1);
    asio::io_context io;
    tracked object(l, 5);
    const auto refer = [&]() -> tracked& { return object; };
    BOOST_TEST(&pool.submit(refer).result() == &object);
    const auto same = [](tracked& t) -> tracked& { return t; };
    BOOST_TEST(&pool.submit(same, std::ref(object)).result() == &object);
    run_on(io, [&]() -> asio::awaitable<void> {
        BOOST_TEST(&(co_await to_thread(refer)).get() == &object);
        const auto [r, unit] = co_await gather(run_in_executor(pool, refer), to_thread([] {}));
        BOOST_TEST(&r.get() == &object);
    });
    BOOST_TEST(l->births() == 1u);
}

// ---- How early ----------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(callable_and_arguments_are_gone_when_it_is_done, Place,
                              places_with_threads) { // CF-SUB-03
    const auto l = std::make_shared<ledger>();
    Place place;
    for (int i = 0; i < 300; ++i) {
        std::size_t seen = 99;
        gate called;
        auto f = ferry::submit(place.where(), [c = tracked(l)](const tracked&) {}, tracked(l));
        f.add_done_callback([&](const future<void>&) {
            seen = l->alive();
            called.open();
        });
        f.wait();
        BOOST_REQUIRE(l->alive() == 0u);
        called.pass();
        BOOST_REQUIRE(seen == 0u);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_task_frees_what_it_holds_at_once, Place, places) {
    const auto l = std::make_shared<ledger>();
    gate go;
    Place place;
    auto&& where = place.where();
    auto busy = ferry::submit(where, [&] { go.pass(); });
    auto f = ferry::submit(where, [c = tracked(l)](const tracked&) {}, tracked(l));
    auto g = ferry::submit({.start_by = std::chrono::steady_clock::now() + 24h}, where,
                           [c = tracked(l)] {});
    BOOST_TEST(l->alive() == 3u);
    BOOST_TEST(f.cancel()); // CF-CAN-02
    BOOST_TEST(l->alive() == 1u);
    BOOST_TEST(g.cancel());
    BOOST_TEST(l->balanced());
    go.open();
}

BOOST_AUTO_TEST_CASE(an_idle_worker_holds_nothing) { // CF-TP-04
    const auto l = std::make_shared<ledger>();
    thread_pool pool(1);
    for (int i = 0; i < 300; ++i) {
        auto f = pool.submit([c = tracked(l)] { return tracked(c); });
        f.wait();
        f = {};
        BOOST_REQUIRE(l->alive() == 0u);
        auto labelled = pool.submit({.label = "x"}, [c = tracked(l)] { return tracked(c); });
        labelled.wait();
        labelled = {};
        pool.submit([] {}).wait(); // the worker has let go of the one before
        BOOST_REQUIRE(l->alive() == 0u);
    }
    auto failed = pool.submit([l] { throw tracked(l); });
    failed.wait();
    failed = {};
    pool.submit([] {}).wait();
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE(a_callback_is_destroyed_right_after_it_ran) {
    const auto l = std::make_shared<ledger>();
    for (const bool cancelled : {false, true}) {
        promise<int> p;
        auto f = p.get_future();
        std::vector<std::size_t> alive;
        for (int i = 0; i < 3; ++i)
            f.add_done_callback(
                [&, t = tracked(l)](const future<int>&) { alive.push_back(l->alive()); });
        cancelled ? static_cast<void>(f.cancel()) : p.set_value(1);
        f.add_done_callback(
            [&, t = tracked(l)](const future<int>&) { alive.push_back(l->alive()); });
        BOOST_TEST((alive == std::vector<std::size_t>{3, 2, 1, 2})); // with the last one's source
        BOOST_TEST(l->balanced());                                   // while handles live
    }
}

BOOST_AUTO_TEST_CASE(a_callback_that_throws_is_destroyed_too) { // CF-FUT-04
    const auto l = std::make_shared<ledger>();
    const auto old = set_unhandled_callback([](std::exception_ptr) {});
    promise<int> p;
    auto f = p.get_future();
    f.add_done_callback([t = tracked(l)](const future<int>&) { throw 1; });
    p.set_value(1);
    set_unhandled_callback(old);
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE(an_abandoned_promise_destroys_what_hangs_on_it) {
    const auto l = std::make_shared<ledger>();
    asio::io_context io;
    {
        promise<int> p;
        const auto f = p.get_future();
        auto g = f;
        g.add_done_callback([t = tracked(l)](const future<int>&) {});
        f.async_wait(asio::bind_executor(io, [t = tracked(l)](auto) {}));
    }
    io.run();
    BOOST_TEST(l->balanced());
}

// ---- Copies that throw --------------------------------------------------------------------------

namespace {

/// Throws where it is copied, or moved, for the last time that it is allowed to.
struct fragile {
    fragile(std::shared_ptr<ledger> l, int n) : object(std::move(l)), left(n) {}
    fragile(const fragile& o) : object(o.object), left(o.spend()) {}
    fragile(fragile&& o) : object(o.object), left(o.spend()) {}
    int spend() const {
        if (left == 0)
            throw std::length_error("no more copies");
        return left - 1;
    }
    tracked object;
    int left;
};

template <class Submit>
int rejections(const std::shared_ptr<ledger>& l, Submit submit) {
    int thrown = 0;
    for (int copies = 0; copies < 8; ++copies) {
        const fragile argument(l, copies);
        try {
            submit(argument);
        } catch (const std::length_error&) {
            ++thrown;
        }
    }
    return thrown;
}

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(an_argument_that_cannot_be_copied_leaves_nothing, Place, places) {
    const auto l = std::make_shared<ledger>(); // CF-SUB-03
    std::atomic<int> runs{0};
    int thrown = 0;
    {
        Place place;
        auto&& where = place.where();
        thrown = rejections(
            l, [&](const fragile& a) { ferry::submit(where, [&](const fragile&) { ++runs; }, a); });
    }
    BOOST_TEST(thrown >= 1);
    BOOST_TEST(thrown + runs == 8); // what did not throw ran
    BOOST_TEST(l->balanced());
}

BOOST_AUTO_TEST_CASE(maps_and_coroutines_pass_the_failure_of_a_copy_on) {
    const auto l = std::make_shared<ledger>();
    std::atomic<int> runs{0};
    int mapped = 0, awaited = 0;
    {
        thread_pool pool(1);
        const auto call = [&](const fragile&) { ++runs; };
        mapped = rejections(l, [&](const fragile& a) {
            const std::vector<fragile> input(1, a);
            pool.map(call, input);
        });
        awaited = rejections(l, [&](const fragile& a) {
            asio::io_context io;
            run_on(io, [&]() -> asio::awaitable<void> { co_await run_in_executor(pool, call, a); });
        });
    }
    BOOST_TEST(mapped >= 1);
    BOOST_TEST(awaited >= 1);
    BOOST_TEST(mapped + awaited + runs == 16);
    BOOST_TEST(l->balanced());
}
