// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_process.hpp"

#include <ferry/process/exception.hpp>

#include "confinement.hpp"
#include "crash_handler.hpp"
#include "own_limits.hpp"
#include "process_usage.hpp"
#include "support/futex.hpp"
#include "worker_exit.hpp"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <unistd.h>
#include <utility>

namespace ferry::detail {

worker_process::worker_process(const pool_socket& socket, worker_hello hello)
    : memory_(*hello.memory), most_memory_(memory_.most_memory.load()),
      start_calls_(hello.start_calls), tasks_(memory_.tasks, memory_.task_bytes.data()),
      answers_(memory_, std::move(hello.answered)), results_(socket),
      listener_(socket, std::move(hello.parent), arguments_, stops_) {}

void worker_process::run() {
    install_crash_handler(memory_.crash);
    confine_self();
    listener_.start();
    if (start_calls_ == 0)
        answers_.write_ready();
    for (;;) {
        wire::frame f;
        next(f);
        if (f.header.kind == wire::frame_kind::run)
            run_task(f);
        else if (f.header.kind == wire::frame_kind::initialise)
            initialise(f);
        else if (f.header.kind == wire::frame_kind::finalise)
            keep_finalizer(f);
        else
            give_up("a frame of an unknown kind");
    }
}

// Waits for the next frame. Ends the process if there is none and the pool has asked it to leave.
void worker_process::next(wire::frame& f) {
    for (;;) {
        switch (tasks_.next(f)) {
        case wire::decoded::frame: return;
        case wire::decoded::malformed: give_up("a malformed frame");
        case wire::decoded::nothing: break;
        }
        std::fflush(stdout);
        std::optional<std::chrono::steady_clock::time_point> until;
        if (has_large_segments()) {
            trim();
            until = std::chrono::steady_clock::now() + std::chrono::milliseconds(600);
        }
        if (!tasks_.prepare_sleep())
            continue;
        if (memory_.leave.load() != 0)
            leave_in_order();
        futex_wait(reinterpret_cast<std::uint32_t*>(&memory_.tasks.reader_sleeps), 1, until,
                   futex_scope::shared);
    }
}

// ---- The start ----------------------------------------------------------------------------------

void worker_process::confine_self() {
    const worker_setup& setup = memory_.setup;
    set_own_limits(setup.open_files, setup.file_size);
    if (setup.limits_memory)
        limit_own_memory(memory_.memory_refused);
    try {
        confine({static_cast<ferry::sandbox>(setup.sandbox), setup.no_processes}, confined::process,
                kernel_facilities::real());
    } catch (const sandbox_error&) {
        byte_sink out(results_.store());
        put_exception(out, std::current_exception());
        refuse_to_start(out);
    }
}

void worker_process::initialise(const wire::frame& f) {
    byte_sink out(results_.store());
    const bool succeeded = calls_.call(f.body, out, {});
    end_copy();
    tasks_.release();
    // The pool does not use this mapping again, whether the program keeps a part of it or not.
    static_cast<void>(arguments_.keeps_arguments());
    if (!succeeded)
        refuse_to_start(out);
    got_start_call();
}

void worker_process::keep_finalizer(const wire::frame& f) {
    calls_.keep_finalizer(f.body);
    tasks_.release();
    got_start_call();
}

void worker_process::got_start_call() {
    if (--start_calls_ == 0)
        answers_.write_ready();
}

void worker_process::refuse_to_start(const byte_sink& error) {
    answers_.write_not_ready(error.bytes());
    leave(wire::exit_not_ready);
}

// ---- Tasks --------------------------------------------------------------------------------------

void worker_process::run_task(const wire::frame& f) {
    using wire::slot_state;
    const auto& h = f.header;
    wire::run_body task;
    if (f.body.size() < sizeof task)
        give_up("a truncated task");
    std::memcpy(&task, f.body.data(), sizeof task);
    std::stop_token stop;
    if (task.takes_stop_token)
        stop = stops_.begin(h.task);
    if (memory_.setup.measures_cpu)
        memory_.cpu_at_start.store(
            cpu_time_of(::getpid()).value_or(std::chrono::seconds(0)).count(),
            std::memory_order_relaxed);
    note_running_task(h.task);
    const std::int64_t started = wire::now_ns();
    memory_.started_ns.store(started, std::memory_order_relaxed);
    if (!memory_.slots[h.slot].move(h.task, slot_state::offered, slot_state::claimed)) {
        tasks_.release();
        return; // the pool has taken the task back
    }
    byte_sink out(results_.store());
    if (task.reports)
        progress_.begin(h);
    const bool succeeded = calls_.call(f.body, out, stop);
    end_copy();
    if (task.reports)
        progress_.end();
    tasks_.release();
    if (task.takes_stop_token)
        stops_.end();
    // While the task still counts as running, because a lack of room may hold this up.
    const auto shared = results_.share(out);
    mark_done(h);
    const bool retires = most_memory_ != 0 && resident_memory() > most_memory_;
    wire::answer_body body{wire::now_ns() - started, 0, retires, arguments_.keeps_arguments()};
    if (shared)
        body.in_segment = shared->is_given_away ? 2 : 1;
    answers_.write_outcome(h, succeeded, body,
                           shared ? std::as_bytes(std::span(&shared->ref, 1)) : out.bytes());
    if (retires)
        retire();
    if (++tasks_run_ % 64 == 0)
        trim();
}

void worker_process::mark_done(const wire::frame_header& task) {
    using wire::slot_state;
    auto& slot = memory_.slots[task.slot];
    if (slot.move(task.task, slot_state::claimed, slot_state::done))
        return;
    if (!slot.is(task.task, slot_state::condemned))
        give_up("the slot of its task was overwritten: did the task do it?");
    for (;;) // the pool is about to end this process by a signal
        ::pause();
}

void worker_process::end_copy() const noexcept {
    if (home_.is_elsewhere())
        ::_exit(0);
}

void worker_process::trim() noexcept {
    results_.trim();
    arguments_.forget_retired();
}

// ---- The end ------------------------------------------------------------------------------------

void worker_process::retire() {
    std::fflush(stdout);
    auto& sleeps = memory_.tasks.reader_sleeps;
    for (;;) {
        sleeps.store(1);
        if (memory_.leave.load() != 0)
            leave_in_order();
        futex_wait(reinterpret_cast<std::uint32_t*>(&sleeps), 1, std::nullopt, futex_scope::shared);
    }
}

void worker_process::leave_in_order() {
    byte_sink out(results_.store());
    calls_.call_finalizer(out);
    end_copy();
    leave(0);
}

} // namespace ferry::detail
