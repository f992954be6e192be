// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/task.hpp>

#include "answer_stream.hpp"
#include "child_process.hpp"
#include "dispatcher.hpp"
#include "idle_limit.hpp"
#include "limit_watch.hpp"
#include "message.hpp"
#include "pids_group.hpp"
#include "segment.hpp"
#include "stuck_task.hpp"
#include "task_writer.hpp"
#include "wire.hpp"
#include "worker_deadlines.hpp"
#include "worker_end.hpp"
#include "worker_slots.hpp"
#include "worker_stderr.hpp"

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace ferry::detail {

/// What a worker is to do beside its tasks.
struct worker_settings {
    std::size_t max_tasks = 0;   ///< after which it is replaced; 0: never
    std::size_t most_memory = 0; ///< resident after a task, else it is replaced; 0: no limit
    timeout idle;                ///< for how long it may be idle
    unsigned start_calls = 0;    ///< that it gets before it says whether it is ready
};

/// A pool's end of one worker process: what it is handed, what it holds, its deadlines, and how it
/// ends. What comes back is read through `answers` and `standard_error`, which belong to the reader.
/// The pool's mutex guards the rest.
///
/// Nothing that the worker can write is believed: what must hold is checked where it is used and,
/// where that may be never, by `is_sound`.
struct worker_channel : dispatch_worker {
    /// Starts the process. Errors: `std::system_error`.
    worker_channel(std::uint32_t id, const child_options& options, const worker_settings& settings);
    ~worker_channel();
    worker_channel(const worker_channel&) = delete;
    worker_channel& operator=(const worker_channel&) = delete;

    /// Hands a task out; false, and it stays, if there is no room for it now.
    bool send(remote_call_ptr& c, std::uint64_t number, segment_store& store) noexcept;
    /// Sends what it runs before its first task, or before it leaves. Errors: `std::runtime_error`.
    void send_start_call(wire::frame_kind kind, const encoded_initializer& call,
                         segment_store& store);

    /// Takes a task out of its slot that was answered or taken back, or whose worker has ended.
    remote_call_ptr release(std::uint16_t slot) noexcept;
    /// Whether what it can write is what it can be: the slots of its tasks and the positions of the
    /// ring to it.
    bool is_sound() noexcept;
    /// When it began the task that it runs, as far as that can be.
    std::int64_t started_ns(std::int64_t now) const noexcept;

    bool ask_to_stop(std::uint64_t number) noexcept;
    void request_exit() noexcept { tasks_->request_exit(); }
    void forget_segment(std::uint32_t number) noexcept;

    struct unmap {
        void operator()(wire::channel* c) const noexcept;
    };
    std::unique_ptr<wire::channel, unmap> memory; ///< shared with the worker
    std::uint32_t record = 0;                     ///< its number in the recording
    descriptor socket;
    descriptor answered; ///< an event: the worker answered while nobody read
    worker_stderr standard_error;
    std::optional<pids_group> group; ///< removed after the process has ended
    std::optional<child_process> process;

    std::optional<worker_slots> slots; ///< the tasks that it holds
    /// The arguments of its initializer and finalizer, until it is ready.
    std::vector<payload> start_calls;
    segment_announcer segments_sent;
    stuck_task stuck; ///< the task with which it has not gone on
    worker_end end;

    worker_deadlines deadlines; ///< none is armed when the mutex is let go of a last time
    idle_limit idle;

    std::optional<answer_stream> answers;
    std::optional<limit_watch> limits;

private:
    bool reserve(const code_ref& entry, task_writer::call_kind how, std::string_view context,
                 const payload& arguments) noexcept;
    bool share(payload& arguments, segment_store& store) noexcept;

    std::optional<task_writer> tasks_;
};

} // namespace ferry::detail
