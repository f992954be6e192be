// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
// The thread of a cluster pool that publishes.
#include "cluster_core.hpp"

#include <ferry/detail/scope_exit.hpp>

#include <boost/assert.hpp>

#include <algorithm>

namespace ferry::detail::cluster {
namespace {

// How much may be on its way to the broker before it has confirmed the first of it.
constexpr std::size_t most_unconfirmed = 1024;
constexpr std::size_t most_unconfirmed_bytes = std::size_t(64) << 20;
constexpr std::size_t batch = 64;

} // namespace

queue_options cluster_core::task_queue() const {
    return {.durable = options_.durable,
            .has_priorities = true,
            .limit = options_.broker_queue_limit,
            .expires_after = std::chrono::hours(24)};
}
queue_options cluster_core::reply_queue() const {
    return {.durable = options_.durable, .expires_after = std::chrono::seconds(60)};
}

struct cluster_core::publishing {
    connection& link;
    std::uint64_t sent = 0; ///< the number that the broker gives to the latest message
    std::map<std::uint64_t, std::pair<sent_message, std::size_t>> unconfirmed = {};
    std::size_t unconfirmed_bytes = 0;
    bool blocked = false;
};

void cluster_core::publish(connection& c) {
    c.declare_exchange(exchange_);
    c.declare_queue(tasks_name_, task_queue());
    c.select_confirms();
    publisher_.is_of_use();
    const scope_exit at_end([this] {
        outcomes out;
        {
            const lock_type lock(mutex_);
            ledger::actions todo;
            ledger_.publisher_lost(clock::now(), todo);
            perform(todo, out);
        }
        consumer_.wake().signal();
        complete_calls(out);
    });
    {
        const lock_type lock(mutex_);
        ledger_.publisher_connected(clock::now());
    }
    consumer_.wake().signal();
    publish_until_done(c);
}

void cluster_core::publish_until_done(connection& c) {
    publishing p{c};
    for (;;) {
        publisher_.wake().clear();
        const bool may_publish = publish_some(p);
        const bool made_room = read_confirms(p);
        consumer_.interrupt_if_dead();
        if (may_publish || made_room)
            continue;
        {
            const lock_type lock(mutex_);
            if (done_ && control_.empty())
                return;
        }
        c.wait(publisher_.wake().file(), clock::now() + std::chrono::hours(1));
    }
}

// Publishes what there is, up to a limit; true if there may be more.
bool cluster_core::publish_some(publishing& p) {
    if (p.blocked)
        return false;
    struct item {
        ledger::publication what;
        call_entry from; ///< what is needed of it
    };
    std::vector<item> tasks;
    std::vector<outgoing> control;
    {
        const lock_type lock(mutex_);
        std::size_t bytes = p.unconfirmed_bytes;
        while (tasks.size() != batch && p.unconfirmed.size() + tasks.size() < most_unconfirmed &&
               bytes < most_unconfirmed_bytes) {
            const auto next = ledger_.next();
            if (!next)
                break;
            const auto it = calls_.find(next->number);
            BOOST_ASSERT(it != calls_.end());
            bytes += it->second.bytes;
            tasks.push_back({*next, it->second});
        }
        // What is said about a task comes behind it.
        if (tasks.size() != batch)
            control.assign(std::make_move_iterator(control_.begin()),
                           std::make_move_iterator(control_.end()));
        if (!control.empty())
            control_.clear();
    }
    for (const item& i : tasks) {
        const auto body = write_task(i.what, i.from);
        message_options how{.persistent = options_.durable,
                            .priority = static_cast<std::uint8_t>(i.from.level)};
        if (i.what.start_by)
            how.expires_after = std::chrono::ceil<std::chrono::milliseconds>(
                std::max<clock::duration>(*i.what.start_by - clock::now(), {}));
        p.link.publish({}, tasks_name_, body, how);
        p.unconfirmed[++p.sent] = {{i.what.number, i.what.round}, body.size()};
        p.unconfirmed_bytes += body.size();
    }
    for (const outgoing& o : control) {
        p.link.publish(o.exchange, o.key, o.body, {});
        p.unconfirmed[++p.sent] = {{}, o.body.size()};
        p.unconfirmed_bytes += o.body.size();
    }
    return tasks.size() == batch;
}

std::vector<std::byte> cluster_core::write_task(const ledger::publication& p,
                                                const call_entry& e) const {
    task_frame f;
    f.id = {reply_to_, p.number, p.round};
    f.attempt = p.attempt;
    f.stops = e.call->stops;
    f.idempotent = e.how.idempotent;
    f.wants_progress = wants_progress(*e.call);
    f.timeout = e.how.limit.limit();
    f.label = e.call->call_label();
    f.entry = e.entry;
    f.function = e.function;
    f.arguments = e.arguments->bytes().subspan(e.arguments_at);
    return write_frame(f);
}

// True if there may be room now for what could not be published before.
bool cluster_core::read_confirms(publishing& p) {
    bool any = false;
    std::vector<std::pair<sent_message, bool>> settled;
    for (event e = p.link.next(); e.what != event::kind::nothing; e = p.link.next()) {
        if (e.what == event::kind::blocked || e.what == event::kind::unblocked) {
            p.blocked = e.what == event::kind::blocked;
            any = any || !p.blocked;
            {
                const lock_type lock(mutex_);
                ledger_.set_blocked(p.blocked, clock::now());
            }
            consumer_.wake().signal();
            continue;
        }
        if (e.what != event::kind::confirmed && e.what != event::kind::refused)
            continue;
        const auto last = p.unconfirmed.upper_bound(e.tag);
        auto it = e.multiple ? p.unconfirmed.begin() : p.unconfirmed.find(e.tag);
        while (it != p.unconfirmed.end() && it != last) {
            any = true;
            p.unconfirmed_bytes -= it->second.second;
            if (it->second.first.number != 0)
                settled.emplace_back(it->second.first, e.what == event::kind::confirmed);
            it = p.unconfirmed.erase(it);
        }
    }
    if (settled.empty())
        return any;
    outcomes out;
    {
        const lock_type lock(mutex_);
        ledger::actions todo;
        for (const auto& [message, confirmed] : settled) {
            if (confirmed)
                ledger_.confirmed(message.number, message.round);
            else
                ledger_.refused(message.number, message.round, todo);
        }
        perform(todo, out);
    }
    complete_calls(out);
    return any;
}

} // namespace ferry::detail::cluster
