// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/task.hpp>

namespace ferry::detail {

// ---- What tasks tell their pool -----------------------------------------------------------------

bool on_worker_of(const pool_core* core) noexcept {
    return on_worker_of(static_cast<const task_owner*>(core));
}
bool on_worker_of(const task_owner* core) noexcept {
    const worker* const w = this_worker();
    return w != nullptr && core != nullptr && &w->core == core;
}

// ---- Submitting ---------------------------------------------------------------------------------

pool_core::pool_core(thread_pool_options options)
    : options_(std::move(options)), record_(mutex_, options_), queue_(mutex_, record_.shown()),
      workers_(mutex_, options_.max_workers),
      line_(mutex_, options_, queue_, external_, workers_, sleepers_), shutdown_(*this),
      staffing_(*this), entry_(*this) {}

pool_core::~pool_core() { drop_rest(); }

void pool_core::drop_rest() noexcept {
    // Nothing is left here unless the workers ended without looking again: fail it rather than
    // leave it pending.
    fifo rest;
    {
        const scoped_lock lock(mutex_);
        rest = queue_.extract_all();
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

bool pool_core::revoke(const work_item& r) noexcept {
    const scoped_lock lock(mutex_);
    return queue_.revoke(r);
}

void pool_core::push(shared_state_base& r, entrance e) {
    if (is_forked_copy())
        shutdown_.throw_closed();
    record_.on_submitted(r);
    task_queue::reservation memory(queue_, r.priority);
    if (line_.is_bounded()) {
        if (entry_.enter(r, e) == entered::expired)
            r.shared_state_base::run();
        else
            memory.use();
        return;
    }
    if (workers_.seems_empty())
        staffing_.start_first_thread();
    if (closed())
        shutdown_.throw_closed();
    memory.use();
    queue_.push(r, true); // it may be gone from here on
    if (closed() && revoke(r))
        shutdown_.throw_closed();
    after_push(&r);
}

void pool_core::push_all(std::span<shared_state_base* const> tasks) {
    if (is_forked_copy())
        shutdown_.throw_closed();
    sleeper* w = nullptr;
    {
        scoped_lock lock(mutex_);
        if (closed()) {
            lock.unlock();
            shutdown_.throw_closed();
        }
        if (tasks.empty())
            return;
        if (workers_.empty())
            staffing_.start_thread();
        queue_.add_all(tasks, [this](shared_state_base& t) {
            t.refer_unshared();
            record_.on_submitted(t);
        });
        w = staffing_.wake_candidate(); // it wakes the next one when it takes its own
    }
    if (w != nullptr)
        w->wake_up();
}

void pool_core::post(work_item& r) noexcept {
    if (is_forked_copy()) {
        r.drop(nullptr);
        return;
    }
    if (workers_.seems_empty()) {
        try {
            staffing_.start_first_thread();
        } catch (const std::exception&) { // a shortage: it stays queued until one can be started
        }
    }
    const bool workers_stay = !external_.is_done();
    const bool accepted = workers_stay || !closed();
    if (accepted)
        queue_.push(r, false); // it may be gone from here on
    if (!accepted || (!workers_stay && closed() && revoke(r))) {
        r.drop(nullptr);
        return;
    }
    after_push(nullptr);
    if (workers_.count() == 0)
        staffing_.retry_later();
}

// ---- What tasks and workers tell their pool -----------------------------------------------------

bool pool_core::on_work_started(shared_state_base& t) {
    if (is_forked_copy())
        return false;
    staffing_.start_if_starving();
    if (t.external() != nullptr)
        record_.on_submitted(t);
    const scoped_lock lock(mutex_);
    if (closed())
        return false;
    external_.start(t);
    if (t.external() != nullptr && !line_.is_bounded())
        external_.wait(t);
    return true;
}

// What a task without bounds has to tell comes late: it does not know its pool.
void pool_core::on_external_left(shared_state_base& t) noexcept {
    if (line_.is_bounded())
        entry_.on_external_left(t);
    else if (external_.leave_queue(t) && t.is_cancelled())
        record_.on_cancelled(t);
}

void pool_core::on_work_finished(shared_state_base& t) {
    if (!line_.is_bounded())
        on_external_left(t);
    const scoped_lock lock(mutex_);
    line_.leave_queue(t);
    if (external_.finish(t) && closed()) {
        sleepers_.wake_all();
        shutdown_.notify();
    }
}

void pool_core::on_expiry_started(task_extra& t) noexcept { shutdown_.on_expiry_started(t); }
void pool_core::on_expiry_finished(task_extra& t) noexcept { shutdown_.on_expiry_finished(t); }

void pool_core::on_task_claimed(shared_state_base& task, bool cancelled, bool in_line) noexcept {
    if (is_forked_copy())
        return; // its locks may be held forever
    if (cancelled)
        record_.on_cancelled(task);
    const bool queued = !in_line && task.external() == nullptr;
    const bool purge = queued && queue_.on_claimed();
    if (line_.is_bounded() && (!queued || line_.may_wait_for(task)))
        entry_.on_claimed(task, in_line);
    if (purge)
        queue_.purge_claimed();
}

void pool_core::on_claimed_task_removed(shared_state_base& task) noexcept {
    if (task.external() == nullptr && !task.is_in_line())
        queue_.on_claimed_removed();
    worker* const w = current_worker;
    if (w != nullptr && w->top == &task)
        w->forget(task, nullptr);
}

// The worker has let go of the task, of which it holds the last reference. Where it called itself
// available before, somebody may have relied on that meanwhile.
void pool_core::destroys_outcome(worker& w, shared_state_base& task,
                                 const std::type_info& type) noexcept {
    FERRY_ASSERT(this_worker() == &w && w.top == &task);
    FERRY_ASSERT(task.done());
    if (task.extra != nullptr && !task.extra->label.empty()) {
        const scoped_lock lock(mutex_);
        w.destroys_label = std::move(task.extra->label);
    } else if (!w.destroys_label.empty()) {
        const scoped_lock lock(mutex_);
        w.destroys_label.clear();
    }
    w.destroys.store(&type);
    shared_state_base* mine = &task;
    if (w.current.compare_exchange_strong(mine, worker::busy()) || mine == worker::busy())
        return;
    if (mine == worker::reading()) { // its label is being read
        w.forget(task, worker::busy());
        return;
    }
    w.current.store(worker::busy());
    end_looking(w);
    if (queue_.may_have_items())
        after_push(nullptr);
}

// ---- Figures ------------------------------------------------------------------------------------

pool_stats pool_core::stats() {
    pool_stats s;
    if (is_forked_copy())
        return s;
    task_counts sum;
    {
        const scoped_lock lock(mutex_);
        s.workers = workers_.size_with_retired();
        workers_.add_counts_to(sum);
        workers_.for_each(
            [&s](const worker& w) { s.running += w.current.load() != nullptr ? 1 : 0; });
        // Last: a worker that meets a cancelled task counts it out of the claimed ones before it lets
        // go of that.
        s.queued = queue_.live_tasks();
        if (external_.queued() != 0)
            external_.for_each_waiting([&s](const shared_state_base&) { ++s.queued; });
    }
    s.idle = s.workers - s.running;
    s.cancelled = record_.cancelled();
    sum.add_to(s);
    return s;
}

label_registry::figures pool_core::stats_by_label() {
    if (is_forked_copy())
        return {};
    struct live_counts {
        std::size_t queued = 0, running = 0;
    };
    std::unordered_map<label_entry*, live_counts> live;
    const auto count = [&](const shared_state_base& t) {
        ++live[&record_.labels().keep(t.statistics_label())].queued;
    };
    const scoped_lock lock(mutex_);
    queue_.extract([&](const work_item& r) { // which takes nothing out
        if (r.is_task() && !r.stale())
            count(static_cast<const shared_state_base&>(r));
        return false;
    });
    if (external_.queued() != 0)
        external_.for_each_waiting(count);
    std::vector<const label_table*> tables;
    workers_.for_each([&](const worker& w) {
        tables.push_back(&w.labels);
        label_entry* const label = w.running_label.load(std::memory_order_relaxed);
        if (label != nullptr && w.record.label.load(std::memory_order_relaxed) != 0 &&
            w.current.load() != nullptr)
            ++live[label].running;
    });
    label_registry::figures figures = record_.labels().read(tables);
    for (const auto& [label, counts] : live) {
        pool_stats& s = figures[record_.labels().name_of(*label)];
        s.queued += counts.queued;
        s.running += counts.running;
    }
    return figures;
}

void pool_core::read(all_figures& to) {
    to.pools.push_back({options_.name, options_.max_workers, stats(), stats_by_label(), {}});
}

} // namespace ferry::detail
