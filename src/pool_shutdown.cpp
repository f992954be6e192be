// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"


// How a pool ends, and what it waits for until then.

namespace ferry::detail {

bool pool_core::expect(shared_state_base& t) {
    if (is_forked_copy())
        return false;
    const short_lock lock(mutex_);
    if (closed())
        return false;
    expected_.fetch_add(1);
    guests_.insert(&t);
    return true;
}

void pool_core::met(shared_state_base& t) {
    const short_lock lock(mutex_);
    guests_.erase(&t);
    if (expected_.fetch_sub(1) == 1 && closed()) {
        wake_all();
        gone_.notify_all();
    }
}

void pool_core::close(bool cancel) {
    if (is_forked_copy())
        return;
    fifo dropped;
    std::vector<boost::intrusive_ptr<shared_state_base>> guests;
    {
        const short_lock lock(mutex_);
        closed_.store(true);
        if (cancel) { // tasks only: a strand's turn brings more than itself
            drain_all();
            dropped = ready_.extract([](const runnable& r) { return r.is_task(); });
        }
        if (cancel)
            guests.assign(guests_.begin(), guests_.end());
        space_.notify_all();
        wake_all();
    }
    while (runnable* r = dropped.pop())
        r->drop(nullptr);
    for (const auto& g : guests)
        g->cancel();
}

void pool_core::break_pool(const std::string& why) {
    fifo dropped;
    std::vector<boost::intrusive_ptr<shared_state_base>> guests;
    {
        const short_lock lock(mutex_);
        if (!broken_)
            why_broken_ = why;
        broken_ = true;
        given_up_.store(true);
        guests.assign(guests_.begin(), guests_.end());
        closed_.store(true);
        drain_all();
        dropped = ready_.extract_all();
    }
    close(false);
    while (runnable* r = dropped.pop())
        r->drop(make_error<broken_thread_pool>(why));
    for (const auto& g : guests)
        g->fail(make_error<broken_thread_pool>(why), false);
}

void pool_core::wake_all() noexcept {
    while (worker* w = pop_sleeper())
        w->rouse();
}

void pool_core::detach_worker(worker& w) {
    w.detached = true;
    w.thread.detach();
    for (auto it = workers_.begin(); it != workers_.end(); ++it) {
        if (it->get() == &w) {
            detached_.push_back(std::move(*it));
            workers_.erase(it);
            break;
        }
    }
    threads_.store(workers_.size());
}

// Joins the threads that have ended.
void pool_core::reap(short_lock& lock) {
    std::vector<std::thread> threads;
    threads.swap(to_join_);
    if (threads.empty())
        return;
    ++joining_;
    lock.unlock();
    for (auto& t : threads)
        t.join();
    lock.lock();
    --joining_;
    gone_.notify_all();
}

void pool_core::join() {
    if (is_forked_copy())
        return;
    short_lock lock(mutex_);
    if (on_worker_of(this) && !this_worker()->detached)
        detach_worker(*this_worker());
    for (;;) {
        reap(lock);
        if (workers_.empty() && to_join_.empty() && joining_ == 0 && nothing_expected())
            return;
        if (to_join_.empty())
            gone_.wait(lock);
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
    shutdown_report report;
    fifo dropped;
    std::vector<boost::intrusive_ptr<shared_state_base>> guests;
    {
        short_lock lock(mutex_);
        while (!(workers_.empty() && nothing_expected()) && !(deadline && timeout::clock::now() >= *deadline)) {
            if (deadline)
                gone_.wait_until(lock, *deadline);
            else
                gone_.wait(lock);
        }
        drain_all();
        dropped = ready_.extract_all();
        guests.assign(guests_.begin(), guests_.end());
        given_up_.store(true);
        wake_all();
        for (std::size_t i = workers_.size(); i-- != 0;) {
            worker& w = *workers_[i];
            shared_state_base* task = w.current.load();
            if (task == nullptr)
                continue; // it ends by itself: nothing is queued any more
            std::string label = "a callback, finalizer or function without a future";
            if (task == worker::starting()) {
                label = "the initializer";
            } else if (task != worker::busy()) {
                if (!w.current.compare_exchange_strong(task, worker::reading()))
                    continue;
                label = task->label();
                w.current.store(task);
            }
            report.stuck.push_back(
                {std::move(label), std::chrono::nanoseconds(coarse_now() - w.since.load())});
            detach_worker(w);
        }
    }
    while (runnable* r = dropped.pop()) {
        report.dropped += r->is_task() && !r->stale() ? 1 : 0;
        r->drop(nullptr);
    }
    for (const auto& g : guests)
        report.dropped += g->cancel() ? 1 : 0;
    join();
    report.finished = static_cast<std::size_t>(finished() - before);
    return report;
}

void pool_core::forsake() noexcept {
    // The threads' handles must not be destroyed while they look joinable.
    static_cast<void>(new std::shared_ptr<pool_core>(shared_from_this()));
}

} // namespace ferry::detail
