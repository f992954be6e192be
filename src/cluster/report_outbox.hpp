// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/task_options.hpp>

#include "report.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>
#include <vector>

namespace ferry::detail::cluster {

/// The reports of a worker host until the broker has confirmed them. A state machine: no
/// connection, no clock, no lock.
///
/// A report waits, then it is unconfirmed on the present connection, then it is gone. What is
/// unconfirmed when the connection is lost waits again, before all others. What ends a task and was
/// returned, since its pool has no queue, is tried again for a while: the pool may be about to make
/// its queue again, after the broker was restarted; it does so soon, or never.
///
/// Invariants: the broker counts what is published on a connection from 1, and `first_` is its
/// number of the first unconfirmed report. Unconfirmed reports stay where they are in memory until
/// their confirm or the loss of the connection, whatever is added meanwhile. Each task in `latest_`
/// has one waiting report without a body.
class report_outbox {
public:
    using clock = std::chrono::steady_clock;

    /// How long, and how often, what was returned is tried again.
    static constexpr std::chrono::minutes patience{1};
    static constexpr std::chrono::milliseconds pause{100};
    /// Most reports that are unconfirmed at a time.
    static constexpr std::size_t window = 1024;

    void add(report r) { waiting_.push_back({.what = std::move(r)}); }
    /// A running task tells how far it is. Of what waits only the latest is kept. True if it did not
    /// take the place of another one.
    bool add_progress(const task_id& id, progress p);

    struct numbered {
        std::uint64_t number; ///< the broker's, on this connection
        const report* what;   ///< until its confirm
    };
    /// Takes the next report, which is to be published now. Nothing if none waits, or the window is
    /// full.
    std::optional<numbered> take();

    /// There is no queue for it. Its confirm follows.
    void returned(std::uint64_t number) noexcept;
    /// A task whose report has arrived.
    struct confirmation {
        task_id id;
        bool starts;
    };
    /// The broker has this one, and with `multiple` all before it. Confirms may come out of order.
    /// `retry`: what was returned is tried again.
    void confirmed(std::uint64_t number, bool multiple, bool retry, clock::time_point now,
                   std::vector<confirmation>& out);
    void connection_lost();

    /// Lets what was returned wait for being published again when it is time; when the next is
    /// due.
    std::optional<clock::time_point> retry_returned(clock::time_point now);
    bool empty() const noexcept {
        return waiting_.empty() && unconfirmed_.empty() && returned_.empty();
    }

private:
    struct entry {
        report what;
        std::optional<task_id> progress_of = {};     ///< its body is to be written
        bool confirmed = false;                      ///< and nothing but its place is left
        bool returned = false;                       ///< on this connection
        std::optional<clock::time_point> until = {}; ///< when to stop trying, once it was returned
    };

    bool keeps_trying(entry& e, clock::time_point now);

    std::deque<entry> waiting_;
    std::deque<entry> unconfirmed_; // of the present connection, in their order
    std::uint64_t first_ = 1;
    std::deque<std::pair<clock::time_point, entry>> returned_; // and when to publish them again
    std::map<task_id, progress> latest_;
};

} // namespace ferry::detail::cluster
