// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "submission.hpp"

#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>

#include <exception>

namespace ferry::detail {

submission::submission(pool_core& core) noexcept : core_(core), pool_(core.state()) {}

bool submission::revoke(const work_item& r) noexcept {
    const scoped_lock lock(pool_.mutex);
    return pool_.queue.revoke(r);
}

void submission::push(shared_state_base& r, entrance e) {
    if (pool_.is_forked_copy())
        core_.shutdown().throw_closed();
    pool_.record.on_submitted(r);
    task_queue::reservation memory(pool_.queue, r.priority);
    if (pool_.line.is_bounded()) {
        if (core_.line_entry().enter(r, e) == entered::expired)
            r.shared_state_base::run();
        else
            memory.use();
        return;
    }
    if (pool_.workers.seems_empty())
        core_.staff().start_first_thread();
    if (pool_.closed.load())
        core_.shutdown().throw_closed();
    memory.use();
    pool_.queue.push(r, true); // it may be gone from here on
    if (pool_.closed.load() && revoke(r))
        core_.shutdown().throw_closed();
    core_.staff().after_push(&r);
}

void submission::push_all(std::span<shared_state_base* const> tasks) {
    if (pool_.is_forked_copy())
        core_.shutdown().throw_closed();
    if (pool_.closed.load())
        core_.shutdown().throw_closed();
    // As much as can be is done without the lock; but they may not be queued after all.
    fifo all;
    for (shared_state_base* t : tasks) {
        FERRY_ASSERT(t->priority == 0);
        t->owner = &core_;
        t->pool_record = pool_.record.number();
        t->refer_unshared();
        pool_.record.on_submitted(*t);
        all.push(*t);
    }
    sleeper* w = nullptr;
    try {
        w = queue_all(all);
    } catch (...) {
        for (shared_state_base* t : tasks) {
            t->owner = nullptr;
            intrusive_ptr_release(t);
        }
        throw;
    }
    if (w != nullptr)
        w->wake_up();
}

sleeper* submission::queue_all(const fifo& tasks) {
    scoped_lock lock(pool_.mutex);
    if (pool_.closed.load()) {
        lock.unlock();
        core_.shutdown().throw_closed();
    }
    if (tasks.empty())
        return nullptr;
    if (pool_.workers.empty())
        core_.staff().start_thread();
    pool_.queue.add_all(tasks);
    return core_.staff().wake_candidate(); // it wakes the next one when it takes its own
}

void submission::post(work_item& r) noexcept {
    if (pool_.is_forked_copy()) {
        r.drop(nullptr);
        return;
    }
    if (pool_.workers.seems_empty()) {
        try {
            core_.staff().start_first_thread();
        } catch (const std::exception&) { // a shortage: it stays queued until one can be started
        }
    }
    const bool workers_stay = !pool_.external.is_done();
    const bool accepted = workers_stay || !pool_.closed.load();
    if (accepted)
        pool_.queue.push(r, false); // it may be gone from here on
    if (!accepted || (!workers_stay && pool_.closed.load() && revoke(r))) {
        r.drop(nullptr);
        return;
    }
    core_.staff().after_push(nullptr);
    if (pool_.workers.count() == 0)
        core_.staff().retry_later();
}

// ---- Tasks of other executors -------------------------------------------------------------------

bool submission::start_external(shared_state_base& t) {
    if (pool_.is_forked_copy())
        return false;
    core_.staff().start_if_starving();
    if (t.external() != nullptr)
        pool_.record.on_submitted(t);
    const scoped_lock lock(pool_.mutex);
    if (pool_.closed.load())
        return false;
    pool_.external.start(t);
    if (t.external() != nullptr && !pool_.line.is_bounded())
        pool_.external.wait(t);
    return true;
}

// What a task without bounds has to tell comes late: it does not know its pool.
void submission::on_external_left(shared_state_base& t) noexcept {
    if (pool_.line.is_bounded())
        core_.line_entry().on_external_left(t);
    else if (pool_.external.leave_queue(t) && t.is_cancelled())
        pool_.record.on_cancelled(t);
}

void submission::finish_external(shared_state_base& t) {
    if (!pool_.line.is_bounded())
        on_external_left(t);
    const scoped_lock lock(pool_.mutex);
    pool_.line.leave_queue(t);
    if (pool_.external.finish(t) && pool_.closed.load()) {
        pool_.sleeping.wake_all();
        core_.shutdown().notify();
    }
}

} // namespace ferry::detail
