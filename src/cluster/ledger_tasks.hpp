// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>

namespace ferry::detail::cluster {

/// A task that is elsewhere, as its pool knows it.
struct ledger_task {
    using time = std::chrono::steady_clock::time_point;

    enum class stage : std::uint8_t { waiting, sent, queued, running };
    /// What is constant.
    struct facts {
        bool idempotent = false;
        unsigned attempts = 1;
        std::optional<time> start_by = {};
        std::size_t bytes = 0;
    };

    bool is_published() const noexcept { return at != stage::waiting; }
    /// Whether somebody who speaks of that publication means the latest one.
    bool is_published_as(std::uint32_t its_round) const noexcept {
        return is_published() && round == its_round;
    }
    bool is_sent_as(std::uint32_t its_round) const noexcept {
        return at == stage::sent && round == its_round;
    }
    /// Each publication is started once, whoever says so and how often.
    void note_start() noexcept { starts += std::exchange(round_started, true) ? 0 : 1; }
    bool may_start_again() const noexcept { return f.idempotent && starts < f.attempts; }

    facts f;
    time added{};
    stage at = stage::waiting;
    std::uint32_t round = 0;
    std::uint32_t starts = 0; ///< how often it has, or may have, been started
    bool round_started = false;
    bool in_doubt = false;
    bool asked = false;                ///< the hosts, about its silence
    std::string host = {};             ///< that runs it
    std::optional<time> lost_at = {};  ///< unless something is heard; unset while nothing can be
    std::optional<time> deadline = {}; ///< as it is in the table
};

/// The tasks of a ledger by number, with their sums: those that wait to be published in their order,
/// the bytes of those that have not started, and the deadlines. It knows no clock and no lock.
///
/// Invariants: `outbox_` has every task that waits, with its round; what has left that stage since is
/// passed over. `deadlines_` has `ledger_task::deadline` of each that has one.
class ledger_tasks {
public:
    using time = ledger_task::time;
    using table = std::unordered_map<std::uint64_t, ledger_task>;
    using entry = table::value_type; ///< a number and its task

    /// Adds a task, which waits to be published.
    entry& add(std::uint64_t number, const ledger_task::facts& f, time now);
    /// Null if there is none.
    entry* find(std::uint64_t number) noexcept;
    bool has(std::uint64_t number) const noexcept { return tasks_.contains(number); }
    void erase(entry& e) noexcept;
    /// To look at, or change, all of them.
    table& all() noexcept { return tasks_; }

    /// The task waits to be published again; nothing is known of where it was.
    void wait(entry& e);
    /// The first one that waits, which counts as sent, in its next round; null if there is none.
    entry* send_next() noexcept;
    /// A host runs it.
    void run(entry& e) noexcept;

    /// When it is `due`.
    void schedule(entry& e, std::optional<time> at);
    entry* due(time now) noexcept;
    std::optional<time> next_deadline() const noexcept;

    std::size_t unstarted() const noexcept { return tasks_.size() - running_; }
    std::size_t unstarted_bytes() const noexcept { return unstarted_bytes_; }
    std::size_t running() const noexcept { return running_; }

private:
    void leave_stage(const ledger_task& t) noexcept;

    table tasks_;
    std::deque<std::pair<std::uint64_t, std::uint32_t>> outbox_; // number and round before it
    std::set<std::pair<time, std::uint64_t>> deadlines_;
    std::size_t running_ = 0;
    std::size_t unstarted_bytes_ = 0;
};

} // namespace ferry::detail::cluster
