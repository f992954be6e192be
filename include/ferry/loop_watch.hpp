// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/stack_frame.hpp>
#include <ferry/timeout.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <functional>
#include <iosfwd>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace ferry {
namespace detail {
class watched_loop;
} // namespace detail

/// An event loop that does not get on, because a handler blocks one of its threads.
struct late_loop {
    std::thread::id thread; ///< thread that is inside a handler
    std::chrono::nanoseconds
        for_how_long{}; ///< time for which the loop has not taken a new handler
    /// Stack of the thread, innermost frame first. Empty if `loop_watch_options::stack` is off or
    /// the thread blocks the signal.
    std::vector<stack_frame> stack;
    /// Label of the task that the thread waits for, or else of the task that it runs; empty if
    /// there is none, or no stack.
    std::string label;
    std::string advice; ///< the likely cause, and what to do about it
};

/// Prints a report of several lines.
FERRY_DECL std::ostream& operator<<(std::ostream& out, const late_loop& report);

/// Options for a loop watch.
///
/// @par Errors
/// A value out of range makes the constructor throw `std::invalid_argument` naming the option.
struct loop_watch_options {
    /// Time after which the loop is late; more than 0 and not unlimited. Default: 100 ms.
    ferry::timeout limit = std::chrono::milliseconds(100);
    /// Function that is called once for each time that a thread is late, from a thread of the
    /// watch. An exception that it throws goes to the handler of `set_unhandled_callback`. Default:
    /// prints the report to `stderr`.
    std::function<void(const late_loop&)> report = {};
    /// Whether the report has the stack of the late thread. It is taken by a real-time signal,
    /// installed with `SA_RESTART`; `nanosleep` and `poll` in the handler may return `EINTR` all
    /// the same. Default: true.
    bool stack = true;
    /// Name of the loop in metrics. Default: `loop-N`, unique per watch.
    std::string name = {};
};

/// Watches an `io_context` from a thread of its own and reports handlers that block it.
///
/// A loop is late if a function that the watch posted has been pending for `limit` while a thread
/// that ran an earlier one is still inside `run` (or `poll`, `run_one`, ...), and so is blocked in
/// a handler. A loop that is idle or stopped, or that no thread runs, is never late; the time for
/// which the machine was suspended or the process was stopped does not count. If several threads
/// run the loop, it is late only when all of them are blocked, and each of them is reported.
///
/// While nothing is late the watch costs one posted function in each `limit / 2`, which is counted
/// by `run_one` and `poll` like any other.
///
/// @par Executor
/// The report runs in the watch's own thread.
///
/// @par Blocking
/// The constructor never blocks. The destructor waits for the end of a report that is running; if
/// it runs inside the report itself, it does not wait.
///
/// @par Lifetime
/// The watch may outlive the context, and then watches nothing.
///
/// @par Thread safety
/// Distinct objects: safe, also for one context. Shared objects: unsafe.
///
/// @par Example
/// @code
/// ferry::loop_watch watch(context, {.limit = 100ms});
/// context.run();
/// @endcode
///
/// @par See also
/// The debug mode of asyncio, which reports callbacks that take longer than
/// `slow_callback_duration`.
class FERRY_DECL loop_watch {
public:
    /// Starts to watch. Throws `std::invalid_argument` for an option out of range, and
    /// `std::system_error` if no thread can be created.
    explicit loop_watch(boost::asio::io_context& context, loop_watch_options options = {});
    ~loop_watch();
    loop_watch(const loop_watch&) = delete;
    loop_watch& operator=(const loop_watch&) = delete;

private:
    std::shared_ptr<detail::watched_loop> loop_;
    std::thread thread_;
};

} // namespace ferry
