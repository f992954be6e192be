// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "pool_core.hpp"

#include <ferry/detail/assert.hpp>

// Who may enter the queue of a bounded pool, and who stands in line for it.

namespace ferry::detail {

// The pool as its admission sees it.
class pool_core::load {
public:
    /// `exactly`: counts the workers that are just between two tasks as free, too.
    load(pool_core& c, bool exactly) noexcept : core_(c), exactly_(exactly) {}

    std::size_t queued() const noexcept {
        core_.mutex_.assert_held();
        return core_.queue_.live_tasks() + core_.external_.queued();
    }
    std::size_t ahead(int priority) const noexcept {
        core_.mutex_.assert_held();
        return core_.queue_.live_tasks_before(priority) + core_.external_.queued();
    }
    std::size_t free_workers() const noexcept {
        core_.mutex_.assert_held();
        return core_.free_workers(exactly_);
    }
    std::size_t workers() const noexcept { return core_.options_.max_workers; }
    std::chrono::nanoseconds mean_run_time() const noexcept {
        core_.mutex_.assert_held();
        return core_.workers_.mean_run_time();
    }

private:
    pool_core& core_;
    const bool exactly_;
};

// Idle ones, and those that can still be started.
std::size_t pool_core::free_workers(bool exactly) const noexcept {
    mutex_.assert_held();
    return workers_.room() + (exactly ? workers_.available() : sleepers_.count());
}

// It waits in the queue from now on.
void pool_core::let_in(shared_state_base& r, std::size_t bytes) noexcept {
    mutex_.assert_held();
    if (bytes != 0) {
        FERRY_ASSERT(r.extra != nullptr && r.extra->counted_bytes == 0);
        admission_.add_bytes(bytes); // at most the limit: has room
        r.extra->counted_bytes = bytes;
    }
    if (r.external() != nullptr)
        external_.let_in(r);
    else
        queue_.add(r);
}

// It waits there no more.
void pool_core::leave_queue(shared_state_base& r) noexcept {
    mutex_.assert_held();
    if (r.extra != nullptr && r.extra->counted_bytes != 0)
        admission_.remove_bytes(std::exchange(r.extra->counted_bytes, 0));
    external_.leave_queue(r);
}

void pool_core::give_up(const admission::place& p, fifo& given_up) noexcept {
    mutex_.assert_held();
    if (p.thread != nullptr) {
        p.thread->set(admission::blocked_thread::state::turned_away); // which does the rest
        return;
    }
    if (p.priority != 0)
        queue_.cancel_reservation(p.priority);
    given_up.push(*p.task);
}

// Lets in all for which there is room. What has been given up is for the caller to drop, without
// the lock; and then to `external_work::pass_on`. A worker between two tasks comes here with the next one, and
// when there is none; it need not be counted as free `exactly` by others.
void pool_core::advance_line(fifo& given_up, bool exactly) noexcept {
    mutex_.assert_held();
    using state = admission::blocked_thread::state;
    load seen(*this, exactly);
    admission_.advance(
        seen,
        [this](const admission::place& p) {
            mutex_.assert_held();
            let_in(*p.task, p.bytes);
            if (p.thread != nullptr)
                p.thread->set(state::let_in);
        },
        [this, &given_up](const admission::place& p) {
            mutex_.assert_held();
            give_up(p, given_up);
        });
    in_line_.store(admission_.line_size());
}

void pool_core::drop_given_up(fifo all) noexcept {
    while (work_item* const r = all.pop()) {
        auto& task = static_cast<shared_state_base&>(*r);
        const boost::intrusive_ptr<shared_state_base> keep(&task);
        task.shared_state_base::run(); // ends the share of the line
        if (external_entry* const x = task.external()) {
            x->stay_out();
            on_work_finished(task);
        }
    }
}

// Whoever makes room does so and then looks at `in_line_`; who stands in line says so there and
// then looks for room again.
entered pool_core::enter_or_stand(shared_state_base& r, entrance e) {
    shared_state_base::catch_up(); // tasks that make room may wait for that
    sleeper* wake = nullptr;
    entered result{};
    fifo given_up;
    {
        scoped_lock lock(mutex_);
        if (closed()) {
            lock.unlock();
            throw_closed();
        }
        if (workers_.empty() && !start_thread())
            throw std::system_error(
                std::make_error_code(std::errc::resource_unavailable_try_again));
        const auto request =
            admission_request::of(r, r.extra != nullptr ? r.extra->bytes : 0,
                                  r.external() != nullptr ? 0 : r.priority, e, admission_.limits());
        load seen(*this, true);
        result = admission_.enter(
            r, nullptr, request, e, is_own_thread_of(*this), seen, lock,
            [&](std::size_t bytes) {
                mutex_.assert_held();
                let_in(r, bytes);
            },
            [&] {
                mutex_.assert_held();
                in_line_.store(admission_.line_size());
                advance_line(given_up);
            },
            [&](admission::decision why) FERRY_UNCHECKED {
                mutex_.assert_held();
                const std::size_t queued = seen.queued();
                const auto wait = admission_.estimate(request.priority, seen);
                lock.unlock(); // making and throwing an error takes time
                std::rethrow_exception(refusal(why, "the thread pool '" + options_.name + "'", r,
                                               request, admission_.limits(), queued, wait));
            });
        in_line_.store(admission_.line_size());
        wake = wake_candidate();
    }
    if (wake != nullptr)
        wake->wake_up();
    drop_given_up(given_up);
    external_.pass_on();
    if (result == entered::closed)
        throw_closed();
    return result;
}

void pool_core::admit_external(shared_state_base& t, entrance e) {
    boost::intrusive_ptr<shared_state_base> line(&t);
    const entered result = enter_or_stand(t, e);
    static_cast<void>(line.detach()); // the line has that share, or it ends here
    if (result == entered::expired) {
        fifo expired;
        expired.push(t);
        drop_given_up(expired);
    }
}

void pool_core::external_left_queue(shared_state_base& t) noexcept {
    fifo given_up;
    sleeper* wake = nullptr;
    {
        const scoped_lock lock(mutex_);
        leave_queue(t);
        advance_line(given_up);
        if (queue_.has_ready())
            wake = wake_candidate();
    }
    if (wake != nullptr)
        wake->wake_up();
    drop_given_up(given_up);
    external_.pass_on();
}

void pool_core::on_task_claimed(shared_state_base& task, bool cancelled, bool in_line) noexcept {
    if (is_forked_copy())
        return; // its locks may be held forever
    if (cancelled) {
        cancelled_.fetch_add(1, std::memory_order_relaxed);
        labels_.count_cancelled(task.statistics_label());
        if (task.is_recorded())
            record(recording::event::cancelled, task, 0, steady_now());
    }
    const bool queued = !in_line && task.external() == nullptr;
    const bool purge = queued && queue_.on_claimed();
    if (bounded_ &&
        (!queued || in_line_.load() != 0 || (task.extra != nullptr && task.extra->bytes != 0))) {
        fifo given_up;
        sleeper* wake = nullptr;
        {
            const scoped_lock lock(mutex_);
            if (!in_line)
                leave_queue(task);
            else if (admission_.on_claimed(task))
                admission_.purge([&](const admission::place& p) {
                    mutex_.assert_held();
                    give_up(p, given_up);
                });
            advance_line(given_up);
            if (queue_.has_ready())
                wake = wake_candidate();
        }
        if (wake != nullptr)
            wake->wake_up();
        drop_given_up(given_up);
        external_.pass_on();
    }
    if (purge)
        queue_.purge_claimed();
}

} // namespace ferry::detail
