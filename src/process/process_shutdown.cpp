// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_shutdown.hpp"

namespace ferry::detail {

std::size_t process_shutdown::close(bool cancel) {
    {
        const scoped_lock lock(pool_.mutex);
        pool_.phase.close(cancel);
        reader_.stay_away();
    }
    pool_.turn_away(error_or_shortage([] { return make_error<shutdown_error>(); }));
    pool_.wake.set();
    return cancel ? withdrawal(pool_).cancel_all() : 0;
}

void process_shutdown::join() {
    join_reader();
    pool_.jobs.finish();
}

void process_shutdown::join_reader() {
    shared_state_base::catch_up(); // tasks may wait for callbacks that were put off
    reader_.join();
}

shutdown_report process_shutdown::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    shutdown_report report;
    close(false);
    shared_state_base::catch_up(); // tasks may wait for callbacks that were put off
    std::uint64_t before = 0;
    {
        scoped_lock lock(pool_.mutex);
        before = pool_.figures.all().completed + pool_.figures.all().failed;
        while (pool_.has_unfinished() && !(deadline && clock::now() >= *deadline)) {
            if (deadline)
                pool_.changed.wait_until(lock, *deadline);
            else
                pool_.changed.wait(lock);
        }
        report.finished = static_cast<std::size_t>(pool_.figures.all().completed +
                                                   pool_.figures.all().failed - before);
    }
    report.dropped = close(true);
    {
        const scoped_lock lock(pool_.mutex);
        for (const auto& [id, w] : pool_.workers.all()) {
            if (w->slots->running() != nullptr) {
                w->end.dismissed = true;
                pool_.workers.kill(*w);
            }
        }
        // Only now, since an exception for lack of memory here must leave no worker running.
        const std::int64_t now = wire::now_ns();
        for (const auto& [id, w] : pool_.workers.all()) {
            if (const remote_call* const c = w->slots->running()) {
                report.stuck.push_back(
                    {c->call_label(), std::chrono::nanoseconds(now - w->started_ns(now))});
            }
        }
    }
    join_reader();
    pool_.jobs.finish_by(deadline, report);
    return report;
}

void process_shutdown::end_workers(bool gently) {
    close(true);
    {
        const scoped_lock lock(pool_.mutex);
        for (const auto& [id, w] : pool_.workers.all()) {
            w->end.dismissed = true;
            pool_.workers.perform(*w, gently ? w->life.terminate() : w->life.kill());
        }
    }
    scoped_lock lock(pool_.mutex);
    reader_.wait_until_ended(lock);
}

} // namespace ferry::detail
