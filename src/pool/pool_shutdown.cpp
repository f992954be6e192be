// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_shutdown.hpp"

#include "figures.hpp"
#include "future/expiry_threads.hpp"
#include "inside/trace.hpp"
#include "pool_core.hpp"
#include "stuck_tasks.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>

namespace ferry::detail {
namespace {

// How long a pool that ends tries to start a thread for functions that none could be started for.
constexpr auto patience = std::chrono::seconds(5);
// How long one whose deadline has come waits for the finalizers of workers that had nothing to do.
constexpr auto time_for_finalizers = std::chrono::milliseconds(100);

} // namespace

pool_shutdown::pool_shutdown(pool_core& core)
    : core_(core), pool_(core.state()), mutex_(pool_.mutex), threads_(mutex_), expiring_(mutex_) {}

// Tells everybody who stood in the line that the pool takes nothing any more.
void pool_shutdown::turn_away(const std::vector<admission::place>& all) noexcept {
    {
        const scoped_lock lock(mutex_);
        pool_.line.turn_away(all);
    }
    for (const admission::place& p : all) {
        if (p.thread == nullptr) {
            const boost::intrusive_ptr<shared_state_base> keep(p.task);
            p.task->drop(closed_error());
            if (external_entry* const x = keep->external()) {
                x->stay_out();
                core_.entry().finish_external(*keep);
            }
        }
    }
}

void pool_shutdown::throw_closed() {
    if (pool_.is_forked_copy())
        throw shutdown_error(
            "the thread pool was made before fork() and has no threads in the child");
    scoped_lock lock(mutex_);
    broken_.check();
    throw shutdown_error();
}
std::exception_ptr pool_shutdown::closed_error() noexcept {
    return error_or_shortage([this]() -> std::exception_ptr { throw_closed(); });
}

void pool_shutdown::on_expiry_started(task_extra& t) noexcept {
    const scoped_lock lock(mutex_);
    expiring_.add(t, coarse_now());
}

void pool_shutdown::on_expiry_finished(task_extra& t) noexcept {
    const scoped_lock lock(mutex_);
    expiring_.remove(t);
    if (pool_.closed.load())
        notify();
}

void pool_shutdown::close(bool cancel) {
    if (pool_.is_forked_copy())
        return;
    fifo dropped;
    std::vector<admission::place> turned_away;
    {
        const scoped_lock lock(mutex_);
        pool_.closed.store(true);
        turned_away = pool_.line.clear();
        if (cancel) // tasks only: a strand's turn brings more than itself
            dropped = pool_.queue.extract([](const work_item& r) { return r.is_task(); });
        pool_.sleeping.wake_all();
    }
    turn_away(turned_away);
    while (work_item* r = dropped.pop())
        r->drop(nullptr);
    if (cancel)
        pool_.external.for_each([](shared_state_base& g) { g.cancel(); });
}

void pool_shutdown::mark_broken(std::string why) noexcept {
    fifo dropped;
    std::vector<admission::place> turned_away;
    {
        const scoped_lock lock(mutex_);
        if (!broken_.is_broken())
            broken_.note(std::move(why));
        pool_.external.abandon();
        pool_.closed.store(true);
        dropped = pool_.queue.extract_all();
        turned_away = pool_.line.clear();
        pool_.sleeping.wake_all();
    }
    turn_away(turned_away);
    const auto* const broken = &broken_; // which does not change any more
    while (work_item* r = dropped.pop())
        r->drop(broken->error());
    pool_.external.for_each([broken](shared_state_base& g) { g.fail(broken->error(), false); });
}

void pool_shutdown::join() {
    if (pool_.is_forked_copy())
        return;
    using clock = timeout::clock;
    const std::size_t own_expiries = expiring_owner() == &core_ ? 1 : 0;
    std::optional<clock::time_point> starving_since;
    shared_state_base::catch_up(); // tasks may wait for that
    scoped_lock lock(mutex_);
    if (on_worker_of(&core_) && !this_worker()->detached)
        pool_.workers.detach(*this_worker());
    for (;;) {
        if (threads_.join(lock))
            notify();
        // Functions for which no thread could be started: not forever.
        pool_.queue.drain();
        const bool starves = pool_.workers.empty() && pool_.queue.has_ready() &&
                             (!starving_since || clock::now() - *starving_since < patience);
        if (!starves && pool_.workers.have_ended() && threads_.are_joined() &&
            pool_.external.is_done() && expiring_.are_done(own_expiries))
            return;
        if (starves) {
            if (!starving_since)
                starving_since = clock::now();
            lock.unlock();
            core_.staff().start_if_starving();
            lock.lock();
            if (pool_.workers.empty())
                changed_.wait_until(lock, clock::now() + std::chrono::milliseconds(10));
        } else if (!threads_.any()) {
            changed_.wait(lock);
        }
    }
}

shutdown_report pool_shutdown::close_within(timeout limit) {
    if (pool_.is_forked_copy())
        return {};
    const auto deadline = limit.deadline();
    const auto finished = [this] {
        const pool_stats s = read_stats(pool_);
        return s.completed + s.failed;
    };
    const std::uint64_t before = finished();
    close(false);
    core_.staff().start_if_starving();
    shared_state_base::catch_up(); // tasks may wait for that
    shutdown_report report;
    fifo dropped;
    {
        scoped_lock lock(mutex_);
        while (!(pool_.workers.have_ended() && pool_.external.is_done() && expiring_.size() == 0) &&
               !(deadline && timeout::clock::now() >= *deadline)) {
            if (deadline)
                changed_.wait_until(lock, *deadline);
            else
                changed_.wait(lock);
        }
        dropped = pool_.queue.extract_all();
        pool_.external.abandon();
        expiring_.abandon();
        pool_.sleeping.wake_all();
        const auto note = [&report](auto&& label, std::int64_t since) noexcept {
            add_stuck(report, std::chrono::nanoseconds(coarse_now() - since), label);
        };
        // Those that are idle end by themselves, unless code of the user comes up on their way.
        pool_.workers.detach_stuck(true, note);
        const auto late = timeout::clock::now() + time_for_finalizers;
        while (!pool_.workers.have_ended()) {
            changed_.wait_until(lock, timeout::clock::now() + std::chrono::milliseconds(10));
            pool_.workers.detach_stuck(timeout::clock::now() >= late, note);
        }
        expiring_.for_each([&note](const task_extra& t) {
            note([&t] { return "a callback of '" + t.timer.state->label() + "'"; }, t.expired_at);
        });
    }
    while (work_item* r = dropped.pop()) {
        report.dropped += r->is_task() && !r->stale() ? 1 : 0;
        r->drop(nullptr);
    }
    pool_.external.for_each(
        [&report](shared_state_base& g) { report.dropped += g.cancel() ? 1 : 0; });
    join();
    report.finished = static_cast<std::size_t>(finished() - before);
    if (!report.stuck.empty())
        report.trace = trace_of_stuck_tasks(pool_.options.name);
    return report;
}

} // namespace ferry::detail
