// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "process_line.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <stdexcept>

namespace ferry::detail {

class process_line::load {
public:
    explicit load(process_line& l) noexcept : line_(l) {}

    std::size_t queued() const noexcept { // includes tasks promised to a worker
        return line_.dispatching_.queue().size() + line_.dispatching_.workers().held_behind();
    }
    std::size_t ahead(int priority) const noexcept {
        return line_.dispatching_.queue().ahead(priority) +
               line_.dispatching_.workers().held_behind();
    }
    std::size_t free_workers() const noexcept { return line_.dispatching_.free_workers(); }
    std::size_t workers() const noexcept { return line_.most_workers_; }
    std::chrono::nanoseconds mean_run_time() const noexcept {
        return line_.dispatching_.mean_run_time();
    }

private:
    process_line& line_;
};

process_line::process_line(const process_pool_options& options, dispatcher& dispatching)
    : kind_("the process pool '" + options.name + "'"), most_workers_(options.max_workers),
      dispatching_(dispatching), admission_(admission_limits::of(options)) {}

void process_line::let_in(remote_call& c, std::size_t bytes) noexcept {
    FERRY_ASSERT(c.counted_bytes == 0);
    if (bytes != 0)
        admission_.add_bytes(bytes); // cannot exceed the limit: the task was let in
    c.counted_bytes = bytes;
    dispatching_.queue().push(c);
}

void process_line::uncount(remote_call& c) noexcept {
    if (c.counted_bytes != 0)
        admission_.remove_bytes(std::exchange(c.counted_bytes, 0));
}

void process_line::uncount_first(dispatch_worker& w) noexcept {
    if (!w.items.empty())
        uncount(static_cast<remote_call&>(w.items.front()));
}

void process_line::advance() noexcept {
    using state = admission::blocked_thread::state;
    load seen(*this);
    admission_.advance(
        seen,
        [this](const admission::place& p) {
            let_in(*static_cast<remote_call*>(p.own), p.bytes);
            if (p.thread != nullptr)
                p.thread->set(state::let_in);
        },
        [this](const admission::place& p) {
            if (p.thread != nullptr)
                p.thread->set(state::turned_away);
            else
                given_up_.push(*p.task);
        });
}

entered process_line::enter_or_stand(remote_call& c, entrance e, bool exempt, scoped_lock& lock) {
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
        task, &c, request, e, exempt, seen, lock, [&](std::size_t bytes) { let_in(c, bytes); },
        [&] { advance(); },
        [&](admission::decision why) FERRY_UNCHECKED {
            const std::size_t queued = seen.queued();
            const auto wait = admission_.estimate(request.priority, seen);
            lock.unlock(); // before the error is made and thrown, which takes long
            std::rethrow_exception(
                refusal(why, kind_, task, request, admission_.limits(), queued, wait));
        });
}

void process_line::claimed(const shared_state_base& task) noexcept {
    if (!admission_.on_claimed(task))
        return;
    admission_.purge([this](const admission::place& p) {
        if (p.thread == nullptr) // a thread that stands in the line drops its own task
            given_up_.push(*p.task);
    });
}

std::vector<admission::place> process_line::clear() noexcept {
    std::vector<admission::place> all = admission_.clear();
    for (const admission::place& p : all) {
        if (p.thread != nullptr)
            p.thread->set(admission::blocked_thread::state::turned_away);
    }
    std::erase_if(all, [](const admission::place& p) { return p.thread != nullptr; });
    return all;
}

} // namespace ferry::detail
