// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "host_consumer.hpp"

#include <ferry/detail/scope_exit.hpp>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <vector>

namespace ferry::detail::cluster {
namespace {

constexpr std::size_t batch = 64;

queue_options task_queue(const cluster_options& o) {
    return {.durable = o.durable,
            .has_priorities = true,
            .limit = o.broker_queue_limit,
            .expires_after = std::chrono::hours(24)};
}

} // namespace

void host_consumer::run(std::function<bool(const std::exception& why, bool refused)> lost) {
    state_.consumer.run({.is_done = [this] { return state_.is_over(); },
                         .use = [this](connection& c) { consume(c); },
                         .lost = std::move(lost),
                         .pause =
                             [this] {
                                 watch_time(nullptr);
                                 state_.publisher.interrupt_if_dead();
                                 return next_time();
                             }});
}

// ---- A connection -------------------------------------------------------------------------------

void host_consumer::consume(connection& c) {
    const host_identity& self = state_.self;
    c.declare_exchange(self.exchange);
    c.declare_queue(self.tasks_name, task_queue(self.options));
    c.declare_queue(self.name, {.expires_after = std::chrono::seconds(60)});
    c.bind(self.name, self.exchange);
    c.set_prefetch(0);
    c.consume(self.name, "notes", true);
    state_.consumer.is_of_use();
    {
        const annotated_lock lock(state_.mutex);
        state_.say(self.announcement(state_.pool.max_workers(), false));
    }
    const scope_exit at_end([this] { lose_deliveries(); });
    consume_until_done(c);
}

void host_consumer::lose_deliveries() {
    const annotated_lock lock(state_.mutex);
    host_ledger::actions actions;
    host_state::to_do nothing;
    state_.ledger.connection_lost(actions);
    state_.perform(actions, nothing);
    state_.acknowledgements.clear();
}

void host_consumer::consume_until_done(connection& c) {
    bool draining = false;
    std::size_t prefetch = 0;
    {
        const annotated_lock lock(state_.mutex);
        draining = state_.ledger.draining();
        prefetch = state_.ledger.prefetch();
    }
    if (!draining) {
        c.set_prefetch(prefetch);
        c.consume(state_.self.tasks_name, "tasks", true);
    }
    while (!state_.is_over()) {
        state_.consumer.wake().clear();
        const bool any = take_some(c);
        const bool any_acknowledged = acknowledge_all(c);
        watch_time(&c);
        state_.publisher.interrupt_if_dead();
        if (!any && !any_acknowledged)
            c.wait(state_.consumer.wake().file(), next_time());
    }
    c.delete_queue(state_.self.name);
}

// ---- What arrives -------------------------------------------------------------------------------

bool host_consumer::take_some(connection& c) {
    bool any = false;
    for (std::size_t n = 0; n != batch; ++n) {
        const event e = c.next();
        if (e.what == event::kind::nothing)
            break;
        any = true;
        if (e.what == event::kind::no_consumer)
            throw connection_error("a queue of this host was deleted", false);
        if (e.what == event::kind::delivery)
            handle(c, e);
    }
    return any;
}

void host_consumer::handle(connection& c, const event& e) {
    std::string why;
    const auto f = read_frame(e.body, why);
    const auto* const task = f ? std::get_if<task_frame>(&*f) : nullptr;
    if (task == nullptr)
        c.acknowledge(e.tag);
    if (!f) {
        std::fprintf(stderr, "ferry: a message of %zu bytes is refused: %s\n", e.body.size(),
                     why.c_str());
        return;
    }
    host_state::to_do todo;
    {
        const annotated_lock lock(state_.mutex);
        host_ledger::actions actions;
        if (task != nullptr) {
            state_.tasks.add(*task, e.keep);
            state_.ledger.delivered(task->id, e.tag, e.redelivered, actions);
        } else if (const auto* const cancel = std::get_if<cancel_frame>(&*f)) {
            state_.ledger.cancelled(*cancel, actions);
        } else if (const auto* const ask = std::get_if<ask_frame>(&*f)) {
            state_.tell(ask->reply_to, state_.ledger.known(ask->reply_to));
        } else if (const auto* const who = std::get_if<who_frame>(&*f)) {
            if (!state_.ledger.draining())
                state_.say(state_.self.announcement_to(who->reply_to, state_.pool.max_workers()));
        }
        state_.perform(actions, todo);
    }
    runner_.do_now(todo);
}

bool host_consumer::acknowledge_all(connection& c) {
    std::vector<std::uint64_t> tags;
    {
        const annotated_lock lock(state_.mutex);
        tags.swap(state_.acknowledgements);
    }
    for (const std::uint64_t tag : tags)
        c.acknowledge(tag);
    return !tags.empty();
}

// ---- The time -----------------------------------------------------------------------------------

void host_consumer::watch_time(connection* c) {
    if (state_.asked_to_end.load() != 0)
        begin_to_drain(c);
    const auto now = clock::now();
    runner_.watch(now);
    beat(now);
    bool ends_workers = false;
    {
        const annotated_lock lock(state_.mutex);
        ends_workers = state_.phase.ends_workers(now, state_.asked_to_end.load() > 1);
    }
    if (ends_workers)
        state_.pool.kill_workers();
}

// Takes no more tasks, and gives back those that have not started.
void host_consumer::begin_to_drain(connection* c) {
    host_state::to_do todo;
    {
        const annotated_lock lock(state_.mutex);
        if (state_.phase.is_draining())
            return;
        const auto until = state_.self.worker_options.drain.deadline();
        state_.phase.drain(until.value_or(clock::time_point::max()));
        host_ledger::actions actions;
        state_.ledger.drain(actions);
        state_.perform(actions, todo);
        state_.say(state_.self.announcement(state_.pool.max_workers(), true));
    }
    runner_.do_now(todo);
    if (c != nullptr)
        c->cancel_consumer("tasks");
}

void host_consumer::beat(clock::time_point now) {
    if (next_beat_ > now)
        return;
    next_beat_ = now + state_.self.beat;
    const annotated_lock lock(state_.mutex);
    for (const auto& [reply_to, known] : state_.ledger.known()) {
        if (!known.running.empty() || !known.held.empty())
            state_.tell(reply_to, known);
    }
}

host_consumer::clock::time_point host_consumer::next_time() const {
    auto at = next_beat_;
    if (const auto look = runner_.next_time())
        at = std::min(at, *look);
    const annotated_lock lock(state_.mutex);
    if (const auto end = state_.phase.next_time())
        at = std::min(at, *end);
    return at;
}

} // namespace ferry::detail::cluster
