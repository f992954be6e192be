// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "frame.hpp"
#include "known_hosts.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
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
class ledger {
public:
    using time = std::chrono::steady_clock::time_point;
    using duration = std::chrono::nanoseconds;

    struct settings {
        duration heartbeat{};                       ///< until a host tells its own
        std::optional<duration> connect_limit = {}; ///< how long tasks wait for the broker
        bool starts_are_certain = false;            ///< hosts report a start before it happens
    };
    /// What is constant of a task.
    struct facts {
        bool idempotent = false;
        unsigned attempts = 1;
        std::optional<time> start_by = {};
        std::size_t bytes = 0;
    };

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

    ledger(const settings& s, time now) : settings_(s), out_of_reach_since_(now) {}

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
    bool has(std::uint64_t number) const { return tasks_.contains(number); }

    // Time.
    void tick(time now, actions& out);
    std::optional<time> next_deadline() const;

    // For reports and admission.
    std::size_t unstarted() const noexcept { return tasks_.size() - running_; }
    std::size_t unstarted_bytes() const noexcept { return unstarted_bytes_; }
    std::size_t running() const noexcept { return running_; }
    bool connected() const noexcept { return publishing_ && hearing_; }
    std::optional<time> out_of_reach_since() const noexcept { return out_of_reach_since_; }
    const known_hosts& hosts() const noexcept { return hosts_; }

private:
    enum class stage : std::uint8_t { waiting, sent, queued, running };
    struct task {
        facts f;
        time added{};
        stage at = stage::waiting;
        std::uint32_t round = 0;
        std::uint32_t starts = 0; ///< how often it has, or may have, been started
        bool round_started = false;
        bool in_doubt = false;
        bool asked = false;               ///< the hosts, about its silence
        std::string host = {};            ///< that runs it
        std::optional<time> lost_at = {}; ///< unless something is heard; unset while nothing can be
        std::optional<time> deadline = {}; ///< as it is in `deadlines_`
    };
    using tasks = std::unordered_map<std::uint64_t, task>;

    duration beat_of(const task& t) const { return hosts_.beat_of(t.host, settings_.heartbeat); }
    void watch(task& t, time now);
    void schedule(std::uint64_t number, task& t);
    void schedule_all();
    void set_running(std::uint64_t number, task& t, const std::string& host, time now,
                     actions& out);
    void leave_stage(task& t) noexcept;
    void wait_again(std::uint64_t number, task& t, actions& out);
    void died(tasks::iterator it, const char* why, actions& out);
    void silent(tasks::iterator it, time now, actions& out);
    void fail(tasks::iterator it, what kind, std::string text, actions& out);
    void erase(tasks::iterator it);
    void note_reach(time now);

    const settings settings_;
    tasks tasks_;
    std::deque<std::pair<std::uint64_t, std::uint32_t>> outbox_; // number and round before it
    std::set<std::pair<time, std::uint64_t>> deadlines_;
    known_hosts hosts_;
    std::size_t running_ = 0;
    std::size_t unstarted_bytes_ = 0;
    bool publishing_ = false;
    bool hearing_ = false;
    bool blocked_ = false;
    std::optional<time> out_of_reach_since_;
};

} // namespace ferry::detail::cluster
