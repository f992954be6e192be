// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "job.hpp"
#include "settings.hpp"

#include <ferry/resilience/circuit_breaker.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace fetcher {

/// What an attempt told about its host.
enum class host_health { well, ill, unknown };

/// Decides which job starts next, and with which worker. Each host has a lane of its own, with its
/// limit, its rate, its circuit breaker and the time until which `Retry-After` has closed it; lanes
/// take turns, so that a host that does not answer holds up nobody else's targets. A retry that is
/// due comes before everything else of its lane.
///
/// It decides only: the time is an argument (which must not go back), and it never waits; only the
/// circuit breakers look at the clock themselves.
/// Thread safety: unsafe; one thread at a time.
///
/// Invariants: a lane is in `ready_` or in `parked_` exactly when its `place` says so; one that has
/// jobs waiting and is in neither is at its limit and comes back when one of its jobs finishes.
class schedule {
public:
    using clock = std::chrono::steady_clock;
    using time_point = clock::time_point;
    /// `openings`: how often it has opened since it was last closed.
    using breaker_hook = std::function<void(const std::string& host, ferry::circuit_state entered,
                                            unsigned openings)>;

    /// `on_breaker` is told whenever a host's circuit breaker changes its state.
    schedule(const lane_settings& settings, std::size_t workers, breaker_hook on_breaker = {});
    ~schedule();
    schedule(const schedule&) = delete;
    schedule& operator=(const schedule&) = delete;

    void add(job_ptr what);
    void retry(job_ptr what, time_point due);

    struct decision {
        job_ptr what;
        bool rejected = false; ///< its host is not to be asked: it has failed
    };
    /// The next job to start, now; its `worker` says with whom. Nothing when none may start.
    std::optional<decision> next(time_point now);
    /// When `next` may have something without anything else happening.
    time_point wakes() const;

    /// A job that `next` gave, and did not reject, is back.
    void finished(const job& what, host_health host, time_point now);
    /// Nothing of that host starts for so long.
    void close(const std::string& host, clock::duration how_long, time_point now);
    /// The host sends many answers over one connection, so that one worker should have all of it.
    void multiplexes(const std::string& host);
    /// While all goes well, workers get up to so many jobs more than may be under way, so that they
    /// need not wait for the next. Not with rates or limits for hosts, which this would exceed.
    void set_reserve(std::size_t jobs) noexcept;
    /// From now on there are at most as many at a time as there are now, but at least one.
    void hold_back() noexcept;
    /// From now on there are at most that many at a time.
    void limit_jobs(std::size_t most) noexcept { jobs_ = std::min(jobs_, most); }

    /// Whether more targets should be read: enough wait to keep all busy, and not many more.
    bool wants_more() const noexcept { return waiting_ < ahead_; }
    std::size_t waiting() const noexcept { return waiting_; }
    std::size_t in_flight() const noexcept { return in_flight_; }
    std::size_t jobs() const noexcept { return jobs_; }
    std::size_t lanes() const noexcept { return lanes_.size(); }
    /// All that wait leave, the ones that wait for a retry last.
    std::vector<job_ptr> drain();

private:
    enum class where { nowhere, ready, parked };
    struct lane {
        std::string host;
        std::deque<job_ptr> waiting;
        std::size_t in_flight = 0;
        std::size_t home = 0; // the worker that has its connections
        bool secure = false;
        bool multiplexed = false;
        time_point closed_until{};
        time_point next_start{};
        time_point asked_again{}; // when an open breaker lets a probe through
        unsigned openings = 0;    // of the breaker, since it was last closed
        std::shared_ptr<ferry::circuit_breaker> breaker;
        where place = where::nowhere;
        std::multimap<time_point, lane*>::iterator parked;
    };

    std::size_t most_in_flight() const noexcept;
    lane& lane_of(const std::string& host);
    void enlist(lane& which);
    void park(lane& which, time_point until);
    void forget_if_idle(lane& which, time_point now);
    std::optional<decision> start_from(lane& which, time_point now);
    std::size_t worker_for(const lane& which) const;

    const lane_settings settings_;
    const breaker_hook on_breaker_;
    const std::size_t ahead_;
    std::size_t jobs_;
    std::size_t reserve_ = 0;
    std::size_t good_ = 0; // results in a row
    std::size_t waiting_ = 0;
    std::size_t in_flight_ = 0;
    std::size_t hosts_ = 0;         // seen so far; each worker is home to as many
    std::vector<std::size_t> load_; // in flight with each worker
    time_point next_start_{};
    std::unordered_map<std::string, std::unique_ptr<lane>> lanes_;
    std::deque<lane*> ready_;
    std::multimap<time_point, lane*> parked_;
    std::multimap<time_point, job_ptr> retries_;
    std::optional<ferry::circuit_breaker_registry> breakers_;
};

} // namespace fetcher
