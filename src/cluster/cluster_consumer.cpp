// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The thread of a cluster pool that hears of its tasks, and watches the time.
#include "cluster_core.hpp"

#include <ferry/detail/scope_exit.hpp>

#include "process/wire.hpp"

#include <algorithm>
#include <cstring>

namespace ferry::detail::cluster {
namespace {

constexpr std::size_t batch = 64; // acknowledged together

} // namespace

void cluster_core::consume(connection& c) {
    const bool survived = !was_connected_ || c.has_queue(reply_to_);
    c.declare_exchange(exchange_);
    c.declare_queue(tasks_name_, task_queue());
    c.declare_queue(reply_to_, reply_queue());
    c.bind(reply_to_, exchange_);
    c.consume(reply_to_, "replies", true);
    consumer_.is_of_use();
    const scope_exit at_end([this] {
        {
            const lock_type lock(mutex_);
            ledger_.consumer_lost(clock::now());
        }
        publisher_.wake().signal();
    });
    was_connected_ = true;
    outcomes out;
    {
        const lock_type lock(mutex_);
        failed_connects_ = 0;
        ledger::actions todo;
        ledger_.consumer_connected(survived, clock::now(), todo);
        control_.push_back({exchange_, {}, write_frame(who_frame{reply_to_})});
        perform(todo, out);
    }
    publisher_.wake().signal();
    complete_calls(out);
    consume_until_done(c);
}

void cluster_core::consume_until_done(connection& c) {
    for (;;) {
        consumer_.wake().clear();
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
        watch_time(); // once all that has arrived was heard
        publisher_.interrupt_if_dead();
        {
            const lock_type lock(mutex_);
            if (done_)
                break;
        }
        c.wait(consumer_.wake().file(), next_time());
    }
    c.delete_queue(reply_to_);
}

cluster_core::clock::time_point cluster_core::next_time() {
    const lock_type lock(mutex_);
    auto at = ledger_.next_deadline().value_or(clock::now() + std::chrono::hours(1));
    if (!line_deadlines_.empty())
        at = std::min(at, line_deadlines_.begin()->first);
    return at;
}

void cluster_core::watch_time() {
    outcomes out;
    {
        const lock_type lock(mutex_);
        const auto now = clock::now();
        ledger::actions todo;
        ledger_.tick(now, todo);
        perform(todo, out);
        expire_line(now, out);
    }
    complete_calls(out);
}

void cluster_core::handle(const event& e) {
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
    outcomes out;
    {
        const lock_type lock(mutex_);
        const auto now = clock::now();
        ledger::actions todo;
        if (const auto* const s = std::get_if<started_frame>(&*f))
            ledger_.started(*s, now, todo);
        else if (const auto* const d = std::get_if<declined_frame>(&*f))
            ledger_.declined(*d, todo);
        else if (const auto* const b = std::get_if<beat_frame>(&*f))
            ledger_.heard(*b, now, todo);
        else if (const auto* const a = std::get_if<announce_frame>(&*f))
            announced(*a, now);
        perform(todo, out);
    }
    complete_calls(out);
}

void cluster_core::announced(const announce_frame& f, clock::time_point now) {
    ledger_.announced(f, now);
    figures_.may_have(workers_known());
}

void cluster_core::handle_progress(const progress_frame& f) {
    remote_call_ptr call;
    {
        const lock_type lock(mutex_);
        const auto it = calls_.find(f.number);
        if (it == calls_.end())
            return;
        call = it->second.call;
    }
    call->note_progress(f.done, f.note);
    jobs_.let_go_of(std::move(call));
}

void cluster_core::handle_outcome(const outcome_frame& f) {
    remote_call_ptr call;
    outcomes taken;
    outcomes ended;
    {
        const lock_type lock(mutex_);
        const auto it = calls_.find(f.number);
        ledger::actions todo;
        if (it != calls_.end() && ledger_.answered(f.number, f.round, f.kind, todo)) {
            call_entry& e = it->second;
            const std::int64_t now = wire::now_ns();
            const std::int64_t since = std::max<std::int64_t>(0, now - e.call->submitted_ns);
            const std::int64_t run = std::clamp<std::int64_t>(f.run_time.count(), 0, since);
            mean_run_ns_ = mean_run_ns_ == 0 ? static_cast<double>(run)
                                             : 0.9 * mean_run_ns_ + 0.1 * static_cast<double>(run);
            figures_.answered(*e.call, f.kind != outcome_kind::value, since - run, run);
            e.call->state().try_start();
            end_call(it, nullptr, taken);
        }
        perform(todo, ended);
    }
    complete_calls(ended);
    if (taken.empty())
        return;
    call = std::move(taken.front().call);
    const bool failed = f.kind != outcome_kind::value;
    if (!failed && call->is_plain()) {
        byte_source in(f.bytes);
        call->finish(in);
    } else {
        auto& to = call->arrived;
        to.failed = failed;
        to.size = f.bytes.size();
        try {
            to.copy =
                std::make_unique_for_overwrite<std::byte[]>(std::max<std::size_t>(to.size, 1));
            if (to.size != 0)
                std::memcpy(to.copy.get(), f.bytes.data(), to.size);
            jobs_.decode(call);
        } catch (const std::bad_alloc&) {
            call->fail(std::current_exception());
        }
    }
    call = nullptr;
    const lock_type lock(mutex_);
    --finishing_;
    changed_.notify_all();
}

} // namespace ferry::detail::cluster