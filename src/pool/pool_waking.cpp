// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include "support/futex.hpp"
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
        if (sleeping_.load() != 0)
            wake_one();
        return;
    }
    worker* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        try {
            w = wake_or_grow();
        } catch (const std::exception&) {
            if (undo == nullptr)
                return; // it stays queued for the next thread that can be started
            drain_all();
            const fifo mine = ready_.extract([undo](const work_item& r) { return &r == undo; });
            if (mine.empty())
                return;
            throw;
        }
    }
    if (w != nullptr)
        w->wake_up();
}

// Whether so many workers can take an item now, or very soon. In a pool of very many it looks at the
// youngest only, so that starting them all does not take time that grows with the square.
bool pool_core::has_free_workers(std::size_t wanted) const noexcept {
    std::size_t n = 0;
    std::size_t looks = 256;
    for (auto w = workers_.rbegin(); w != workers_.rend() && n < wanted && looks != 0; ++w, --looks)
        n += (*w)->available() ? 1 : 0;
    return n >= wanted;
}

// After a push: the worker to wake, which the caller does without the lock; or starts one.
worker* pool_core::wake_or_grow() {
    if (workers_.size() < limit_.load(std::memory_order_relaxed)) {
        drain();
        const std::size_t dead = static_cast<std::size_t>(std::max<std::int64_t>(0, claimed_.load()));
        const std::size_t waiting = ready_.size() > dead ? ready_.size() - dead : 0;
        if (waiting == 0)
            return nullptr;
        if (sleeping_.load() < waiting && !has_free_workers(waiting))
            start_thread();
    }
    return sleepers_ != nullptr && !waking_.exchange(true) ? pop_sleeper() : nullptr;
}

worker* pool_core::pop_sleeper() noexcept {
    worker* const w = sleepers_;
    if (w != nullptr) {
        sleepers_ = w->next_sleeper;
        w->sleeps = false;
        sleeping_.fetch_sub(1);
        w->wake.store(1);
    }
    return w;
}

void pool_core::wake_one() noexcept {
    if (waking_.load() || waking_.exchange(true))
        return;
    worker* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        w = pop_sleeper();
        if (w == nullptr)
            waking_.store(false);
    }
    if (w != nullptr)
        w->wake_up();
}

void pool_core::start_first_thread() {
    const scoped_lock lock(mutex_);
    const bool needed = !closed() || !no_work_outstanding() || !ready_.empty() || !inbox_.empty();
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
    try {
        const std::size_t all = workers_.size() + retired_.size() + to_join_.size() + 1;
        make_room(workers_, all); // what may not fail later has its room from here on
        make_room(retired_, all);
        make_room(to_join_, all);
        auto w = std::make_unique<worker>(*this, started_);
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
    auto mine = remove(workers_, w);
    w.index = retired_.size();
    w.retired = true;
    retired_.push_back(std::move(mine)); // has room
    threads_.store(workers_.size());
}

void pool_core::start_if_starving() noexcept {
    if (threads_.load() != 0 || (inbox_.empty() && !backlog_.load()))
        return;
    try {
        start_first_thread();
    } catch (const std::exception&) {
        retry_later();
    }
}

void pool_core::add_spare() {
    worker* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        limit_.fetch_add(1);
        w = pop_sleeper();
        if (w == nullptr && !start_thread()) {
            limit_.fetch_sub(1);
            throw would_deadlock("a task of the thread pool waits so deep inside others that its stack "
                                 "is short, and no other thread can be started for what it waits for");
        }
    }
    if (w != nullptr)
        w->wake_up();
}

void pool_core::remove_spare() noexcept {
    worker* w = nullptr;
    {
        const scoped_lock lock(mutex_);
        limit_.fetch_sub(1);
        w = pop_sleeper(); // it may be the one too many
    }
    if (w != nullptr)
        w->wake_up();
}

// There is more in the queue than this worker takes: somebody else to wake, or null.
worker* pool_core::wake_candidate() noexcept {
    if (spinning_.load() != 0)
        return nullptr; // it sees `backlog_`
    try {
        return wake_or_grow();
    } catch (const std::exception&) {
        return nullptr; // the workers that there are do it
    }
}

bool pool_core::has_work() const noexcept {
    return !inbox_.empty() || backlog_.load() || closed();
}

// Looks for more for a moment before it sleeps, because a wake-up costs microseconds, across
// processors tens of them. Nobody is woken for what is pushed meanwhile.
//
// On the submitter's processor it only lets the submitter go on: what that pushes in its time slice
// is then found without a wake-up (measured: 1000 coroutines offloading in turn take half the time).
// Elsewhere it looks for a microsecond or two where items came one after the other; once in a while
// for as long as a wake-up takes, because a partner that is never asleep when the answer comes is
// answered in a microsecond, and nothing else leads there (measured: a round trip takes 1 instead of
// 50 us). What does not pay is left out more and more.
void pool_core::spin_before_sleep(worker& w) noexcept {
    using clock = timeout::clock;
    constexpr auto wake_up = std::chrono::microseconds(50); // across processors
    constexpr auto soon = std::chrono::microseconds(4);

    if (const auto& spin = options_.spin) {
        if (*spin <= spin->zero())
            return;
        const auto end = clock::now() + *spin;
        for (spin_wait pause; !has_work() && clock::now() < end;)
            pause();
    } else if (this_processor() == inbox_.pushed_on()) {
        w.yield();
    } else if (w.items_since_sleep >= 8 || w.found) {
        if (w.items_since_sleep >= 8)
            w.long_spin.reset();
        for (int i = 0; i < 200 && !has_work(); ++i)
            pause_briefly();
    } else if (w.long_spin.allows()) {
        const auto start = clock::now();
        while (!has_work() && clock::now() - start < wake_up)
            pause_briefly();
        if (clock::now() - start >= soon)
            w.long_spin.failed();
    }
}

// Sleeps until woken; false when it was idle for too long. Looks at the queue again before.
bool pool_core::sleep(worker& w, scoped_lock& lock) {
    if (!closed()) {
        lock.unlock();
        spinning_.fetch_add(1);
        spin_before_sleep(w);
        spinning_.fetch_sub(1);
        lock.lock();
        w.found = !inbox_.empty() || !ready_.empty();
        if (w.found || closed())
            return true;
    }
    w.items_since_sleep = 0;
    w.wake.store(0);
    w.next_sleeper = sleepers_;
    sleepers_ = &w;
    w.sleeps = true;
    sleeping_.fetch_add(1);
    if (!inbox_.empty()) { // pushed meanwhile
        sleepers_ = w.next_sleeper;
        w.sleeps = false;
        sleeping_.fetch_sub(1);
        return true;
    }
    lock.unlock();
    arena_trim();
    const auto deadline = options_.idle_timeout.deadline();
    bool expired = false;
    while (w.wake.load() == 0 && !expired) {
        futex_wait(reinterpret_cast<std::uint32_t*>(&w.wake), 0, deadline);
        expired = deadline && timeout::clock::now() >= *deadline;
    }
    lock.lock();
    if (!w.sleeps) {
        waking_.store(false);
        return true;
    }
    // Nobody wakes it any more: it takes itself off the list and counts itself out; then it looks
    // once more, because a submitter that still counted on it has pushed before.
    for (worker** link = &sleepers_; *link != nullptr; link = &(*link)->next_sleeper) {
        if (*link == &w) {
            *link = w.next_sleeper;
            break;
        }
    }
    w.sleeps = false;
    sleeping_.fetch_sub(1);
    threads_.store(workers_.size() - 1);
    if (!inbox_.empty() || !ready_.empty()) {
        threads_.store(workers_.size());
        return true;
    }
    w.current.store(worker::busy()); // nobody may count on it any more
    retire(w);
    return false;
}

} // namespace ferry::detail
