// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_shutdown.hpp"

#include "process/wire.hpp"

#include <vector>

namespace ferry::detail::cluster {

std::size_t cluster_shutdown::close(bool cancel) {
    call_outcomes out;
    std::vector<remote_call_ptr> all;
    {
        const annotated_lock lock(pool_.mutex);
        pool_.phase.close();
        for (auto first = pool_.line.first(); first; first = pool_.line.first()) {
            open_call& c = pool_.calls.at(*first);
            pool_.figures.failed(*c.call);
            if (c.turned_away != nullptr)
                *c.turned_away = true;
            pool_.end(c, make_error<shutdown_error>(), out);
        }
        if (cancel) {
            for (const auto& [number, c] : pool_.calls.all())
                all.push_back(c.call);
        }
        pool_.changed.notify_all();
    }
    pool_.complete(out);
    std::size_t cancelled = 0;
    for (const auto& c : all)
        cancelled += c->state().cancel() ? 1 : 0;
    return cancelled;
}

void cluster_shutdown::join() {
    join_connections();
    pool_.jobs.finish();
}

void cluster_shutdown::join_connections() {
    {
        annotated_lock lock(pool_.mutex);
        while (!pool_.calls.have_all_ended())
            lock.wait(pool_.changed);
        pool_.phase.finish();
    }
    pool_.wake_threads();
    pool_.publisher.finish(std::chrono::seconds(1));
    pool_.consumer.finish(std::chrono::seconds(1));
}

std::uint64_t cluster_shutdown::ended() const {
    return pool_.figures.all().completed + pool_.figures.all().failed;
}

shutdown_report cluster_shutdown::close_within(timeout limit) {
    const auto deadline = limit.deadline();
    shutdown_report report;
    std::uint64_t before = 0;
    {
        const annotated_lock lock(pool_.mutex);
        before = ended();
    }
    close(false);
    {
        annotated_lock lock(pool_.mutex);
        while (!pool_.calls.have_all_ended()) {
            if (!deadline)
                lock.wait(pool_.changed);
            else if (lock.wait_until(pool_.changed, *deadline) == std::cv_status::timeout)
                break;
        }
        report.finished = static_cast<std::size_t>(ended() - before);
    }
    report.dropped = close(true);
    give_up_what_runs(report);
    join_connections();
    pool_.jobs.finish_by(deadline, report);
    return report;
}

void cluster_shutdown::give_up_what_runs(shutdown_report& report) {
    std::vector<remote_call_ptr> stuck;
    {
        const annotated_lock lock(pool_.mutex);
        const std::int64_t now = wire::now_ns();
        for (const auto& [number, c] : pool_.calls.all()) {
            report.stuck.push_back(
                {c.call->call_label(), std::chrono::nanoseconds(now - c.started_ns)});
            stuck.push_back(c.call);
        }
    }
    call_outcomes out;
    {
        const annotated_lock lock(pool_.mutex);
        for (const auto& call : stuck) {
            open_call* const c = pool_.calls.find(call->number);
            if (c == nullptr)
                continue;
            pool_.figures.failed(*call);
            pool_.end_early(*c, call_errors::left(*call), out);
        }
    }
    pool_.complete(out);
}

void cluster_shutdown::break_for(const std::string& why) noexcept {
    call_outcomes out;
    {
        const annotated_lock lock(pool_.mutex);
        if (pool_.phase.is_broken())
            return;
        pool_.phase.break_for(why);
        while (open_call* const c = pool_.calls.any()) {
            ledger::actions unneeded; // nothing is published any more
            pool_.book.remove(c->call->number, unneeded);
            pool_.figures.failed(*c->call);
            pool_.end(*c, pool_.phase.error(), out);
        }
        pool_.wake_threads();
        pool_.publisher.interrupt();
        pool_.consumer.interrupt();
    }
    pool_.complete(out);
}

} // namespace ferry::detail::cluster
