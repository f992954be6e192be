// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/process/detail/bytes.hpp>

#include "answer_writer.hpp"
#include "argument_segments.hpp"
#include "pool_listener.hpp"
#include "pool_socket.hpp"
#include "progress_writer.hpp"
#include "result_segments.hpp"
#include "stop_requests.hpp"
#include "support/home_process.hpp"
#include "wire.hpp"
#include "worker_calls.hpp"
#include "worker_hello.hpp"

#include <cstddef>

namespace ferry::detail {

/// The process's one worker: the loop of its main thread, which takes frames from the pool and runs
/// what they say. The other thread is the `pool_listener`'s.
///
/// Invariants:
/// - A task is called only by who has claimed its slot, and counts as running until its outcome is
///   where the pool can read it: the pool can end the worker meanwhile, at a timeout for example.
/// - A child that a task has forked, and that comes back from the task, ends without a word.
class worker_process {
public:
    /// The socket must live until the process ends.
    worker_process(const pool_socket& socket, worker_hello hello);
    worker_process(const worker_process&) = delete;
    worker_process& operator=(const worker_process&) = delete;

    [[noreturn]] void run();

private:
    /// Before there is another thread, and before any code of a task runs.
    void confine_self();
    void next(wire::frame& f);
    void initialise(const wire::frame& f);
    void keep_finalizer(const wire::frame& f);
    void got_start_call();
    void run_task(const wire::frame& f);
    /// Says in the slot of its task that it has an outcome.
    void mark_done(const wire::frame_header& task);
    void trim() noexcept;
    bool has_large_segments() noexcept { return results_.has_large() || arguments_.has_large(); }
    [[noreturn]] void refuse_to_start(const byte_sink& error);
    /// Leaves when it is told to, and starts no task until then.
    [[noreturn]] void retire();
    [[noreturn]] void leave_in_order();
    void end_copy() const noexcept;

    const home_process home_;
    wire::channel& memory_;
    const std::size_t most_memory_; // resident after a task; 0: no limit
    unsigned start_calls_;          // still to come
    unsigned tasks_run_ = 0;
    wire::ring_reader tasks_;
    answer_writer answers_;
    argument_segments arguments_;
    result_segments results_;
    stop_requests stops_;
    progress_writer progress_{answers_};
    worker_calls calls_{arguments_};
    pool_listener listener_;
};

} // namespace ferry::detail
