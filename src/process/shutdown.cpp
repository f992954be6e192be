// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The end of a process pool, and its statistics.
#include "process_core.hpp"

#include <unistd.h>

namespace ferry::detail {

std::size_t process_core::close(bool cancel) {
    std::vector<held_call> all;
    {
        const short_lock lock(mutex_);
        closed_ = true;
        if (cancel) {
            for (const auto& [key, c] : queue_)
                all.push_back(c);
            for (const auto& [id, w] : workers_) {
                for (const auto& h : w->held) {
                    if (h)
                        all.push_back(h);
                }
            }
        }
        if (!reading_)
            reader_ended_ = true;
    }
    wake_reader();
    std::size_t cancelled = 0;
    for (const auto& c : all)
        cancelled += c.keep->cancel() ? 1 : 0;
    return cancelled;
}

void process_core::join() {
    std::thread mine;
    {
        short_lock lock(mutex_);
        while (!reader_ended_)
            changed_.wait(lock);
        mine.swap(reader_);
    }
    if (mine.joinable())
        mine.join();
    callbacks_.finish();
}

shutdown_report process_core::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    shutdown_report report;
    close(false);
    std::uint64_t before = 0;
    {
        short_lock lock(mutex_);
        before = counts_.completed + counts_.failed;
        while (has_unfinished() && !(deadline && clock::now() >= *deadline)) {
            if (deadline)
                changed_.wait_until(lock, *deadline);
            else
                changed_.wait(lock);
        }
        report.finished = static_cast<std::size_t>(counts_.completed + counts_.failed - before);
    }
    report.dropped = close(true);
    {
        const short_lock lock(mutex_);
        for (const auto& [id, w] : workers_) {
            if (const held_call* const h = w->running()) {
                report.stuck.push_back(
                    {h->call->call_label(),
                     std::chrono::nanoseconds(wire::now_ns() - w->memory->started_ns)});
                act(*w, w->life.kill());
            }
        }
    }
    join();
    return report;
}

void process_core::end_workers(bool gently) {
    close(true);
    {
        const short_lock lock(mutex_);
        for (const auto& [id, w] : workers_)
            act(*w, gently ? w->life.terminate() : w->life.kill());
    }
    short_lock lock(mutex_);
    while (!reader_ended_)
        changed_.wait(lock);
}

bool process_core::is_forked_copy() const noexcept { return process_ != ::getpid(); }

void process_core::forsake() {
    static_cast<void>(new std::shared_ptr<process_core>(shared_from_this()));
}

// ---- Statistics ---------------------------------------------------------------------------------

pool_stats process_core::stats() {
    const short_lock lock(mutex_);
    pool_stats s = counts_;
    s.queued = queue_.size();
    s.workers = workers_.size();
    for (const auto& [id, w] : workers_) {
        const bool busy = w->running() != nullptr;
        s.running += busy ? 1 : 0;
        s.queued += w->life.held() - (busy ? 1 : 0);
    }
    s.idle = s.workers - s.running;
    return s;
}

} // namespace ferry::detail
