// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "task_queue.hpp"

#include <ferry/detail/spin.hpp>

namespace ferry::detail {

work_item* task_queue::take() noexcept {
    mutex_.assert_held();
    work_item* r = nullptr;
    if (prioritized_.load()) {
        drain();
        r = ready_.pop();
    } else {
        r = ready_.empty() ? inbox_.pop() : ready_.pop();
    }
    note_backlog();
    if (r != nullptr)
        record_.taken.store(inbox_.taken_tasks() - ready_.tasks(), std::memory_order_relaxed);
    return r;
}

void task_queue::drain() noexcept {
    mutex_.assert_held();
    while (work_item* const r = inbox_.pop())
        ready_.push(*r);
    note_backlog();
}

// The same, with what is just being pushed.
void task_queue::drain_all() noexcept {
    drain();
    for (spin_wait pause; !inbox_.empty(); drain())
        pause();
}

void task_queue::purge_claimed() noexcept {
    fifo stale;
    {
        const scoped_lock lock(mutex_);
        drain();
        if (record_.claimed.load() * 2 > static_cast<std::int64_t>(ready_.size())) {
            stale = ready_.extract([](const work_item& r) { return r.stale(); });
            note_backlog();
        }
        purge_claimed_at_.store(256 + static_cast<std::int64_t>(ready_.size()) / 2);
    }
    while (work_item* r = stale.pop())
        r->drop(nullptr);
}

void task_queue::reserve(int priority) {
    const scoped_lock lock(mutex_);
    ready_.reserve(priority);
}

void task_queue::let_go(int priority) noexcept {
    const scoped_lock lock(mutex_);
    ready_.cancel_reservation(priority);
}

} // namespace ferry::detail
