// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include "figures.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/task.hpp>

namespace ferry::detail {

bool on_worker_of(const pool_core* core) noexcept {
    return on_worker_of(static_cast<const task_owner*>(core));
}
bool on_worker_of(const task_owner* core) noexcept {
    const worker* const w = this_worker();
    return w != nullptr && core != nullptr && &w->core == core;
}

// ---- Life ---------------------------------------------------------------------------------------

pool_core::pool_core(thread_pool_options options)
    : pool_(std::move(options)), shutdown_(*this), staffing_(*this), bounded_entry_(*this),
      submission_(*this) {}

pool_core::~pool_core() { drop_rest(); }

void pool_core::drop_rest() noexcept {
    // Nothing is left here unless the workers ended without looking again: fail it rather than
    // leave it pending.
    fifo rest;
    {
        const scoped_lock lock(pool_.mutex);
        rest = pool_.queue.extract_all();
    }
    while (work_item* r = rest.pop())
        r->drop(error_or_shortage(
            [] { return make_error<broken_promise>("the thread pool was destroyed"); }));
}

void pool_core::abandon_after_fork() noexcept {
    // The threads' handles must not be destroyed while they look joinable.
    // NOLINTNEXTLINE(bugprone-unhandled-exception-at-new): without memory the child ends here
    static_cast<void>(new std::shared_ptr<pool_core>(shared_from_this()));
}

// ---- What tasks and workers tell their pool -----------------------------------------------------

void pool_core::on_expiry_started(task_extra& t) noexcept { shutdown_.on_expiry_started(t); }
void pool_core::on_expiry_finished(task_extra& t) noexcept { shutdown_.on_expiry_finished(t); }

void pool_core::on_task_claimed(shared_state_base& task, bool cancelled, bool in_line) noexcept {
    if (is_forked_copy())
        return; // its locks may be held forever
    if (cancelled)
        pool_.record.on_cancelled(task);
    const bool queued = !in_line && task.external() == nullptr;
    const bool purge = queued && pool_.queue.on_claimed();
    if (is_bounded() && (!queued || pool_.line.may_wait_for(task)))
        bounded_entry_.on_claimed(task, in_line);
    if (purge)
        pool_.queue.purge_claimed();
}

void pool_core::on_claimed_task_removed(shared_state_base& task) noexcept {
    if (task.external() == nullptr && !task.is_in_line())
        pool_.queue.on_claimed_removed();
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task)
        w->activity.forget_and_end(task);
}

// Where the worker called itself available before, somebody may have relied on that meanwhile.
void pool_core::destroys_outcome(worker& w, shared_state_base& task,
                                 const std::type_info& type) noexcept {
    FERRY_ASSERT(this_worker() == &w && w.top == &task);
    if (w.activity.destroy_outcome(task, type, pool_.mutex))
        return;
    pool_.end_looking(w);
    if (pool_.queue.may_have_items())
        staffing_.after_push(nullptr);
}

void pool_core::read(all_figures& to) {
    to.pools.push_back({pool_.options.name,
                        pool_.options.max_workers,
                        read_stats(pool_),
                        read_stats_by_label(pool_),
                        {}});
}

} // namespace ferry::detail
