// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// How a worker process confines itself before its first task, and reports the progress of tasks.
#include "worker_process.hpp"

#include <ferry/process/exception.hpp>

#include "confinement.hpp"
#include "own_limits.hpp"
#include "worker_exit.hpp"

#include <algorithm>

namespace ferry::detail {

// Called before there is another thread, and before any code of a task runs.
void worker_process::confine_self() {
    const worker_setup& setup = memory_->setup;
    set_own_limits(setup.open_files, setup.file_size);
    if (setup.limits_memory)
        limit_own_memory(memory_->memory_refused);
    try {
        confine({static_cast<ferry::sandbox>(setup.sandbox), setup.no_processes}, confined::process,
                kernel_facilities::real());
    } catch (const sandbox_error&) {
        byte_sink out(store_);
        put_exception(out, std::current_exception());
        send({0, wire::frame_kind::not_ready, 0, 0},
             out.bytes().first(std::min(out.size(), wire::max_body)), {});
        leave(wire::exit_not_ready);
    }
}

void worker_process::on_report(double done, std::string_view note) {
    if (forks_ != fork_count())
        return; // this process is a child that the task has forked
    progress p{done, std::string(note.substr(0, wire::longest_note))};
    kept_report_.reset();
    if (report_gate_->opens(progress_gate::clock::now()))
        send_progress(p);
    else
        kept_report_ = std::move(p);
}

void worker_process::send_progress(const progress& p) {
    const wire::progress_body body{p.done};
    send({0, wire::frame_kind::progress, reporting_->slot, reporting_->task},
         std::as_bytes(std::span(&body, 1)), std::as_bytes(std::span(p.note)));
}

} // namespace ferry::detail
