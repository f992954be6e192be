// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "waiting_line.hpp"

#include <ferry/detail/assert.hpp>

#include <utility>

namespace ferry::detail {
// The pool as its admission sees it.
class waiting_line::load {
public:
    load(waiting_line& l, bool exactly) noexcept : line_(l), exactly_(exactly) {}

    std::size_t queued() const noexcept {
        return line_.queue_.live_tasks() + line_.external_.queued();
    }
    std::size_t ahead(int priority) const noexcept {
        return line_.queue_.live_tasks_before(priority) + line_.external_.queued();
    }
    // Idle ones, and those that can still be started.
    std::size_t free_workers() const noexcept {
        return line_.workers_.room() +
               (exactly_ ? line_.workers_.available() : line_.sleepers_.count());
    }
    std::size_t workers() const noexcept { return line_.options_.max_workers; }
    std::chrono::nanoseconds mean_run_time() const noexcept {
        return line_.workers_.mean_run_time();
    }

private:
    waiting_line& line_;
    const bool exactly_;
};

waiting_line::waiting_line(adaptive_mutex& lock, const thread_pool_options& options,
                           task_queue& queue, external_work& external, const worker_set& workers,
                           const sleepers& sleeping)
    : options_(options), bounded_(admission_limits::of(options).any()), mutex_(lock),
      admission_(admission_limits::of(options)), queue_(queue), external_(external),
      workers_(workers), sleepers_(sleeping) {}

// It waits in the queue from now on.
void waiting_line::let_in(shared_state_base& task, std::size_t bytes) noexcept {
    mutex_.assert_held();
    if (bytes != 0) {
        FERRY_ASSERT(task.extra != nullptr && task.extra->counted_bytes == 0);
        admission_.add_bytes(bytes); // at most the limit: has room
        task.extra->counted_bytes = bytes;
    }
    if (task.external() != nullptr)
        external_.let_in(task);
    else
        queue_.add(task);
}

void waiting_line::leave_queue(shared_state_base& task) noexcept {
    mutex_.assert_held();
    if (task.extra != nullptr && task.extra->counted_bytes != 0)
        admission_.remove_bytes(std::exchange(task.extra->counted_bytes, 0));
    external_.leave_queue(task);
}

void waiting_line::give_up(const admission::place& p, fifo& given_up) noexcept {
    if (p.thread != nullptr) {
        p.thread->set(admission::blocked_thread::state::turned_away); // which does the rest
        return;
    }
    if (p.priority != 0)
        queue_.cancel_reservation(p.priority);
    given_up.push(*p.task);
}

void waiting_line::advance(fifo& given_up, bool exactly) noexcept {
    mutex_.assert_held();
    load seen(*this, exactly);
    admission_.advance(
        seen,
        [this](const admission::place& p) {
            let_in(*p.task, p.bytes);
            if (p.thread != nullptr)
                p.thread->set(admission::blocked_thread::state::let_in);
        },
        [this, &given_up](const admission::place& p) { give_up(p, given_up); });
    size_.store(admission_.line_size());
}

void waiting_line::on_claimed(const shared_state_base& task, fifo& given_up) noexcept {
    mutex_.assert_held();
    if (admission_.on_claimed(task))
        admission_.purge([&](const admission::place& p) { give_up(p, given_up); });
}

entered waiting_line::enter(shared_state_base& task, entrance e, bool exempt, scoped_lock& lock,
                            fifo& given_up) {
    mutex_.assert_held();
    const auto request = admission_request::of(task, task.extra != nullptr ? task.extra->bytes : 0,
                                               task.external() != nullptr ? 0 : task.priority, e,
                                               admission_.limits());
    load seen(*this, true);
    const entered result = admission_.enter(
        task, nullptr, request, e, exempt, seen, lock,
        [&](std::size_t bytes) { let_in(task, bytes); },
        [&]() FERRY_UNCHECKED {
            size_.store(admission_.line_size());
            advance(given_up);
        },
        [&](admission::decision why) FERRY_UNCHECKED {
            const std::size_t queued = seen.queued();
            const auto wait = admission_.estimate(request.priority, seen);
            lock.unlock(); // making and throwing an error takes time
            std::rethrow_exception(refusal(why, "the thread pool '" + options_.name + "'", task,
                                           request, admission_.limits(), queued, wait));
        });
    size_.store(admission_.line_size());
    return result;
}

std::vector<admission::place> waiting_line::clear() noexcept {
    mutex_.assert_held();
    size_.store(0);
    return admission_.clear();
}

void waiting_line::turn_away(const std::vector<admission::place>& all) noexcept {
    mutex_.assert_held();
    for (const admission::place& p : all) {
        if (p.thread != nullptr)
            p.thread->set(admission::blocked_thread::state::turned_away);
    }
}

} // namespace ferry::detail
