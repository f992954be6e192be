// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/run_coroutine_threadsafe.hpp>

#include <boost/asio/io_context.hpp>

#include <memory>

namespace ferry {
namespace detail {

/// Marks the thread as inside `run`. Errors: std::logic_error when it already is.
class FERRY_DECL run_mark {
public:
    run_mark();
    ~run_mark();
    run_mark(const run_mark&) = delete;
    run_mark& operator=(const run_mark&) = delete;

private:
    const wait_node node_{wait_kind::run};
    const wait_node_scope scope_{node_.number()};
};

/// The context of one `run`. A thread of another context may still hold an executor of it when the
/// coroutine has ended, as Asio's `co_spawn` does that another context's coroutine completes
/// through; so it ends with `run`, but its memory goes later.
class FERRY_DECL run_context final : public boost::asio::io_context {
public:
    run_context() : io_context(1) {}

    struct FERRY_DECL retire {
        void operator()(run_context* c) const noexcept;
    };

private:
    /// Whether somebody holds an executor that counts as work.
    bool is_held();
};
using run_context_ptr = std::unique_ptr<run_context, run_context::retire>;

/// Records that this thread alone runs the context.
FERRY_DECL void one_thread_runs(boost::asio::io_context& io);
/// Runs the context until `ended` is true, then cancels and awaits what Ferry started on it.
FERRY_DECL void run_until_ended(boost::asio::io_context& io, const bool& ended);

} // namespace detail

/// Runs the coroutine on an `io_context` of its own and returns its value or throws its exception.
///
/// Coroutines and operations that Ferry itself started there (`shield`, `use_future`,
/// `run_coroutine_threadsafe`) are cancelled and awaited at the end; exceptions that they then end
/// with go to the handler installed by `set_unhandled_callback`. Coroutines spawned directly are
/// destroyed with the context. The default pool of the context is shut down.
///
/// @par Executor
/// Everything runs in the calling thread.
///
/// @par Cancellation
/// None from outside: end the coroutine from within, or through its own signals.
///
/// @par Blocking
/// Until the coroutine has ended, and what Ferry started with it.
///
/// @par Errors
/// Any exception of the coroutine; `std::logic_error` inside a running `run`; `broken_promise` if
/// the context runs out of work before the coroutine finishes.
///
/// @par Lifetime
/// The context, and everything on it, is destroyed before this function returns.
///
/// @par Thread safety
/// Safe: several threads may each run a coroutine of their own.
///
/// @par Example
/// @code
/// std::string text = ferry::run(load_text("data.txt"));
/// @endcode
///
/// @par See also
/// asyncio's `run`.
template <class T>
T run(boost::asio::awaitable<T> main) {
    const detail::run_mark mark;
    future<T> outcome;
    {
        const detail::run_context_ptr io(new detail::run_context);
        detail::one_thread_runs(*io);
        bool ended = false;
        outcome = detail::access::make(detail::start_coroutine(io->get_executor(), std::move(main),
                                                               [&ended] { ended = true; }));
        detail::run_until_ended(*io, ended);
    }
    return std::move(outcome).result();
}

} // namespace ferry
