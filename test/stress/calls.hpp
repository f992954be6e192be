// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "rounds.hpp"

#include <ferry/error.hpp>
#include <ferry/run_in_executor.hpp>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <memory>
#include <optional>
#include <stop_token>

namespace stress {

namespace asio = boost::asio;

/// A context, what cancels the one operation that runs there, and how that ended.
struct operation {
    std::optional<asio::io_context> io{std::in_place};
    asio::cancellation_signal signal;
    std::shared_ptr<int> calls = std::make_shared<int>(0); // goes with the handler
    std::exception_ptr error;

    auto handler() {
        const auto note = [this, n = calls](std::exception_ptr e, auto...) {
            ++*n;
            error = e;
        };
        return asio::bind_executor(*io, note);
    }
    auto token() { return asio::bind_cancellation_slot(signal.slot(), handler()); }
    void cancel() {
        signal.emit(asio::cancellation_type::terminal);
        io->run();
    }
    /// Starts a coroutine and runs it as far as it comes by itself.
    template <class T>
    void spawn(asio::awaitable<T> a) {
        asio::co_spawn(*io, std::move(a), token());
        io->poll();
    }
    /// How it ended, which it did once.
    std::string_view outcome() const {
        BOOST_REQUIRE(*calls == 1);
        if (error == nullptr)
            return "value";
        try {
            std::rethrow_exception(error);
        } catch (const ferry::cancelled_error&) {
            return "cancelled";
        } catch (const ferry::timeout_error&) {
            return "timed out";
        } catch (const ferry::shutdown_error&) {
            return "refused";
        } catch (const std::exception&) {
            return "failed";
        }
    }
    /// The context was destroyed with what it held.
    bool dropped() const { return calls.use_count() == 1 && *calls <= 1; }
};

/// The callable of a task that ends when it is told to.
struct told {
    std::atomic<bool> go{false};
    auto callable() {
        return [this] { return await(go); };
    }
    auto stoppable() {
        return [this](std::stop_token) { return await(go); };
    }
};

/// Await such calls.
inline asio::awaitable<int> call(ferry::thread_pool& pool, told& t) {
    auto work = t.callable();
    co_await ferry::run_in_executor(pool, work);
    co_return 42;
}
inline asio::awaitable<int> stoppable_call(ferry::thread_pool& pool, told& t) {
    auto work = t.stoppable();
    co_await ferry::run_in_executor(pool, work);
    co_return 42;
}

} // namespace stress
