// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "broker_reach.hpp"
#include "frame.hpp"
#include "known_hosts.hpp"
#include "ledger_tasks.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace ferry::detail::cluster {

/// What a pool knows about its tasks that are at the broker and at hosts. A state machine: it is
/// told what happened and when, and says what is to be done; it does no input or output, has no
/// clock and no lock.
///
/// A task waits to be published, is sent, is queued at the broker once that has confirmed it, and
/// runs once a host says so. It leaves the ledger with its outcome. Each publication has a number,
/// its round; what a host says about an earlier round counts only if it is a result.
///
/// A task is *in doubt* when it may have got lost: because its host runs it and may die, because
/// the connection was cut before the broker had confirmed it, or because the broker was restarted.
/// It is lost when no host has mentioned it for two beats, and a half for the way that they have to
/// go; the hosts are asked before. While nothing can be heard the time stands.
///
/// Invariant: a task is scheduled for the first time at which something follows from silence.
class ledger {
public:
    using time = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    struct settings {
        duration heartbeat{};                       ///< until a host tells its own
        std::optional<duration> connect_limit = {}; ///< how long tasks wait for the broker
        bool starts_are_certain = false;            ///< hosts report a start before it happens
    };
    using facts = ledger_task::facts;

    enum class what : std::uint8_t {
        started,     ///< a host has started the task
        died,        ///< fail it with `worker_died`
        late,        ///< fail it: it has not started in time
        unreachable, ///< fail it with `no_worker_error`: the broker is out of reach
        full,        ///< fail it with `queue_full_error`: the broker's queue is full
        again,       ///< there is something to publish again
        tell_hosts,  ///< tell the hosts that the task was cancelled
        ask_hosts    ///< ask all hosts which tasks they have
    };
    struct action {
        what kind;
        std::uint64_t number = 0;
        std::string text = {}; ///< why, or the host: that runs it, or is to be told (empty: all)
    };
    using actions = std::vector<action>;

    /// A task to be published now.
    struct publication {
        std::uint64_t number = 0;
        std::uint32_t round = 0;
        std::uint32_t attempt = 1;
        std::optional<time> start_by = {};
    };

    ledger(const settings& s, time now) : settings_(s), reach_(now) {}

    // What the program does.
    void add(std::uint64_t number, const facts& f, time now);
    /// The future has its outcome; nobody waits for the task. False if it is not in the ledger.
    bool remove(std::uint64_t number, actions& out);

    // What the publishing connection does.
    void publisher_connected(time now);
    void publisher_lost(time now, actions& out);
    /// The broker accepts nothing, or does again.
    void set_blocked(bool blocked, time now);
    /// The next task to publish, while both connections are there; it counts as sent from then on.
    std::optional<publication> next();
    void confirmed(std::uint64_t number, std::uint32_t round);
    void refused(std::uint64_t number, std::uint32_t round, actions& out);

    // What the consuming connection does.
    /// `survived`: the reply queue was still there, so the broker has lost nothing that it had.
    void consumer_connected(bool survived, time now, actions& out);
    void consumer_lost(time now);

    // What hosts say.
    void started(const started_frame& f, time now, actions& out);
    /// True if this is the outcome of the task, which leaves the ledger.
    bool answered(std::uint64_t number, std::uint32_t round, outcome_kind kind, actions& out);
    void declined(const declined_frame& f, actions& out);
    void heard(const beat_frame& f, time now, actions& out);
    void announced(const announce_frame& f) { hosts_.announced(f); }

    /// Does what was due by now, as `tasks` says.
    void tick(time now, actions& out);

    // What it knows.
    const ledger_tasks& tasks() const noexcept { return tasks_; }
    const broker_reach& reach() const noexcept { return reach_; }
    const known_hosts& hosts() const noexcept { return hosts_; }

private:
    using entry = ledger_tasks::entry;

    duration beat_of(const ledger_task& t) const {
        return hosts_.beat_of(t.host, settings_.heartbeat);
    }
    void watch(entry& e, time now);
    void watch_all_in_doubt(time now);
    void schedule(entry& e);
    void schedule_all();
    void set_running(entry& e, const std::string& host, time now, actions& out);
    void wait_again(entry& e, actions& out);
    void died(entry& e, const char* why, actions& out);
    void silent(entry& e, time now, actions& out);
    void fail(entry& e, what kind, std::string text, actions& out);

    const settings settings_;
    ledger_tasks tasks_;
    broker_reach reach_;
    known_hosts hosts_;
};

} // namespace ferry::detail::cluster
