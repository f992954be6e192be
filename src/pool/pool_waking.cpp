// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/detail/memory.hpp>
#include <ferry/detail/spin.hpp>

#include <algorithm>
#include <system_error>

// When threads of a pool are started, when they sleep, and who is woken.

namespace ferry::detail {

// Sees to it that somebody takes what was pushed. `undo`, where given, is taken back when there is
// no thread and none can be started.
void pool_core::call_worker(work_item* undo) {
    if (threads_.load() >= limit_.load()) {
        if (sleepers_.count() != 0)
            sleepers_.wake_one();
        return;
    }
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        try {
            w = wake_or_grow();
        } catch (const std::exception&) {
            if (undo == nullptr)
                return; // it stays queued for the next thread that can be started
            if (!queue_.revoke(*undo))
                return;
            throw;
        }
    }
    if (w != nullptr)
        w->wake_up();
}

// Whether so many workers can take an item now, or very soon. In a pool of very many it looks at
// the youngest only, so that starting them all does not take time that grows with the square.
bool pool_core::has_free_workers(std::size_t wanted) const noexcept {
    mutex_.assert_held();
    std::size_t n = 0;
    std::size_t looks = 256;
    for (auto w = workers_.rbegin(); w != workers_.rend() && n < wanted && looks != 0; ++w, --looks)
        n += (*w)->available() ? 1 : 0;
    return n >= wanted;
}

// After a push: the worker to wake, which the caller does without the lock; or starts one.
sleeper* pool_core::wake_or_grow() {
    mutex_.assert_held();
    if (workers_.size() < limit_.load(std::memory_order_relaxed)) {
        const std::size_t waiting = queue_.live_items();
        if (waiting == 0)
            return nullptr;
        if (sleepers_.count() < waiting && !has_free_workers(waiting))
            start_thread();
    }
    return sleepers_.pop_unless_waking();
}

void pool_core::start_first_thread() {
    const scoped_lock lock(mutex_);
    const bool needed = !closed() || !no_work_outstanding() || queue_.any();
    if (workers_.empty() && needed)
        start_thread();
}

namespace {

template <class T>
void make_room(std::vector<T>& v, std::size_t size) {
    if (v.capacity() < size)
        v.reserve(std::max(size, 2 * v.capacity()));
}

} // namespace

// False where none can be started but others are there; throws where there is none.
bool pool_core::start_thread() {
    mutex_.assert_held();
    try {
        const std::size_t all = workers_.size() + retired_.size() + to_join_.size() + 1;
        make_room(workers_, all); // what may not fail later has its room from here on
        make_room(retired_, all);
        make_room(to_join_, all);
        auto w = std::make_unique<worker>(*this, labels_, record_number_, started_);
        worker& started = *w;
        if (options_.initializer)
            w->current.store(worker::starting());
        w->index = workers_.size();
        workers_.push_back(std::move(w));
        try {
            started.thread = os_thread(options_.stack_size, [self = shared_from_this(), &started] {
                self->work(started);
            });
        } catch (...) {
            workers_.pop_back();
            throw;
        }
    } catch (const std::exception&) {
        if (workers_.empty())
            throw;
        return false;
    }
    ++started_;
    threads_.store(workers_.size());
    return true;
}

// From both lists in a few instructions, whatever their length.
std::unique_ptr<worker> pool_core::remove(worker_list& from, worker& w) noexcept {
    FERRY_ASSERT(w.index < from.size() && from[w.index].get() == &w);
    std::unique_ptr<worker> out = std::move(from[w.index]);
    if (w.index + 1 != from.size()) {
        from[w.index] = std::move(from.back());
        from[w.index]->index = w.index;
    }
    from.pop_back();
    return out;
}

// It takes nothing any more, and another one may be started in its place.
void pool_core::retire(worker& w) noexcept {
    mutex_.assert_held();
    FERRY_ASSERT(!w.retired && retired_.size() < retired_.capacity());
    auto mine = remove(workers_, w);
    w.index = retired_.size();
    w.retired = true;
    retired_.push_back(std::move(mine)); // has room
    threads_.store(workers_.size());
}

void pool_core::start_if_starving() noexcept {
    if (threads_.load() != 0 || !queue_.may_have_items())
        return;
    try {
        start_first_thread();
    } catch (const std::exception&) {
        retry_later();
    }
}

void pool_core::add_spare() {
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        limit_.fetch_add(1);
        w = sleepers_.pop();
        if (w == nullptr && !start_thread()) {
            limit_.fetch_sub(1);
            throw would_deadlock(
                "a task of the thread pool waits so deep inside others that its stack "
                "is short, and no other thread can be started for what it waits for");
        }
    }
    if (w != nullptr)
        w->wake_up();
}

void pool_core::remove_spare() noexcept {
    sleeper* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        FERRY_ASSERT(limit_.load() > options_.max_workers); // `add_spare` came before
        limit_.fetch_sub(1);
        w = sleepers_.pop(); // it may be the one too many
    }
    if (w != nullptr)
        w->wake_up();
}

// There is more in the queue than this worker takes: somebody else to wake, or null.
sleeper* pool_core::wake_candidate() noexcept {
    mutex_.assert_held();
    if (sleepers_.somebody_spins())
        return nullptr; // it looks at the queue
    try {
        return wake_or_grow();
    } catch (const std::exception&) {
        return nullptr; // the workers that there are do it
    }
}

bool pool_core::has_work() const noexcept { return queue_.may_have_items() || closed(); }

// Looks for more for a moment before it sleeps. Nobody is woken for what is pushed meanwhile.
void pool_core::spin_before_sleep(worker& w) noexcept {
    using clock = timeout::clock;
    const sleepers::spinning counted(sleepers_);
    if (const auto& spin = options_.spin) {
        if (*spin <= spin->zero())
            return;
        const auto end = timeout(*spin).deadline().value_or(clock::time_point::max());
        for (spin_wait pause; !has_work() && clock::now() < end;)
            pause();
        return;
    }
    switch (w.idle.decide({.on_submitters_processor = this_processor() == queue_.pushed_on(),
                           .items_since_sleep = w.items_since_sleep,
                           .found_last_time = w.spin_found_work})) {
    case idle_policy::action::sleep: break;
    case idle_policy::action::yield: w.yield(); break;
    case idle_policy::action::spin_short:
        for (int i = 0; i < idle_policy::short_looks && !has_work(); ++i)
            pause_briefly();
        break;
    case idle_policy::action::spin_long: {
        const auto start = clock::now();
        while (!has_work() && clock::now() - start < idle_policy::long_spin)
            pause_briefly();
        w.idle.spun_long(clock::now() - start);
        break;
    }
    }
}

// Sleeps until woken; false when it was idle for too long. Looks at the queue again before.
bool pool_core::sleep(worker& w, scoped_lock& lock) {
    mutex_.assert_held();
    FERRY_ASSERT(this_worker() == &w && w.available());
    if (!closed()) {
        lock.unlock();
        spin_before_sleep(w);
        lock.lock();
        w.spin_found_work = queue_.any();
        if (w.spin_found_work || closed())
            return true;
    }
    w.items_since_sleep = 0;
    measure_again();
    if (!sleepers_.enlist(w, [this] { return queue_.any(); }))
        return true; // pushed meanwhile
    lock.unlock();
    arena_trim();
    sleepers_.wait(w, options_.idle_timeout.deadline());
    lock.lock();
    if (sleepers_.settle(w))
        return true;
    // It counts itself out before it looks, for those who would start another thread.
    threads_.store(workers_.size() - 1);
    if (queue_.any()) {
        threads_.store(workers_.size());
        return true;
    }
    w.current.store(worker::busy()); // nobody may count on it any more
    retire(w);
    return false;
}

} // namespace ferry::detail
