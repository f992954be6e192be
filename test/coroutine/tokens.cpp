// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Every completion token on every initiating function of the bridge.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/manual_executor.hpp"
#include "helpers/run_on.hpp"

#define BOOST_TEST_MODULE tokens
#include <boost/test/unit_test.hpp>

#include <boost/asio/append.hpp>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/consign.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/prepend.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/mpl/list.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <thread>

namespace asio = boost::asio;
using namespace ferry;
using namespace std::chrono_literals;

namespace {

// ---- The operations: each starts with any token and completes with 7 after `finish` -------------

struct invoke_operation {
    template <class Token>
    auto start(Token&& token) {
        const auto call = [this] {
            started.open();
            go.pass();
            return 7;
        };
        return async_invoke(pool, call, std::forward<Token>(token));
    }
    void until_running() { started.pass(); }
    void finish() { go.open(); }

    gate started, go;
    thread_pool pool{2};
};
struct promised {
    void until_running() {}
    void finish() { p.set_value(7); }
    promise<int> p;
    future<int> f = p.get_future();
};
struct wait_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return f.async_wait(std::forward<Token>(token));
    }
};
struct result_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return f.async_result(std::forward<Token>(token));
    }
};
struct next_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return as_completed(std::vector{f}).async_next(std::forward<Token>(token));
    }
};
struct wait_all_operation : promised {
    template <class Token>
    auto start(Token&& token) {
        return ferry::async_wait(std::vector{f}, {}, std::forward<Token>(token));
    }
};
using operations = boost::mpl::list<invoke_operation, wait_operation, result_operation,
                                    next_operation, wait_all_operation>;

// ---- What a handler was given -------------------------------------------------------------------

bool failed(const boost::system::error_code& e) { return e.failed(); }
bool failed(const std::exception_ptr& e) { return e != nullptr; }
bool aborted(const boost::system::error_code& e) { return e == asio::error::operation_aborted; }
bool aborted(const std::exception_ptr& e) {
    try {
        std::rethrow_exception(e);
    } catch (const cancelled_error&) {
        return true;
    }
}
int value() { return 7; }
int value(int n) { return n; }
int value(const std::optional<future<int>>& f) { return f->result(); }
int value(const wait_result<int>& r) { return r.done.at(0).result(); }

/// Collects what comes; a handler that calls it can be of any signature.
struct collector {
    auto handler() {
        return [this](const auto& error, const auto&... v) {
            ++calls;
            error_given = failed(error);
            if (error_given)
                was_aborted = aborted(error);
            else
                given = value(v...);
        };
    }
    int calls = 0;
    int given = 0;
    bool error_given = false, was_aborted = false;
};

/// Counts what is allocated through it and what of that lives.
struct memory_counts {
    std::atomic<int> allocated{0}, alive{0};
};
template <class T>
struct counting_allocator {
    using value_type = T;
    explicit counting_allocator(memory_counts& c) noexcept : counts(&c) {}
    template <class U>
    counting_allocator(const counting_allocator<U>& o) noexcept : counts(o.counts) {}
    T* allocate(std::size_t n) {
        ++counts->allocated;
        ++counts->alive;
        return std::allocator<T>().allocate(n);
    }
    void deallocate(T* p, std::size_t n) noexcept {
        std::allocator<T>().deallocate(p, n);
        --counts->alive;
    }
    template <class U>
    bool operator==(const counting_allocator<U>& o) const noexcept {
        return counts == o.counts;
    }
    memory_counts* counts;
};

} // namespace

// ---- When and where the handler is called -------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(a_callback_is_called_once_on_its_executor, Op, operations) {
    Op op; // CF-ASY-34
    manual_context where;
    collector got;
    bool on_it = false;
    op.start(asio::bind_executor(where.get_executor(), [&](auto&&... a) {
        on_it = where.running;
        got.handler()(a...);
    }));
    op.finish();
    where.run_one();
    BOOST_TEST(on_it);
    BOOST_TEST(got.calls == 1);
    BOOST_TEST(got.given == 7);
    BOOST_TEST(where.size() == 0u);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(nothing_completes_inside_the_initiating_call, Op, operations) {
    Op op;
    op.finish(); // there is nothing left to wait for
    asio::io_context io;
    collector got;
    bool inside = false;
    asio::post(io, [&] {
        op.start(asio::bind_executor(io, got.handler()));
        inside = got.calls != 0;
    });
    io.run();
    BOOST_TEST(!inside);
    BOOST_TEST(got.given == 7);
}

BOOST_AUTO_TEST_CASE(a_call_started_on_a_worker_of_its_pool_completes_later) {
    thread_pool pool(1);
    collector got;
    bool inside = true;
    gate done;
    pool.submit([&] {
            async_invoke(
                pool, [] { return 7; },
                [&](auto&&... a) {
                    got.handler()(a...);
                    done.open();
                });
            inside = got.calls != 0;
        })
        .result();
    done.pass();
    BOOST_TEST(!inside);
    BOOST_TEST(got.given == 7);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(the_handlers_context_has_work_until_then, Op, operations) {
    Op op;
    asio::io_context io;
    collector got;
    op.start(asio::bind_executor(io, got.handler()));
    BOOST_TEST(io.poll() == 0u);
    BOOST_TEST(!io.stopped());
    std::thread other([&] { op.finish(); });
    io.run();
    other.join();
    BOOST_TEST(got.given == 7);
    BOOST_TEST(io.stopped());
}

BOOST_AUTO_TEST_CASE_TEMPLATE(other_contexts_have_work_too, Op, operations) {
    Op op;
    collector got;
    asio::thread_pool pool(1);
    op.start(asio::bind_executor(asio::make_strand(pool), got.handler()));
    std::thread other([&] { op.finish(); });
    pool.join();
    other.join();
    BOOST_TEST(got.given == 7);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_strand_never_runs_two_handlers_at_once, Op, operations) {
    Op op;
    asio::thread_pool pool(3);
    const auto strand = asio::make_strand(pool);
    int calls = 0; // unprotected: the strand is the protection
    for (int i = 0; i < 100; ++i)
        op.start(asio::bind_executor(
            strand, [&](auto&&...) { calls += strand.running_in_this_thread() ? 1 : 0; }));
    op.finish();
    pool.join();
    BOOST_TEST(calls == 100);
}

// ---- Tokens -------------------------------------------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(coroutine_tokens, Op, operations) { // CF-ASY-34
    asio::io_context io;
    Op op;
    op.finish();
    run_on(io, [&]() -> asio::awaitable<void> {
        co_await op.start(asio::use_awaitable);
        auto later = op.start(asio::deferred); // Asio 1.26 cannot await (exception_ptr, T) itself
        co_await std::move(later)(asio::use_awaitable);
        const auto plain = co_await op.start(asio::as_tuple(asio::use_awaitable));
        BOOST_TEST(!failed(std::get<0>(plain)));
        const auto lazy = co_await op.start(asio::as_tuple(asio::deferred));
        BOOST_TEST(!failed(std::get<0>(lazy)));
    });
}

BOOST_AUTO_TEST_CASE_TEMPLATE(tokens_that_return_futures, Op, operations) { // CF-ASY-34 CF-IOP-04
    Op op;
    auto standard = op.start(asio::use_future);
    auto own = op.start(ferry::use_future);
    auto bound = op.start(asio::bind_executor(asio::system_executor(), ferry::use_future));
    BOOST_TEST((standard.wait_for(0s) == std::future_status::timeout));
    BOOST_TEST(!own.done());
    op.finish();
    standard.get();
    BOOST_TEST((own.exception() == nullptr));
    BOOST_TEST((bound.exception() == nullptr));
}

BOOST_AUTO_TEST_CASE_TEMPLATE(tokens_that_change_the_arguments, Op, operations) {
    Op op;
    asio::io_context io;
    collector got;
    int last = 0, first = 0;
    const auto keep = std::make_shared<int>(1);
    op.start(asio::bind_executor(io, asio::append(
                                         [&](const auto& error, const auto&... v) {
                                             got.calls += failed(error) ? 0 : 1;
                                             last = std::get<sizeof...(v) - 1>(std::tie(v...));
                                         },
                                         5)));
    op.start(asio::bind_executor(io, asio::prepend([&](int n, auto&&...) { first = n; }, 6)));
    op.start(asio::bind_executor(io, asio::consign(got.handler(), keep)));
    BOOST_TEST(keep.use_count() == 2);
    op.finish();
    io.run();
    BOOST_TEST(got.calls == 2);
    BOOST_TEST(last == 5);
    BOOST_TEST(first == 6);
    BOOST_TEST(keep.use_count() == 1);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_handler_may_be_move_only, Op, operations) {
    Op op;
    asio::io_context io;
    int got = 0;
    auto owned = std::make_unique<int>(9);
    op.start(asio::bind_executor(io, [&got, p = std::move(owned)](auto&&...) { got = *p; }));
    op.finish();
    io.run();
    BOOST_TEST(got == 9);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(detached_loses_nothing, Op, operations) {
    Op op;
    asio::io_context io;
    op.start(asio::detached);
    op.start(asio::bind_executor(io, asio::detached));
    op.finish();
    BOOST_TEST(io.run() == 1u);
}

BOOST_AUTO_TEST_CASE(an_error_can_be_redirected) {
    asio::io_context io;
    thread_pool pool(1);
    boost::system::error_code ec = asio::error::fault;
    run_on(io, [&]() -> asio::awaitable<void> {
        co_await pool.submit([] {}).async_wait(asio::redirect_error(asio::use_awaitable, ec));
    });
    BOOST_TEST(!ec.failed());
}

// ---- Associated allocator and cancellation slot -------------------------------------------------

BOOST_AUTO_TEST_CASE_TEMPLATE(allocated_memory_is_free_before_the_handler_runs, Op, operations) {
    Op op;
    asio::io_context io;
    memory_counts memory;
    int alive = -1;
    op.start(
        asio::bind_allocator(counting_allocator<int>(memory),
                             asio::bind_executor(io, [&](auto&&...) { alive = memory.alive; })));
    BOOST_TEST(memory.alive > 0);
    std::thread other([&] { op.finish(); });
    other.join();
    io.run();
    BOOST_TEST(alive == 0);
    BOOST_TEST(memory.allocated > 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_kind_of_cancellation_ends_the_waiting, Op, operations) {
    for (const auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total}) { // CF-ASY-04
        Op op;
        asio::io_context io;
        collector got;
        asio::cancellation_signal signal;
        op.start(
            asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(io, got.handler())));
        op.until_running();
        asio::post(io, [&] { signal.emit(type); });
        io.run();
        BOOST_TEST(got.calls == 1);
        BOOST_TEST(got.was_aborted);
        BOOST_TEST(!signal.slot().has_handler());
        if constexpr (!std::is_same_v<Op, result_operation>) // which cancels the future
            op.finish();
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancellation_meets_the_completion, Op, operations) { // CF-CAN-12
    for (int round = 0; round < 200; ++round) {
        Op op;
        asio::io_context io;
        collector got;
        asio::cancellation_signal signal;
        op.start(
            asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(io, got.handler())));
        gate go;
        asio::post(io, [&] {
            go.open();
            signal.emit(asio::cancellation_type::terminal);
        });
        std::thread other([&] {
            go.pass();
            try {
                op.finish();
            } catch (const invalid_state_error&) { // the cancellation was first
            }
        });
        io.run();
        other.join();
        BOOST_REQUIRE(got.calls == 1);
        BOOST_REQUIRE((got.given == 7) != got.was_aborted);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(memory_is_free_also_when_the_completing_thread_lags, Op, operations) {
    for (int round = 0; round < 2000; ++round) {
        Op op;
        asio::io_context io;
        memory_counts memory;
        int alive = -1;
        op.start(asio::bind_allocator(
            counting_allocator<int>(memory),
            asio::bind_executor(io, [&](auto&&...) { alive = memory.alive; })));
        op.until_running();
        std::thread other([&] { op.finish(); });
        io.run();
        other.join();
        BOOST_REQUIRE(alive == 0);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_handler_leaves_no_memory, Op, operations) {
    Op op;
    asio::io_context io;
    memory_counts memory;
    asio::cancellation_signal signal;
    int alive = -1;
    op.start(asio::bind_allocator(
        counting_allocator<int>(memory),
        asio::bind_cancellation_slot(
            signal.slot(), asio::bind_executor(io, [&](auto&&...) { alive = memory.alive; }))));
    op.until_running();
    asio::post(io, [&] { signal.emit(asio::cancellation_type::total); });
    io.run();
    BOOST_TEST(alive == 0);
    if constexpr (!std::is_same_v<Op, result_operation>)
        op.finish();
}
