// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "frame.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace ferry::detail::cluster {

/// What a worker host knows about the tasks that the broker has delivered to it. A state machine:
/// no input or output, no clock, no lock.
///
/// A task is held while all workers are busy, then it runs, then its outcome is reported. The
/// broker hears that it is done (an acknowledgement) only after it has confirmed the report, so
/// that a task is never forgotten by both. When the consuming connection is lost, the broker
/// delivers again what was not acknowledged, perhaps to another host; a task that comes back here
/// is the one that is here already.
class host_ledger {
public:
    explicit host_ledger(std::size_t workers) noexcept : workers_(workers) {}

    enum class what : std::uint8_t {
        run,         ///< hand the task to a local worker
        decline,     ///< report that it is not run here
        acknowledge, ///< tell the broker that the delivery is done
        forget,      ///< the task is gone
        ask_to_stop, ///< ask the running call to stop
        end_run      ///< end the running call, with its worker if need be
    };
    struct action {
        what kind;
        task_id id = {};
        std::uint64_t tag = 0;
        decline_reason reason = {};
    };
    using actions = std::vector<action>;

    /// A task has arrived. `tag` is the broker's number of the delivery.
    void delivered(const task_id& id, std::uint64_t tag, bool redelivered, actions& out);
    void cancelled(const cancel_frame& f, actions& out);
    /// The local worker has given an outcome, which is being reported from now on.
    void finished(const task_id& id, actions& out);
    /// The broker has confirmed the report of an outcome, or of declining.
    void reported(const task_id& id, actions& out);
    /// The consuming connection was lost, and with it the deliveries. What is held waits for coming
    /// back, and is forgotten if it has not when the next connection is lost.
    void connection_lost(actions& out);
    /// From now on nothing more is started.
    void drain(actions& out);

    std::size_t running() const noexcept { return running_; }
    std::size_t size() const noexcept { return tasks_.size(); }
    bool draining() const noexcept { return draining_; }
    bool is_running(const task_id& id) const;
    /// How many deliveries the broker may have out at a time.
    std::size_t prefetch() const noexcept { return workers_ + 1; }

    /// What each pool is told with a beat: number and round of each task by turns. What is being
    /// reported is no part of it, since the report arrives before a beat that is sent later; nor is
    /// what is held without a delivery, which may never come back.
    struct known_tasks {
        std::vector<std::uint64_t> running;
        std::vector<std::uint64_t> held;
    };
    std::map<std::string, known_tasks> known() const;
    known_tasks known(const std::string& reply_to) const;

    /// How many cancelled tasks are remembered that have not arrived.
    static constexpr std::size_t remembered = 10000;

private:
    enum class stage : std::uint8_t { held, running, reporting };
    struct task {
        stage at = stage::held;
        std::uint64_t tag = 0; ///< 0: the delivery was lost
    };
    using tasks = std::map<task_id, task>;

    static void list(const tasks::value_type& entry, known_tasks& k);
    void start_next(actions& out);
    void report(tasks::value_type& entry, decline_reason why, actions& out);

    const std::size_t workers_;
    tasks tasks_;
    std::deque<task_id> held_; // in the order of arrival; some may be gone
    std::size_t running_ = 0;
    bool draining_ = false;
    std::set<std::pair<std::string, std::uint64_t>> cancelled_;
    std::deque<std::pair<std::string, std::uint64_t>> cancelled_order_;
};

} // namespace ferry::detail::cluster
