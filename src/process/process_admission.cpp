// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// Who may enter the queue of a bounded process pool, and who stands in line for it.
#include "process_core.hpp"

#include <ferry/detail/assert.hpp>

namespace ferry::detail {

// The pool as its admission sees it. What a worker holds behind another task waits, too.
class process_core::load {
public:
    explicit load(process_core& c) noexcept : core_(c) {}

    std::size_t queued() const noexcept {
        core_.mutex_.assert_held();
        return core_.dispatcher_.size() + core_.dispatcher_.held_behind(); // with what is promised
    }
    std::size_t ahead(int priority) const noexcept {
        core_.mutex_.assert_held();
        return core_.dispatcher_.ahead(priority) + core_.dispatcher_.held_behind();
    }
    std::size_t free_workers() const noexcept {
        core_.mutex_.assert_held();
        return core_.dispatcher_.free_workers();
    }
    std::size_t workers() const noexcept { return core_.options_.max_workers; }
    std::chrono::nanoseconds mean_run_time() const noexcept {
        core_.mutex_.assert_held();
        return core_.dispatcher_.mean_run_time();
    }

private:
    process_core& core_;
};

class process_core::line_owner final : public task_owner {
public:
    explicit line_owner(process_core& c) noexcept : core_(c) {}

    void on_task_claimed(shared_state_base& task, bool, bool in_line) noexcept override {
        if (in_line)
            core_.claimed_in_line(task);
    }
    void on_claimed_task_removed(shared_state_base&) noexcept override {}
    void on_expiry_started(task_extra&) noexcept override {}
    void on_expiry_finished(task_extra&) noexcept override {}

private:
    process_core& core_;
};

std::unique_ptr<task_owner> process_core::make_line_owner() {
    return std::make_unique<line_owner>(*this);
}

void process_core::let_in(remote_call& c, std::size_t bytes) noexcept {
    FERRY_ASSERT(c.counted_bytes == 0);
    if (bytes != 0)
        admission_.add_bytes(bytes); // at most the limit: has room
    c.counted_bytes = bytes;
    dispatcher_.push(c);
}

void process_core::uncount(remote_call& c) noexcept {
    if (c.counted_bytes != 0)
        admission_.remove_bytes(std::exchange(c.counted_bytes, 0));
}

void process_core::uncount_first(dispatch_worker& w) noexcept {
    if (!w.items.empty())
        uncount(static_cast<remote_call&>(w.items.front()));
}

void process_core::advance_line() noexcept {
    load seen(*this);
    admission_.advance(
        seen,
        [this](const admission::place& p) {
            mutex_.assert_held();
            let_in(*static_cast<remote_call*>(p.own), p.bytes);
            if (p.thread != nullptr)
                p.thread->set(admission::blocked_thread::state::let_in);
        },
        [this](const admission::place& p) {
            mutex_.assert_held();
            if (p.thread != nullptr)
                p.thread->set(admission::blocked_thread::state::turned_away);
            else
                given_up_.push(*p.task);
        });
}

// Under the lock; throws what refuses it. If the task expires meanwhile, it is not queued.
entered process_core::enter_or_stand(remote_call& c, entrance e, scoped_lock& lock) {
    shared_state_base& task = c.state();
    const std::size_t own = task.extra != nullptr ? task.extra->bytes : 0;
    if (admission_.limits().max_queue_bytes != 0 && c.arguments.size() > SIZE_MAX - own)
        throw std::invalid_argument("task_options::bytes is " + std::to_string(own) +
                                    ", which does not fit beside the task's " +
                                    std::to_string(c.arguments.size()) + " encoded bytes");
    const auto request =
        admission_request::of(task, own + c.arguments.size(), c.priority, e, admission_.limits());
    load seen(*this);
    return admission_.enter(
        task, &c, request, e, is_callback_thread(), seen, lock,
        [&](std::size_t bytes) {
            mutex_.assert_held();
            let_in(c, bytes);
        },
        [&] {
            mutex_.assert_held();
            advance_line();
        },
        [&](admission::decision why) FERRY_UNCHECKED {
            mutex_.assert_held();
            const std::size_t queued = seen.queued();
            const auto wait = admission_.estimate(request.priority, seen);
            lock.unlock(); // making and throwing an error takes time
            std::rethrow_exception(refusal(why, "the process pool '" + options_.name + "'", task,
                                           request, admission_.limits(), queued, wait));
        });
}

void process_core::claimed_in_line(shared_state_base& task) noexcept {
    if (is_forked_copy())
        return;
    {
        scoped_lock lock(mutex_);
        if (admission_.on_claimed(task))
            admission_.purge([this](const admission::place& p) {
                mutex_.assert_held();
                if (p.thread == nullptr) // whose task is its own to let go of
                    given_up_.push(*p.task);
            });
        dispatch(lock);
    }
    drop_given_up();
}

// The line's shares of what has left it.
void process_core::drop_given_up() noexcept {
    fifo all;
    {
        const scoped_lock lock(mutex_);
        std::swap(all, given_up_);
    }
    while (work_item* const r = all.pop()) {
        auto& state = static_cast<shared_state_base&>(*r);
        remote_call_ptr keep(&dynamic_cast<remote_call&>(state));
        state.shared_state_base::run(); // ends the share of the line
        let_go_of(std::move(keep));
    }
}

// Tells everybody who stands in the line that the pool takes nothing any more.
void process_core::turn_away(const std::exception_ptr& why) noexcept {
    std::vector<admission::place> all;
    {
        const scoped_lock lock(mutex_);
        all = admission_.clear();
        for (const admission::place& p : all) {
            if (p.thread != nullptr)
                p.thread->set(admission::blocked_thread::state::turned_away);
        }
    }
    for (const admission::place& p : all) {
        if (p.thread != nullptr)
            continue;
        remote_call_ptr keep(static_cast<remote_call*>(p.own));
        keep->refuse(why);
        p.task->shared_state_base::run(); // ends the share of the line
        let_go_of(std::move(keep));
    }
}

} // namespace ferry::detail
