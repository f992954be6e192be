// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "schedule.hpp"

#include <algorithm>
#include <utility>

namespace fetcher {
namespace {

constexpr std::size_t most_idle_lanes = 1024;

schedule::clock::duration interval(double rate) {
    return std::chrono::duration_cast<schedule::clock::duration>(
        std::chrono::duration<double>(1 / rate));
}

/// The earliest time for the start after one at `now`: late starts are not made up for.
schedule::time_point after_start(schedule::time_point planned, double rate,
                                 schedule::time_point now) {
    // A start that is late by less than an interval does not delay the ones behind it.
    return planned + interval(rate) > now ? planned + interval(rate) : now + interval(rate);
}

/// A target counts once, however often it is tried: one that never works says less about its host
/// than several do. A probe counts always.
bool counts_against_host(const job& what, const ferry::circuit_breaker& breaker) {
    return what.attempts.size() <= 1 || breaker.state() != ferry::circuit_state::closed;
}

} // namespace

schedule::schedule(const lane_settings& settings, std::size_t workers, breaker_hook on_breaker)
    : settings_(settings), on_breaker_(std::move(on_breaker)),
      ahead_(std::max<std::size_t>(2 * settings.jobs, 128)), jobs_(settings.jobs),
      load_(std::max<std::size_t>(workers, 1)) {
    if (settings.breaker > 0)
        breakers_.emplace(ferry::circuit_breaker_options{.threshold = settings.breaker,
                                                         .reset_timeout = settings.breaker_reset});
}

schedule::~schedule() = default;

void schedule::set_reserve(std::size_t jobs) noexcept {
    if (settings_.rate == 0 && settings_.per_host_rate == 0 && settings_.per_host == 0)
        reserve_ = jobs;
}

std::size_t schedule::most_in_flight() const noexcept {
    return good_ >= jobs_ + 16 ? jobs_ + reserve_ : jobs_;
}

schedule::lane& schedule::lane_of(const std::string& host) {
    auto& found = lanes_[host];
    if (found != nullptr)
        return *found;
    found = std::make_unique<lane>();
    lane& made = *found;
    made.host = host;
    made.secure = host.starts_with("https:");
    made.home = hosts_++ % load_.size();
    if (breakers_) {
        made.breaker = breakers_->get(host);
        made.breaker->on_state_change(
            [this, &made](ferry::circuit_state, ferry::circuit_state entered) {
                if (entered == ferry::circuit_state::open) {
                    ++made.openings;
                    made.asked_again = clock::now() + settings_.breaker_reset;
                } else if (entered == ferry::circuit_state::closed) {
                    made.openings = 0;
                }
                if (on_breaker_)
                    on_breaker_(made.host, entered, made.openings);
            });
    }
    return made;
}

void schedule::enlist(lane& which) {
    if (which.place == where::parked)
        parked_.erase(which.parked);
    if (which.place != where::ready)
        ready_.push_back(&which);
    which.place = where::ready;
}

void schedule::park(lane& which, time_point until) {
    which.parked = parked_.emplace(until, &which);
    which.place = where::parked;
}

void schedule::add(job_ptr what) {
    lane& its = lane_of(what->what.host);
    its.waiting.push_back(std::move(what));
    ++waiting_;
    if (its.place == where::nowhere)
        enlist(its);
}

void schedule::retry(job_ptr what, time_point due) {
    what->due = due;
    retries_.emplace(due, std::move(what));
    ++waiting_;
}

std::optional<schedule::decision> schedule::next(time_point now) {
    while (!retries_.empty() && retries_.begin()->first <= now) {
        job_ptr due = std::move(retries_.extract(retries_.begin()).mapped());
        lane& its = lane_of(due->what.host);
        its.waiting.push_front(std::move(due));
        if (its.place == where::nowhere) {
            ready_.push_front(&its);
            its.place = where::ready;
        }
    }
    while (!parked_.empty() && parked_.begin()->first <= now)
        enlist(*parked_.begin()->second);
    if (in_flight_ >= most_in_flight() || (settings_.rate > 0 && now < next_start_))
        return std::nullopt;
    while (!ready_.empty()) {
        lane& which = *ready_.front();
        ready_.pop_front();
        which.place = where::nowhere;
        if (auto made = start_from(which, now))
            return made;
    }
    return std::nullopt;
}

// Leaves the lane in the place where it belongs.
std::optional<schedule::decision> schedule::start_from(lane& which, time_point now) {
    if (which.waiting.empty()) {
        forget_if_idle(which, now);
        return std::nullopt;
    }
    if (settings_.per_host > 0 && which.in_flight >= settings_.per_host)
        return std::nullopt;
    if (const auto until = std::max(which.closed_until, which.next_start); until > now) {
        park(which, until);
        return std::nullopt;
    }
    const bool rejected = which.breaker != nullptr && !which.breaker->allow();
    // A host that had one chance to recover and did not take it is not waited for again.
    if (rejected && which.openings < 2) {
        park(which, std::max(which.asked_again, now + std::chrono::milliseconds(10)));
        return std::nullopt;
    }
    decision made{std::move(which.waiting.front()), rejected};
    which.waiting.pop_front();
    --waiting_;
    if (!rejected) {
        made.what->worker = worker_for(which);
        ++load_[made.what->worker];
        ++which.in_flight;
        ++in_flight_;
        if (settings_.rate > 0)
            next_start_ = after_start(next_start_, settings_.rate, now);
        if (settings_.per_host_rate > 0)
            which.next_start = after_start(which.next_start, settings_.per_host_rate, now);
    }
    if (!which.waiting.empty())
        enlist(which);
    return made;
}

// A host's connections are with one worker; only as many plain requests as keep it busy let others
// help. Of TLS, connections are dear, so that takes more.
std::size_t schedule::worker_for(const lane& which) const {
    const std::size_t busy =
        std::min(which.in_flight, jobs_); // what is in reserve keeps nobody busy
    const std::size_t helpers = which.multiplexed ? 0 : busy / (which.secure ? 32 : 16);
    std::size_t best = which.home;
    for (std::size_t n = 1; n <= std::min(helpers, load_.size() - 1); ++n)
        if (const auto other = (which.home + n) % load_.size(); load_[other] < load_[best])
            best = other;
    return best;
}

schedule::time_point schedule::wakes() const {
    if (in_flight_ >= most_in_flight())
        return time_point::max();
    time_point result = time_point::max();
    if (!retries_.empty())
        result = retries_.begin()->first;
    if (!parked_.empty())
        result = std::min(result, parked_.begin()->first);
    if (!ready_.empty())
        result = std::min(result, next_start_);
    return result;
}

void schedule::finished(const job& what, host_health host, time_point now) {
    lane& its = lane_of(what.what.host);
    good_ = host == host_health::well ? good_ + 1 : 0;
    --its.in_flight;
    --in_flight_;
    --load_[what.worker];
    if (its.breaker != nullptr) {
        if (host == host_health::well)
            its.breaker->record_success();
        else if (host == host_health::ill && counts_against_host(what, *its.breaker))
            its.breaker->record_failure();
        else
            its.breaker->record_cancelled();
    }
    if (!its.waiting.empty())
        enlist(its); // also a parked one: what it waits for may have changed
    else
        forget_if_idle(its, now);
}

void schedule::close(const std::string& host, clock::duration how_long, time_point now) {
    lane& its = lane_of(host);
    its.closed_until = std::max(its.closed_until, now + how_long);
}

void schedule::multiplexes(const std::string& host) { lane_of(host).multiplexed = true; }

void schedule::hold_back() noexcept {
    jobs_ = std::clamp<std::size_t>(in_flight_, 1, jobs_);
    reserve_ = 0;
}

// Of many thousands of hosts only those are remembered of which there is something to remember.
void schedule::forget_if_idle(lane& which, time_point now) {
    if (lanes_.size() <= most_idle_lanes || which.place != where::nowhere ||
        !which.waiting.empty() || which.in_flight > 0 || which.closed_until > now ||
        which.next_start > now ||
        (which.breaker != nullptr && which.breaker->state() != ferry::circuit_state::closed))
        return;
    if (breakers_)
        breakers_->erase(which.host);
    lanes_.erase(lanes_.find(which.host));
}

std::vector<job_ptr> schedule::drain() {
    std::vector<job_ptr> result;
    for (auto& [host, each] : lanes_) {
        for (auto& waiting : each->waiting)
            result.push_back(std::move(waiting));
        each->waiting.clear();
        each->place = where::nowhere;
    }
    ready_.clear();
    parked_.clear();
    std::sort(result.begin(), result.end(),
              [](const auto& a, const auto& b) { return a->what.number < b->what.number; });
    for (auto& [due, waiting] : retries_)
        result.push_back(std::move(waiting));
    retries_.clear();
    waiting_ = 0;
    return result;
}

} // namespace fetcher
