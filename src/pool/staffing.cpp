// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "staffing.hpp"

#include "worker_life.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <memory>
#include <utility>

namespace ferry::detail {

// Tries again to start a thread, in a thread that may run user code, because it may be the one that
// ends the pool.
class staffing::retry final : public shared_state<void> {
public:
    retry() { extra = std::make_unique<task_extra>(); }

    void arm(std::weak_ptr<pool_core> core) {
        start_timers();
        if (armed_.exchange(true))
            return;
        core_ = std::move(core);
        delay_ = std::min<std::chrono::milliseconds>(2 * delay_, std::chrono::seconds(1));
        arm_timer(*this, timeout::clock::now() + delay_, timer_purpose::start_by);
    }

private:
    bool on_timer(timer_purpose) noexcept override { return true; }
    void expired() override {
        const auto core = std::exchange(core_, {}).lock();
        armed_.store(false);
        if (core != nullptr)
            core->staff().start_if_starving();
    }

    std::atomic<bool> armed_{false};
    std::weak_ptr<pool_core> core_;
    std::chrono::milliseconds delay_{5};
};

staffing::staffing(pool_core& core) : core_(core), pool_(core.state()), retry_(new retry) {}
staffing::~staffing() = default;

void staffing::retry_later() noexcept {
    try {
        retry_->arm(core_.weak_from_this());
    } catch (
        const std::exception&) { // no timer thread either: whoever uses the pool next tries again
    }
}

void staffing::call_worker(work_item* undo) {
    if (!pool_.workers.is_below_limit()) {
        if (pool_.sleeping.count() != 0)
            pool_.sleeping.wake_one();
        return;
    }
    sleeper* w = nullptr;
    {
        const scoped_lock lock(pool_.mutex);
        try {
            w = wake_or_grow();
        } catch (const std::exception&) {
            if (undo == nullptr)
                return; // it stays queued for the next thread that can be started
            if (!pool_.queue.revoke(*undo))
                return;
            throw;
        }
    }
    if (w != nullptr)
        w->wake_up();
}

// After a push: the worker to wake, which the caller does without the lock; or starts one.
sleeper* staffing::wake_or_grow() {
    pool_.mutex.assert_held();
    if (pool_.workers.room() != 0) {
        const std::size_t waiting = pool_.queue.live_items();
        if (waiting == 0)
            return nullptr;
        if (pool_.sleeping.count() < waiting && !pool_.workers.has_available(waiting))
            start_thread();
    }
    return pool_.sleeping.pop_unless_waking();
}

void staffing::start_first_thread() {
    const scoped_lock lock(pool_.mutex);
    const bool needed = !pool_.closed.load() || !pool_.external.is_done() || pool_.queue.any();
    if (pool_.workers.empty() && needed)
        start_thread();
}

bool staffing::start_thread() {
    pool_.mutex.assert_held();
    return pool_.workers.start(
        pool_.options.stack_size,
        [this](std::size_t number) {
            pool_.mutex.assert_held();
            core_.shutdown().threads().make_room(pool_.workers.size_with_retired() + 1);
            auto w = std::make_unique<worker>(core_, pool_.record.labels(), pool_.record.number(),
                                              number);
            if (pool_.options.initializer)
                w->activity.be_starting();
            return w;
        },
        [self = core_.shared_from_this()](worker& w) { worker_life(*self, w).run(); });
}

void staffing::start_if_starving() noexcept {
    if (pool_.workers.count() != 0 || !pool_.queue.may_have_items())
        return;
    try {
        start_first_thread();
    } catch (const std::exception&) {
        retry_later();
    }
}

void staffing::add_spare() {
    sleeper* w = nullptr;
    {
        const scoped_lock lock(pool_.mutex);
        pool_.workers.raise_limit();
        w = pool_.sleeping.pop();
        if (w == nullptr && !start_thread()) {
            pool_.workers.lower_limit();
            throw would_deadlock(
                "a task of the thread pool waits so deep inside others that its stack "
                "is short, and no other thread can be started for what it waits for");
        }
    }
    if (w != nullptr)
        w->wake_up();
}

void staffing::remove_spare() noexcept {
    sleeper* w = nullptr;
    {
        const scoped_lock lock(pool_.mutex);
        pool_.workers.lower_limit();
        w = pool_.sleeping.pop(); // it may be the one too many
    }
    if (w != nullptr)
        w->wake_up();
}

sleeper* staffing::wake_candidate() noexcept {
    pool_.mutex.assert_held();
    if (pool_.sleeping.somebody_spins())
        return nullptr; // it looks at the queue
    try {
        return wake_or_grow();
    } catch (const std::exception&) {
        return nullptr; // the workers that there are do it
    }
}

} // namespace ferry::detail
