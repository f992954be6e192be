// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/error.hpp>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <cstring>
#include <ostream>

namespace ferry {
namespace {

const char* text(int value) noexcept {
    switch (static_cast<errc>(value)) {
    case errc::timeout: return "timed out";
    case errc::invalid_state: return "invalid state";
    case errc::no_state: return "no state";
    case errc::broken_promise: return "broken promise";
    case errc::shutdown: return "the executor was shut down";
    case errc::queue_full: return "the queue is full";
    case errc::circuit_open: return "the circuit is open";
    case errc::would_deadlock: return "would deadlock";
    case errc::broken_executor: return "the executor is broken";
    case errc::broken_thread_pool: return "the thread pool is broken";
    case errc::exception_group: return "several tasks failed";
    case errc::broken_process_pool: return "the process pool is broken";
    case errc::worker_died: return "the worker process died";
    case errc::remote: return "a task in a worker process failed";
    case errc::quarantined: return "the task is quarantined";
    case errc::no_worker: return "there is no worker for the task";
    case errc::sandbox: return "the sandbox cannot be enforced";
    case errc::broken_cluster_pool: return "the cluster pool is broken";
    case errc::resource_limit: return "the task exceeded a limit";
    }
    return "unknown error";
}

// Boost's base class has a destructor that is neither virtual nor public, and no use for another.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"

class errc_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "ferry"; }
    std::string message(int value) const override { return text(value); }
};

class family_category final : public boost::system::error_category {
public:
    const char* name() const noexcept override { return "ferry.condition"; }

    std::string message(int value) const override {
        switch (static_cast<condition>(value)) {
        case condition::cancelled: return "cancelled";
        case condition::timed_out: return "timed out";
        case condition::rejected: return "rejected";
        case condition::broken: return "broken";
        }
        return "unknown condition";
    }

    bool equivalent(const boost::system::error_code& code, int value) const noexcept override {
        switch (static_cast<condition>(value)) {
        case condition::cancelled: return code == boost::asio::error::operation_aborted;
        case condition::timed_out: return code == errc::timeout;
        case condition::rejected:
            return code == errc::shutdown || code == errc::queue_full ||
                   code == errc::circuit_open || code == errc::quarantined ||
                   code == errc::no_worker;
        case condition::broken:
            return code == errc::broken_promise || code == errc::broken_executor ||
                   code == errc::broken_thread_pool || code == errc::broken_process_pool ||
                   code == errc::worker_died || code == errc::sandbox ||
                   code == errc::broken_cluster_pool || code == errc::resource_limit;
        }
        return false;
    }
};

#pragma GCC diagnostic pop

// A text that was made here before, and comes from another process, has the code already.
std::string with_code(const std::string& text, const boost::system::error_code& code) {
    const std::string end =
        std::string(" [") + code.category().name() + ':' + std::to_string(code.value()) + ']';
    return text.ends_with(end) ? text : text + end;
}

std::string unfinished_text(std::size_t unfinished, std::size_t total) {
    return std::to_string(unfinished) + " of " + std::to_string(total) + " futures unfinished";
}

std::string open_text(std::chrono::steady_clock::duration retry_after) {
    if (retry_after == std::chrono::steady_clock::duration::max())
        return "the circuit is open";
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(retry_after);
    return "the circuit is open; retry after " + std::to_string(left.count()) + " ms";
}

// More would make the text hard to read; all are in the error.
constexpr std::size_t most_frames_in_text = 16;

std::string text_of(const stack_frame& f) {
    char offset[24];
    std::snprintf(offset, sizeof offset, "0x%" PRIx64, f.offset);
    const std::string place = f.module.empty() ? offset : f.module + "+" + offset;
    return f.symbol.empty() ? place : f.symbol + " at " + place;
}

std::string death_text(int pid, const worker_died::ending& how, const std::string& label,
                       const std::string& stderr_tail, unsigned attempt,
                       const std::vector<stack_frame>& stacktrace) {
    std::string text = "the worker process " + std::to_string(pid) + " ";
    if (how.signal)
        text += "was terminated by signal " + std::to_string(*how.signal) + " (" +
                ::strsignal(*how.signal) + ")";
    else if (how.exit_code)
        text += "exited with code " + std::to_string(*how.exit_code);
    else
        text += "ended, and its status was collected elsewhere,";
    text += " while it ran the task '" + label + "'";
    if (attempt > 1)
        text += " (attempt " + std::to_string(attempt) + ")";
    if (!stderr_tail.empty())
        text += "; the end of its standard error: " + stderr_tail;
    for (std::size_t i = 0; i != std::min(stacktrace.size(), most_frames_in_text); ++i)
        text += (i == 0 ? "; its stack: " : ", ") + text_of(stacktrace[i]);
    return text;
}

std::string quarantine_text(const std::string& label, unsigned deaths) {
    return "the task '" + label + "' has killed " + std::to_string(deaths) +
           (deaths == 1 ? " worker process" : " worker processes") + " and is quarantined";
}

std::string group_text(const std::vector<std::exception_ptr>& exceptions) {
    std::string text = std::to_string(exceptions.size()) + " tasks failed";
    for (const auto& e : exceptions) {
        text += text.ends_with("failed") ? ": " : "; ";
        try {
            std::rethrow_exception(e);
        } catch (const std::exception& x) {
            text += x.what();
        } catch (...) {
            text += "an exception not derived from std::exception";
        }
    }
    return text;
}

} // namespace

const boost::system::error_category& error_category() noexcept {
    static const errc_category instance;
    return instance;
}

const boost::system::error_category& condition_category() noexcept {
    static const family_category instance;
    return instance;
}

boost::system::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), error_category()};
}

boost::system::error_condition make_error_condition(condition c) noexcept {
    return {static_cast<int>(c), condition_category()};
}

detail::error_with_text::error_with_text(const boost::system::error_code& code,
                                         const std::string& text)
    : system_error(code), text_(std::make_shared<const std::string>(with_code(text, code))) {}

std::ostream& operator<<(std::ostream& out, const stack_frame& f) { return out << text_of(f); }

cancelled_error::cancelled_error(const std::string& what)
    : error_with_text(boost::asio::error::make_error_code(boost::asio::error::operation_aborted),
                      what) {}
timeout_error::timeout_error(const std::string& what) : error_with_text(errc::timeout, what) {}
timeout_error::timeout_error(std::size_t unfinished, std::size_t total)
    : error_with_text(errc::timeout, unfinished_text(unfinished, total)), unfinished_(unfinished),
      total_(total) {}
invalid_state_error::invalid_state_error(const std::string& what)
    : error_with_text(errc::invalid_state, what) {}
no_state_error::no_state_error(const std::string& what) : error_with_text(errc::no_state, what) {}
broken_promise::broken_promise(const std::string& what)
    : error_with_text(errc::broken_promise, what) {}
shutdown_error::shutdown_error(const std::string& what) : error_with_text(errc::shutdown, what) {}
queue_full_error::queue_full_error(const std::string& what)
    : error_with_text(errc::queue_full, what) {}
queue_full_error::queue_full_error(const std::string& what, std::size_t queued,
                                   std::chrono::nanoseconds retry_after)
    : error_with_text(errc::queue_full, what), queued_(queued), retry_after_(retry_after) {}
circuit_open_error::circuit_open_error(const std::string& what)
    : error_with_text(errc::circuit_open, what) {}
circuit_open_error::circuit_open_error(std::chrono::steady_clock::duration retry_after)
    : error_with_text(errc::circuit_open, open_text(retry_after)), retry_after_(retry_after) {}
would_deadlock::would_deadlock(const std::string& what)
    : error_with_text(errc::would_deadlock, what) {}
broken_executor::broken_executor(const std::string& what)
    : broken_executor(errc::broken_executor, what) {}
broken_executor::broken_executor(errc code, const std::string& what)
    : error_with_text(code, what) {}
broken_thread_pool::broken_thread_pool(const std::string& what)
    : broken_executor(errc::broken_thread_pool, what) {}
broken_process_pool::broken_process_pool(const std::string& what)
    : broken_executor(errc::broken_process_pool, what) {}
broken_process_pool::broken_process_pool(errc code, const std::string& what)
    : broken_executor(code, what) {}
worker_died::worker_died(const std::string& what)
    : worker_died(errc::worker_died, what, 0, {}, {}, {}) {}
worker_died::worker_died(int pid, ending how, const std::string& label,
                         const std::string& stderr_tail, worker_usage usage, unsigned attempt,
                         const std::vector<stack_frame>& stacktrace)
    : worker_died(errc::worker_died, death_text(pid, how, label, stderr_tail, attempt, stacktrace),
                  pid, how, label, stderr_tail, usage, attempt, stacktrace) {}
worker_died::worker_died(errc code, const std::string& what, int pid, ending how, std::string label,
                         std::string stderr_tail, worker_usage usage, unsigned attempt,
                         std::vector<stack_frame> stacktrace)
    : broken_process_pool(code, what), pid_(pid), attempt_(attempt), how_(how), usage_(usage),
      label_(std::make_shared<const std::string>(std::move(label))),
      stderr_tail_(std::make_shared<const std::string>(std::move(stderr_tail))),
      stacktrace_(std::make_shared<const std::vector<stack_frame>>(std::move(stacktrace))) {}
resource_limit_error::resource_limit_error(const std::string& what)
    : worker_died(errc::resource_limit, what, 0, {}, {}, {}) {}
resource_limit_error::resource_limit_error(int pid, ending how, std::string label,
                                           std::string stderr_tail, const std::string& what,
                                           worker_usage usage, unsigned attempt)
    : worker_died(errc::resource_limit, what, pid, how, std::move(label), std::move(stderr_tail),
                  usage, attempt) {}
sandbox_error::sandbox_error(const std::string& what) : broken_executor(errc::sandbox, what) {}
quarantined_error::quarantined_error(const std::string& what)
    : error_with_text(errc::quarantined, what), label_(std::make_shared<const std::string>()) {}
quarantined_error::quarantined_error(std::string label, unsigned deaths,
                                     std::chrono::steady_clock::time_point until)
    : error_with_text(errc::quarantined, quarantine_text(label, deaths)),
      label_(std::make_shared<const std::string>(std::move(label))), deaths_(deaths),
      until_(until) {}
no_worker_error::no_worker_error(const std::string& what)
    : error_with_text(errc::no_worker, what) {}
broken_cluster_pool::broken_cluster_pool(const std::string& what)
    : broken_executor(errc::broken_cluster_pool, what) {}
remote_error::remote_error(const std::string& what) : remote_error("unknown", what) {}
remote_error::remote_error(std::string type_name, std::string what)
    : system_error(errc::remote, type_name + ": " + what),
      type_name_(std::make_shared<const std::string>(std::move(type_name))),
      what_(std::make_shared<const std::string>(std::move(what))) {}
exception_group::exception_group(const std::string& what)
    : error_with_text(errc::exception_group, what),
      exceptions_(std::make_shared<const std::vector<std::exception_ptr>>()) {}
exception_group::exception_group(std::vector<std::exception_ptr> exceptions)
    : error_with_text(errc::exception_group, group_text(exceptions)),
      exceptions_(std::make_shared<const std::vector<std::exception_ptr>>(std::move(exceptions))) {}

bool detail::is_cancellation(const std::exception_ptr& error) noexcept {
    try {
        std::rethrow_exception(error);
    } catch (const boost::system::system_error& e) {
        return e.code() == boost::asio::error::operation_aborted;
    } catch (...) {
        return false;
    }
}

} // namespace ferry
