// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_core.hpp"

#include "process/wire.hpp"

#include <algorithm>
#include <utility>

namespace ferry::detail::cluster {

cluster_core::cluster_core(cluster_options options, broker_address address)
    : pool_(std::move(options), std::move(address)), threads_(pool_) {}

cluster_core::~cluster_core() = default;

void cluster_core::abandon_after_fork() {
    static_cast<void>(new std::shared_ptr<cluster_core>(shared_from_this()));
}

void cluster_core::read(all_figures& to) {
    if (!is_forked_copy())
        cluster_report(pool_).read(to);
}

// ---- Submitting ---------------------------------------------------------------------------------

void cluster_core::check_open() {
    home_.check();
    const annotated_lock lock(pool_.mutex);
    pool_.phase.check_open();
}

void cluster_core::submit(remote_call_ptr c, entrance e) { submit(std::move(c), {.entrance = e}); }

void cluster_core::submit_all(std::span<const remote_call_ptr> calls) {
    check_open();
    for (const remote_call_ptr& c : calls) {
        try {
            submit(c, detail::entrance::thread);
        } catch (const std::exception&) {
            c->fail(std::current_exception());
        }
    }
}

void cluster_core::submit(remote_call_ptr c, cluster_call how) {
    home_.check();
    open_call entering = open_call::of(c, how, pool_.options);
    const bool exempt = is_callback_thread(); // which must not wait for itself
    const auto now = timeout::clock::now();
    annotated_lock lock(pool_.mutex);
    pool_.phase.check_open();
    const bool may_enter = pool_.admit(entering, exempt, now);
    threads_.start(shared_from_this());
    if (entering.wants_progress())
        pool_.jobs.start_reports(shared_from_this());
    entering.limit_wait(pool_.options.max_wait);
    const bool blocks = !may_enter && how.entrance != detail::entrance::coroutine;
    const auto turned_away = blocks ? std::make_shared<bool>(false) : nullptr;
    entering.turned_away = turned_away;
    c->submitted_ns = wire::now_ns();
    pool_.figures.submitted(*c);
    open_call& call = pool_.calls.add(std::move(entering));
    if (may_enter)
        pool_.enter(call);
    else
        pool_.stand_in_line(call);
    if (!blocks)
        return;
    const std::uint64_t number = c->number;
    for (auto* at = &call; at != nullptr && at->in_line; at = pool_.calls.find(number))
        lock.wait(pool_.changed);
    if (*turned_away) {
        lock.unlock();
        throw shutdown_error();
    }
}

// ---- What a task asks for -----------------------------------------------------------------------

void cluster_core::dropped(remote_call& c, bool expired) noexcept {
    if (is_forked_copy())
        return;
    call_outcomes gone; // freed without the lock
    const annotated_lock lock(pool_.mutex);
    open_call* const call = pool_.calls.find(c.number);
    if (call == nullptr)
        return;
    expired ? pool_.figures.failed(c) : pool_.figures.cancelled(c);
    pool_.end_early(*call, nullptr, gone);
    pool_.calls.published(1); // whoever calls this does that
    pool_.changed.notify_all();
}

bool cluster_core::ask_to_stop(remote_call& c) noexcept {
    if (is_forked_copy() || !c.stops)
        return false;
    const annotated_lock lock(pool_.mutex);
    const open_call* const call = pool_.calls.find(c.number);
    if (call == nullptr || call->started_ns == 0)
        return false;
    pool_.messages.ask_to_stop(c.number, {});
    pool_.publisher.wake().signal();
    return true;
}

bool cluster_core::cancel_running(remote_call& c) noexcept {
    if (is_forked_copy())
        return false;
    call_outcomes out;
    {
        const annotated_lock lock(pool_.mutex);
        open_call* const call = pool_.calls.find(c.number);
        if (call == nullptr)
            return true; // its outcome is on its way
        pool_.figures.cancelled(c);
        pool_.end_early(*call, nullptr, out);
    }
    pool_.complete(out);
    return true;
}

} // namespace ferry::detail::cluster
