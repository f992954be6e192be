// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "cluster_publisher.hpp"

#include <ferry/detail/scope_exit.hpp>

#include <algorithm>

namespace ferry::detail::cluster {
namespace {

using clock = timeout::clock;

constexpr std::size_t most_at_once = 64;

} // namespace

bool cluster_publisher::batch::is_full() const noexcept { return tasks.size() == most_at_once; }

void cluster_publisher::run() {
    pool_.queues.declare_tasks(link_);
    link_.select_confirms();
    pool_.publisher.is_of_use();
    const scope_exit at_end([this] {
        call_outcomes out;
        {
            const annotated_lock lock(pool_.mutex);
            ledger::actions todo;
            pool_.book.publisher_lost(clock::now(), todo);
            pool_.perform(todo, out);
        }
        pool_.consumer.wake().signal();
        pool_.complete(out);
    });
    {
        const annotated_lock lock(pool_.mutex);
        pool_.book.publisher_connected(clock::now());
    }
    pool_.consumer.wake().signal();
    publish_until_done();
}

void cluster_publisher::publish_until_done() {
    for (;;) {
        pool_.publisher.wake().clear();
        const bool may_publish = publish_some();
        const bool made_room = read_confirms();
        pool_.consumer.interrupt_if_dead();
        if (may_publish || made_room)
            continue;
        {
            const annotated_lock lock(pool_.mutex);
            if (pool_.phase.is_done() && pool_.messages.empty())
                return;
        }
        link_.wait(pool_.publisher.wake().file(), clock::now() + std::chrono::hours(1));
    }
}

// ---- What is sent -------------------------------------------------------------------------------

// Publishes what there is, up to a limit; true if there may be more.
bool cluster_publisher::publish_some() {
    if (blocked_)
        return false;
    const batch b = take();
    for (const batch::task& t : b.tasks)
        send(t);
    for (const host_messages::message& m : b.others) {
        link_.publish(m.exchange, m.key, m.body, {});
        window_.sent({}, m.body.size());
    }
    return b.is_full();
}

cluster_publisher::batch cluster_publisher::take() {
    batch b;
    std::size_t bytes = 0;
    const annotated_lock lock(pool_.mutex);
    while (!b.is_full() && window_.has_room_after(b.tasks.size(), bytes)) {
        const auto next = pool_.book.next();
        if (!next)
            break;
        const open_call& c = pool_.calls.at(next->number);
        bytes += c.bytes;
        b.tasks.push_back({*next, c});
    }
    if (!b.is_full()) // what is said about a task comes behind it
        b.others = pool_.messages.take();
    return b;
}

void cluster_publisher::send(const batch::task& t) {
    const auto body = t.from.write(pool_.queues.replies, t.what);
    message_options how{.persistent = pool_.options.durable,
                        .priority = static_cast<std::uint8_t>(t.from.level)};
    if (t.what.start_by)
        how.expires_after = std::chrono::ceil<std::chrono::milliseconds>(
            std::max<clock::duration>(*t.what.start_by - clock::now(), {}));
    link_.publish({}, pool_.queues.tasks, body, how);
    window_.sent({t.what.number, t.what.round}, body.size());
}

// ---- What the broker says -----------------------------------------------------------------------

// True if there may be room now for what could not be published before.
bool cluster_publisher::read_confirms() {
    bool any = false;
    std::vector<publish_window::message> confirmed;
    std::vector<publish_window::message> refused;
    for (event e = link_.next(); e.what != event::kind::nothing; e = link_.next()) {
        switch (e.what) {
        case event::kind::blocked: set_blocked(true); break;
        case event::kind::unblocked:
            set_blocked(false);
            any = true;
            break;
        case event::kind::confirmed: any |= window_.settle(e.tag, e.multiple, confirmed); break;
        case event::kind::refused: any |= window_.settle(e.tag, e.multiple, refused); break;
        default: break;
        }
    }
    if (!confirmed.empty() || !refused.empty())
        settle(confirmed, refused);
    return any;
}

void cluster_publisher::set_blocked(bool blocked) {
    blocked_ = blocked;
    {
        const annotated_lock lock(pool_.mutex);
        pool_.book.set_blocked(blocked, clock::now());
    }
    pool_.consumer.wake().signal();
}

void cluster_publisher::settle(const std::vector<publish_window::message>& confirmed,
                               const std::vector<publish_window::message>& refused) {
    call_outcomes out;
    {
        const annotated_lock lock(pool_.mutex);
        ledger::actions todo;
        for (const auto& m : confirmed)
            pool_.book.confirmed(m.number, m.round);
        for (const auto& m : refused)
            pool_.book.refused(m.number, m.round, todo);
        pool_.perform(todo, out);
    }
    pool_.complete(out);
}

} // namespace ferry::detail::cluster
