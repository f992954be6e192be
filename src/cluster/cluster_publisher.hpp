// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "cluster_state.hpp"
#include "publish_window.hpp"

#include <deque>
#include <vector>

namespace ferry::detail::cluster {

/// What the publishing thread of a cluster pool does with one connection: it sends tasks, and what
/// else hosts have to know, and hears what the broker has accepted. Belongs to that thread.
///
/// Invariant: `window_` has what was sent and is not settled. While the broker is `blocked_`
/// nothing is sent.
class cluster_publisher {
public:
    cluster_publisher(cluster_state& pool, connection& link) noexcept : pool_(pool), link_(link) {}

    /// Until the pool has nothing more to say. Errors: `connection_error`.
    void run() FERRY_EXCLUDES(pool_.mutex);

private:
    /// What is sent at once: tasks, with copies of what is needed of them, and then messages.
    struct batch {
        struct task {
            ledger::publication what;
            open_call from;
        };
        std::vector<task> tasks;
        host_messages::messages others;
        bool is_full() const noexcept;
    };

    void publish_until_done() FERRY_EXCLUDES(pool_.mutex);
    bool publish_some() FERRY_EXCLUDES(pool_.mutex);
    batch take() FERRY_EXCLUDES(pool_.mutex);
    void send(const batch::task& t);
    bool read_confirms() FERRY_EXCLUDES(pool_.mutex);
    void set_blocked(bool blocked) FERRY_EXCLUDES(pool_.mutex);
    void settle(const std::vector<publish_window::message>& confirmed,
                const std::vector<publish_window::message>& refused) FERRY_EXCLUDES(pool_.mutex);

    cluster_state& pool_;
    connection& link_;
    publish_window window_;
    bool blocked_ = false;
};

} // namespace ferry::detail::cluster
