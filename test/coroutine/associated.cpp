// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The allocator and the cancellation slot of a handler, on every initiating function of the bridge.
#include <ferry/ferry.hpp>

#include "helpers/gate.hpp"
#include "helpers/operations.hpp"

#define BOOST_TEST_MODULE associated
#include <boost/test/unit_test.hpp>

#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <type_traits>

namespace asio = boost::asio;
using namespace ferry;

namespace {

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

/// The memory of a handler that runs on `io`.
struct watched_memory {
    auto handler() {
        return asio::bind_allocator(
            counting_allocator<int>(counts),
            asio::bind_executor(io, [this](auto&&...) { alive_when_called = counts.alive; }));
    }
    asio::io_context io;
    memory_counts counts;
    int alive_when_called = -1;
};

/// An operation that was started with a slot.
template <class Op>
struct cancellable {
    cancellable() {
        op.start(
            asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(io, got.handler())));
    }
    Op op;
    asio::io_context io;
    collector got;
    asio::cancellation_signal signal;
};

} // namespace

BOOST_AUTO_TEST_CASE_TEMPLATE(allocated_memory_is_free_before_the_handler_runs, Op, operations) {
    Op op;
    watched_memory memory;
    op.start(memory.handler());
    BOOST_TEST(memory.counts.alive > 0);
    std::thread other([&] { op.finish(); });
    other.join();
    memory.io.run();
    BOOST_TEST(memory.alive_when_called == 0);
    BOOST_TEST(memory.counts.allocated > 0);
}

BOOST_AUTO_TEST_CASE_TEMPLATE(every_kind_of_cancellation_ends_the_waiting, Op, operations) {
    for (const auto type : {asio::cancellation_type::terminal, asio::cancellation_type::partial,
                            asio::cancellation_type::total}) { // CF-ASY-04
        cancellable<Op> c;
        c.op.until_running();
        asio::post(c.io, [&] { c.signal.emit(type); });
        c.io.run();
        BOOST_TEST(c.got.calls == 1);
        BOOST_TEST(c.got.was_aborted);
        BOOST_TEST(!c.signal.slot().has_handler());
        if constexpr (!std::is_same_v<Op, result_operation>) // which cancels the future
            c.op.finish();
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancellation_meets_the_completion, Op, operations) { // CF-CAN-12
    for (int round = 0; round < 200; ++round) {
        cancellable<Op> c;
        gate go;
        asio::post(c.io, [&] {
            go.open();
            c.signal.emit(asio::cancellation_type::terminal);
        });
        std::thread other([&] {
            go.pass();
            try {
                c.op.finish();
            } catch (const invalid_state_error&) { // the cancellation was first
            }
        });
        c.io.run();
        other.join();
        BOOST_REQUIRE(c.got.calls == 1);
        BOOST_REQUIRE((c.got.given == 7) != c.got.was_aborted);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(memory_is_free_also_when_the_completing_thread_lags, Op, operations) {
    for (int round = 0; round < 2000; ++round) {
        Op op;
        watched_memory memory;
        op.start(memory.handler());
        op.until_running();
        std::thread other([&] { op.finish(); });
        memory.io.run();
        other.join();
        BOOST_REQUIRE(memory.alive_when_called == 0);
    }
}

BOOST_AUTO_TEST_CASE_TEMPLATE(a_cancelled_handler_leaves_no_memory, Op, operations) {
    Op op;
    watched_memory memory;
    asio::cancellation_signal signal;
    op.start(asio::bind_cancellation_slot(signal.slot(), memory.handler()));
    op.until_running();
    asio::post(memory.io, [&] { signal.emit(asio::cancellation_type::total); });
    memory.io.run();
    BOOST_TEST(memory.alive_when_called == 0);
    if constexpr (!std::is_same_v<Op, result_operation>)
        op.finish();
}
