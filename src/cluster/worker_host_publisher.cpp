// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// A worker host: the thread that publishes reports.
#include "worker_host.hpp"

#include <ferry/detail/scope_exit.hpp>

#include <algorithm>

namespace ferry::detail::cluster {

void worker_host::publish(connection& c) {
    c.declare_exchange(exchange_);
    c.select_confirms();
    publisher_.is_of_use();
    const scope_exit at_end([this] {
        const lock_type lock(mutex_);
        // What the broker has not confirmed is said again, in its order.
        for (; !unconfirmed_.empty(); unconfirmed_.pop_back()) {
            if (!unconfirmed_.back().confirmed)
                reports_.push_front(std::move(unconfirmed_.back()));
        }
    });
    publish_until_done(c);
}

void worker_host::settle_all() {
    for (;;) {
        task_id id;
        {
            const lock_type lock(mutex_);
            if (finished_.empty())
                return;
            id = std::move(finished_.front());
            finished_.pop_front();
        }
        settle(id);
    }
}

// Puts what was returned and has waited back among the reports; when to look again.
worker_host::clock::time_point worker_host::publish_again() {
    const lock_type lock(mutex_);
    while (!returned_.empty() && returned_.front().first <= clock::now()) {
        reports_.push_back(std::move(returned_.front().second));
        returned_.pop_front();
    }
    return returned_.empty() ? clock::now() + std::chrono::hours(1) : returned_.front().first;
}

// A pool that has no queue may be about to make it again, after the broker was
// restarted; it does so within a minute, or never.
void worker_host::confirmed(report& r, host_ledger::actions& actions) {
    if (r.id && !r.starts && r.returned && !ledger_.draining()) {
        const auto now = clock::now();
        if (!r.until)
            r.until = now + std::chrono::minutes(1);
        if (now < *r.until) {
            r.returned = false;
            returned_.emplace_back(now + std::chrono::milliseconds(100), std::move(r));
            return;
        }
    }
    if (r.id && r.starts)
        actions.push_back({host_ledger::what::run, *r.id, 0, {}});
    else if (r.id)
        ledger_.reported(*r.id, actions);
}

void worker_host::on_confirm(const event& e, std::uint64_t& first) {
    to_do todo;
    {
        const lock_type lock(mutex_);
        host_ledger::actions actions;
        // Confirms may come out of order; what lies before an early one is waited for.
        for (std::uint64_t tag = e.multiple ? first : std::max(first, e.tag);
             tag <= e.tag && tag - first < unconfirmed_.size(); ++tag) {
            report& r = unconfirmed_[static_cast<std::size_t>(tag - first)];
            if (r.confirmed)
                continue;
            confirmed(r, actions);
            r = {};
            r.confirmed = true;
        }
        while (!unconfirmed_.empty() && unconfirmed_.front().confirmed) {
            unconfirmed_.pop_front();
            ++first;
        }
        for (const auto& a : actions) {
            if (a.kind == host_ledger::what::run)
                todo.run.push_back(a.id);
        }
        std::erase_if(actions, [](const auto& a) { return a.kind == host_ledger::what::run; });
        perform(actions, todo);
        if (drain_until_)
            consumer_.wake().signal();
    }
    do_now(todo);
}

void worker_host::on_return(const event& e, std::uint64_t first) {
    const lock_type lock(mutex_);
    if (e.tag - first < unconfirmed_.size())
        unconfirmed_[static_cast<std::size_t>(e.tag - first)].returned = true;
}

void worker_host::publish_until_done(connection& c) {
    std::uint64_t first = 1; // the broker's number of the first unconfirmed message
    std::uint64_t sent = 0;
    bool blocked = false;
    for (;;) {
        publisher_.wake().clear();
        settle_all();
        const auto again = publish_again();
        std::vector<report*> fresh; // addresses in a deque stay, and only this thread takes from it
        {
            const lock_type lock(mutex_);
            if (done_)
                return;
            while (!blocked && !reports_.empty() && unconfirmed_.size() < 1024) {
                report next = std::move(reports_.front());
                reports_.pop_front();
                if (next.progress_of && !write_progress(next))
                    continue;
                unconfirmed_.push_back(std::move(next));
                fresh.push_back(&unconfirmed_.back());
            }
        }
        for (const report* const r : fresh) {
            ++sent;
            c.publish(r->exchange, r->key, r->body,
                      {.persistent = options_.durable && r->id,
                       .mandatory = r->id && !r->starts ? sent : 0});
        }
        bool any = !fresh.empty();
        for (event e = c.next(); e.what != event::kind::nothing; e = c.next()) {
            any = true;
            if (e.what == event::kind::blocked || e.what == event::kind::unblocked)
                blocked = e.what == event::kind::blocked;
            else if (e.what == event::kind::confirmed || e.what == event::kind::refused)
                on_confirm(e, first);
            else if (e.what == event::kind::returned)
                on_return(e, first);
        }
        if (!any)
            c.wait(publisher_.wake().file(), again);
    }
}

} // namespace ferry::detail::cluster
