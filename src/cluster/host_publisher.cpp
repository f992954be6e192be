// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_publisher.hpp"

#include <ferry/detail/scope_exit.hpp>

#include <utility>
#include <vector>

namespace ferry::detail::cluster {

void host_publisher::start(std::function<bool(const std::exception& why, bool refused)> lost) {
    state_.publisher.start("ferry-publish", {.is_done = [this] { return is_stopped(); },
                                             .use = [this](connection& c) { publish(c); },
                                             .lost = std::move(lost),
                                             .pause = [] { return clock::time_point::max(); }});
}

bool host_publisher::is_stopped() const {
    const annotated_lock lock(state_.mutex);
    return state_.phase.is_stopped();
}

void host_publisher::publish(connection& c) {
    c.declare_exchange(state_.self.exchange);
    c.select_confirms();
    state_.publisher.is_of_use();
    blocked_ = false;
    const scope_exit at_end([this] {
        const annotated_lock lock(state_.mutex);
        state_.outbox.connection_lost();
    });
    publish_until_stopped(c);
}

void host_publisher::publish_until_stopped(connection& c) {
    for (;;) {
        state_.publisher.wake().clear();
        runner_.settle_all();
        const auto again = retry_returned();
        if (is_stopped())
            return;
        const bool any_published = publish_some(c);
        const bool any_event = read_events(c);
        if (!any_published && !any_event)
            c.wait(state_.publisher.wake().file(), again);
    }
}

bool host_publisher::publish_some(connection& c) {
    std::vector<report_outbox::numbered> fresh;
    if (!blocked_) {
        const annotated_lock lock(state_.mutex);
        while (const auto next = state_.outbox.take())
            fresh.push_back(*next);
    }
    for (const auto& [number, r] : fresh) {
        c.publish(r->exchange, r->key, r->body,
                  {.persistent = state_.self.options.durable && r->id,
                   .mandatory = r->id && !r->starts ? number : 0});
    }
    return !fresh.empty();
}

bool host_publisher::read_events(connection& c) {
    bool any = false;
    for (event e = c.next(); e.what != event::kind::nothing; e = c.next()) {
        any = true;
        if (e.what == event::kind::blocked || e.what == event::kind::unblocked)
            blocked_ = e.what == event::kind::blocked;
        else if (e.what == event::kind::confirmed || e.what == event::kind::refused)
            on_confirm(e);
        else if (e.what == event::kind::returned)
            on_return(e);
    }
    return any;
}

void host_publisher::on_confirm(const event& e) {
    host_state::to_do todo;
    {
        const annotated_lock lock(state_.mutex);
        std::vector<report_outbox::confirmation> all;
        state_.outbox.confirmed(e.tag, e.multiple, !state_.ledger.draining(), clock::now(), all);
        host_ledger::actions actions;
        for (auto& done : all) {
            if (done.starts)
                todo.run.push_back(std::move(done.id));
            else
                state_.ledger.reported(done.id, actions);
        }
        state_.perform(actions, todo);
        if (state_.phase.is_draining())
            state_.consumer.wake().signal();
    }
    runner_.do_now(todo);
}

void host_publisher::on_return(const event& e) {
    const annotated_lock lock(state_.mutex);
    state_.outbox.returned(e.tag);
}

host_publisher::clock::time_point host_publisher::retry_returned() {
    const auto now = clock::now();
    const annotated_lock lock(state_.mutex);
    return state_.outbox.retry_returned(now).value_or(now + std::chrono::hours(1));
}

} // namespace ferry::detail::cluster
