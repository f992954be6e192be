// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "bounded_entry.hpp"

#include "pool_core.hpp"

#include <system_error>

namespace ferry::detail {

bounded_entry::bounded_entry(pool_core& core) noexcept : core_(core), pool_(core.state()) {}

void bounded_entry::after_line_moved(const fifo& given_up, sleeper* wake, bool external) noexcept {
    if (wake != nullptr)
        wake->wake_up();
    drop_given_up(given_up);
    if (external)
        pool_.external.pass_on();
}

// `change` makes room, under the lock.
template <class F>
void bounded_entry::move_line(F change) noexcept {
    fifo given_up;
    sleeper* wake = nullptr;
    {
        const scoped_lock lock(pool_.mutex);
        change(given_up);
        pool_.line.advance(given_up);
        if (pool_.queue.has_ready())
            wake = core_.staff().wake_candidate();
    }
    after_line_moved(given_up, wake, true);
}

void bounded_entry::drop_given_up(fifo all) noexcept {
    while (work_item* const r = all.pop()) {
        auto& task = static_cast<shared_state_base&>(*r);
        const boost::intrusive_ptr<shared_state_base> keep(&task);
        task.shared_state_base::run(); // ends the share of the line
        if (external_entry* const x = task.external()) {
            x->stay_out();
            core_.entry().finish_external(task);
        }
    }
}

entered bounded_entry::enter(shared_state_base& task, entrance e) {
    shared_state_base::catch_up(); // tasks that make room may wait for that
    sleeper* wake = nullptr;
    entered result{};
    fifo given_up;
    {
        scoped_lock lock(pool_.mutex);
        if (pool_.closed.load()) {
            lock.unlock();
            core_.shutdown().throw_closed();
        }
        if (pool_.workers.empty() && !core_.staff().start_thread())
            throw std::system_error(
                std::make_error_code(std::errc::resource_unavailable_try_again));
        result = pool_.line.enter(task, e, is_own_thread_of(core_), lock, given_up);
        wake = core_.staff().wake_candidate();
    }
    after_line_moved(given_up, wake, true);
    if (result == entered::closed)
        core_.shutdown().throw_closed();
    return result;
}

void bounded_entry::enter_external(shared_state_base& task, entrance e) {
    boost::intrusive_ptr<shared_state_base> line(&task);
    const entered result = enter(task, e);
    static_cast<void>(line.detach()); // the line has that share, or it ends here
    if (result == entered::expired) {
        fifo expired;
        expired.push(task);
        drop_given_up(expired);
    }
}

void bounded_entry::on_external_left(shared_state_base& task) noexcept {
    move_line([&](fifo&) { pool_.line.leave_queue(task); });
}

void bounded_entry::on_claimed(shared_state_base& task, bool in_line) noexcept {
    move_line([&](fifo& given_up) {
        if (in_line)
            pool_.line.on_claimed(task, given_up);
        else
            pool_.line.leave_queue(task);
    });
}

} // namespace ferry::detail
