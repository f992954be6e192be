// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_consumer.hpp"

#include <ferry/detail/scope_exit.hpp>

#include "process/wire.hpp"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <utility>
#include <variant>

namespace ferry::detail::cluster {
namespace {

constexpr std::size_t batch = 64; // acknowledged together

} // namespace

void cluster_consumer::use(connection& c) {
    const bool survived = !was_connected_ || c.has_queue(pool_.queues.replies);
    pool_.queues.declare_tasks(c);
    pool_.queues.declare_replies(c);
    c.consume(pool_.queues.replies, "replies", true);
    pool_.consumer.is_of_use();
    const scope_exit at_end([this] {
        {
            const annotated_lock lock(pool_.mutex);
            pool_.book.consumer_lost(clock::now());
        }
        pool_.publisher.wake().signal();
    });
    was_connected_ = true;
    call_outcomes out;
    {
        const annotated_lock lock(pool_.mutex);
        pool_.errors.connected();
        ledger::actions todo;
        pool_.book.consumer_connected(survived, clock::now(), todo);
        pool_.messages.ask_who();
        pool_.perform(todo, out);
    }
    pool_.publisher.wake().signal();
    pool_.complete(out);
    consume_until_done(c);
}

void cluster_consumer::consume_until_done(connection& c) {
    for (;;) {
        pool_.consumer.wake().clear();
        std::uint64_t last = 0;
        for (std::size_t n = 0; n != batch; ++n) {
            const event e = c.next();
            if (e.what == event::kind::nothing)
                break;
            if (e.what == event::kind::no_consumer)
                throw connection_error("the reply queue was deleted", false);
            if (e.what != event::kind::delivery)
                continue;
            last = e.tag;
            handle(e);
        }
        if (last != 0) {
            c.acknowledge(last, true);
            continue;
        }
        const auto next = watch_time(); // once all that has arrived was heard
        pool_.publisher.interrupt_if_dead();
        {
            const annotated_lock lock(pool_.mutex);
            if (pool_.phase.is_done())
                break;
        }
        c.wait(pool_.consumer.wake().file(), next);
    }
    c.delete_queue(pool_.queues.replies);
}

cluster_consumer::clock::time_point cluster_consumer::watch_time() {
    call_outcomes out;
    clock::time_point next;
    {
        const annotated_lock lock(pool_.mutex);
        const auto now = clock::now();
        pool_.watch_time(now, out);
        next = pool_.book.tasks().next_deadline().value_or(now + std::chrono::hours(1));
        if (const auto at = pool_.line.next_deadline())
            next = std::min(next, *at);
    }
    pool_.complete(out);
    return next;
}

// ---- What hosts say -----------------------------------------------------------------------------

void cluster_consumer::handle(const event& e) {
    std::string why;
    const auto f = read_frame(e.body, why);
    if (!f)
        return; // some host's fault; its task is answered or lost
    if (const auto* const o = std::get_if<outcome_frame>(&*f)) {
        handle_outcome(*o);
        return;
    }
    if (const auto* const p = std::get_if<progress_frame>(&*f)) {
        handle_progress(*p);
        return;
    }
    call_outcomes out;
    {
        const annotated_lock lock(pool_.mutex);
        const auto now = clock::now();
        ledger::actions todo;
        if (const auto* const s = std::get_if<started_frame>(&*f)) {
            pool_.book.started(*s, now, todo);
        } else if (const auto* const d = std::get_if<declined_frame>(&*f)) {
            pool_.book.declined(*d, todo);
        } else if (const auto* const b = std::get_if<beat_frame>(&*f)) {
            pool_.book.heard(*b, now, todo);
        } else if (const auto* const a = std::get_if<announce_frame>(&*f)) {
            pool_.book.announced(*a);
            pool_.figures.may_have(pool_.book.hosts().workers_for(pool_.queues.tasks));
        }
        pool_.perform(todo, out);
    }
    pool_.complete(out);
}

void cluster_consumer::handle_progress(const progress_frame& f) {
    remote_call_ptr call;
    {
        const annotated_lock lock(pool_.mutex);
        const open_call* const c = pool_.calls.find(f.number);
        if (c == nullptr)
            return;
        call = c->call;
    }
    call->note_progress(f.done, f.note);
    pool_.jobs.let_go_of(std::move(call));
}

void cluster_consumer::handle_outcome(const outcome_frame& f) {
    remote_call_ptr call = take(f);
    if (call == nullptr)
        return;
    publish(std::move(call), f);
    const annotated_lock lock(pool_.mutex);
    pool_.calls.published(1);
    pool_.changed.notify_all();
}

// The call that ends with this outcome, or null.
remote_call_ptr cluster_consumer::take(const outcome_frame& f) {
    call_outcomes taken;
    call_outcomes ended;
    {
        const annotated_lock lock(pool_.mutex);
        open_call* const c = pool_.calls.find(f.number);
        ledger::actions todo;
        if (c != nullptr && pool_.book.answered(f.number, f.round, f.kind, todo)) {
            const std::int64_t now = wire::now_ns();
            const std::int64_t since = std::max<std::int64_t>(0, now - c->call->submitted_ns);
            const std::int64_t run = std::clamp<std::int64_t>(f.run_time.count(), 0, since);
            pool_.line.ran(std::chrono::nanoseconds(run));
            pool_.figures.answered(*c->call, f.kind != outcome_kind::value, since - run, run);
            c->call->state().try_start();
            pool_.end(*c, nullptr, taken);
        }
        pool_.perform(todo, ended);
    }
    pool_.complete(ended);
    return taken.empty() ? remote_call_ptr() : std::move(taken.front().call);
}

void cluster_consumer::publish(remote_call_ptr call, const outcome_frame& f) {
    const bool failed = f.kind != outcome_kind::value;
    if (!failed && call->is_plain()) {
        byte_source in(f.bytes);
        call->finish(in);
        return;
    }
    auto& to = call->arrived;
    to.failed = failed;
    to.size = f.bytes.size();
    try {
        to.copy = std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(to.size, 1));
    } catch (const std::bad_alloc&) {
        call->fail(std::current_exception());
        return;
    }
    if (to.size != 0)
        std::memcpy(to.copy.get(), f.bytes.data(), to.size);
    pool_.jobs.decode(std::move(call));
}

} // namespace ferry::detail::cluster
