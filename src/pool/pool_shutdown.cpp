// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "future/expiry_threads.hpp"
#include "inside/trace.hpp"
#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

// How a pool ends, and what it waits for until then.

namespace ferry::detail {
namespace {

// How long a pool that ends tries to start a thread for functions that none could be started for.
constexpr auto patience = std::chrono::seconds(5);

} // namespace

// Tells everybody who stood in the line that the pool takes nothing any more.
void pool_core::turn_away(const std::vector<admission::place>& all) noexcept {
    {
        const scoped_lock lock(mutex_);
        line_.turn_away(all);
    }
    for (const admission::place& p : all) {
        if (p.thread == nullptr) {
            const boost::intrusive_ptr<shared_state_base> keep(p.task);
            p.task->drop(closed_error());
            if (external_entry* const x = keep->external()) {
                x->stay_out();
                on_work_finished(*keep);
            }
        }
    }
}

bool pool_core::on_work_started(shared_state_base& t) {
    if (is_forked_copy())
        return false;
    staffing_.start_if_starving();
    const scoped_lock lock(mutex_);
    if (closed())
        return false;
    external_.start(t);
    return true;
}

void pool_core::on_work_finished(shared_state_base& t) {
    const scoped_lock lock(mutex_);
    line_.leave_queue(t);
    if (external_.finish(t) && closed()) {
        sleepers_.wake_all();
        gone_.notify_all();
    }
}

void pool_core::on_expiry_started(task_extra& t) noexcept {
    const scoped_lock lock(mutex_);
    expiring_.add(t, coarse_now());
}

void pool_core::on_expiry_finished(task_extra& t) noexcept {
    const scoped_lock lock(mutex_);
    expiring_.remove(t);
    if (closed())
        gone_.notify_all();
}

void pool_core::close(bool cancel) {
    if (is_forked_copy())
        return;
    fifo dropped;
    std::vector<admission::place> turned_away;
    {
        const scoped_lock lock(mutex_);
        closed_.store(true);
        turned_away = line_.clear();
        if (cancel) { // tasks only: a strand's turn brings more than itself
            dropped = queue_.extract([](const work_item& r) { return r.is_task(); });
        }
        sleepers_.wake_all();
    }
    turn_away(turned_away);
    while (work_item* r = dropped.pop())
        r->drop(nullptr);
    if (cancel)
        external_.for_each([](shared_state_base& g) { g.cancel(); });
}

void pool_core::mark_broken(std::string why) noexcept {
    fifo dropped;
    std::vector<admission::place> turned_away;
    {
        const scoped_lock lock(mutex_);
        if (!broken_)
            why_broken_ = std::move(why);
        broken_ = true;
        external_.abandon();
        closed_.store(true);
        dropped = queue_.extract_all();
        turned_away = line_.clear();
        sleepers_.wake_all();
    }
    turn_away(turned_away);
    const auto error = [text = &why_broken_] { // which does not change any more
        return error_or_shortage([text] { return make_error<broken_thread_pool>(*text); });
    };
    while (work_item* r = dropped.pop())
        r->drop(error());
    external_.for_each([&error](shared_state_base& g) { g.fail(error(), false); });
}

void pool_core::join() {
    if (is_forked_copy())
        return;
    using clock = timeout::clock;
    const std::size_t own_expiries = expiring_owner() == this ? 1 : 0;
    std::optional<clock::time_point> starving_since;
    shared_state_base::catch_up(); // tasks may wait for that
    scoped_lock lock(mutex_);
    if (on_worker_of(this) && !this_worker()->detached)
        workers_.detach(*this_worker());
    for (;;) {
        if (ended_threads_.join(lock))
            gone_.notify_all();
        // Functions for which no thread could be started: not forever.
        queue_.drain();
        const bool starves = workers_.empty() && queue_.has_ready() &&
                             (!starving_since || clock::now() - *starving_since < patience);
        if (!starves && workers_.have_ended() && ended_threads_.are_joined() &&
            external_.is_done() && expiring_.are_done(own_expiries))
            return;
        if (starves) {
            if (!starving_since)
                starving_since = clock::now();
            lock.unlock();
            staffing_.start_if_starving();
            lock.lock();
            if (workers_.empty())
                gone_.wait_until(lock, clock::now() + std::chrono::milliseconds(10));
        } else if (!ended_threads_.any()) {
            gone_.wait(lock);
        }
    }
}

shutdown_report pool_core::close_within(timeout limit) {
    if (is_forked_copy())
        return {};
    const auto deadline = limit.deadline();
    const auto finished = [this] {
        const pool_stats s = stats();
        return s.completed + s.failed;
    };
    const std::uint64_t before = finished();
    close(false);
    staffing_.start_if_starving();
    shared_state_base::catch_up(); // tasks may wait for that
    shutdown_report report;
    fifo dropped;
    {
        scoped_lock lock(mutex_);
        while (!(workers_.have_ended() && external_.is_done() && expiring_.size() == 0) &&
               !(deadline && timeout::clock::now() >= *deadline)) {
            if (deadline)
                gone_.wait_until(lock, *deadline);
            else
                gone_.wait(lock);
        }
        report.stuck.reserve(workers_.size_with_retired() + expiring_.size());
        dropped = queue_.extract_all();
        external_.abandon();
        expiring_.abandon();
        sleepers_.wake_all();
        const auto note = [&report](auto&& label, std::int64_t since) noexcept {
            auto& stuck = report.stuck.emplace_back(); // has room
            stuck.age = std::chrono::nanoseconds(coarse_now() - since);
            try {
                stuck.label = label();
            } catch (const std::bad_alloc&) { // then it is told without its name
            }
        };
        workers_.detach_stuck(note);
        expiring_.for_each([&note](const task_extra& t) {
            note([&t] { return "a callback of '" + t.timer.state->label() + "'"; }, t.expired_at);
        });
    }
    while (work_item* r = dropped.pop()) {
        report.dropped += r->is_task() && !r->stale() ? 1 : 0;
        r->drop(nullptr);
    }
    external_.for_each([&report](shared_state_base& g) { report.dropped += g.cancel() ? 1 : 0; });
    join();
    report.finished = static_cast<std::size_t>(finished() - before);
    if (!report.stuck.empty())
        report.trace = trace_of_stuck_tasks(options_.name);
    return report;
}

void pool_core::abandon_after_fork() noexcept {
    // The threads' handles must not be destroyed while they look joinable.
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): without memory the child ends here
    static_cast<void>(new std::shared_ptr<pool_core>(shared_from_this()));
}

} // namespace ferry::detail
