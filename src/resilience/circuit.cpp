// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "circuit.hpp"

#include <algorithm>
#include <stdexcept>

namespace ferry::detail {
namespace {

using clock = circuit::clock;

circuit_breaker_options checked(circuit_breaker_options options) {
    const auto refuse = [](const std::string& text) {
        throw std::invalid_argument("circuit_breaker_options: " + text);
    };
    if (options.threshold < 1)
        refuse("threshold is 0, but must be at least 1");
    if (options.half_open_probes < 1)
        refuse("half_open_probes is 0, but must be at least 1");
    if (options.probe_timeout.limit() == clock::duration::zero())
        refuse("probe_timeout is 0, but must be more");
    return options;
}

/// The latest time for never.
clock::time_point after(clock::time_point now, const timeout& limit) noexcept {
    const auto length = limit.limit();
    if (!length || *length > clock::time_point::max() - std::max(now, clock::time_point()))
        return clock::time_point::max();
    return now + *length;
}

clock::duration until(clock::time_point when, clock::time_point now) noexcept {
    if (when == clock::time_point::max())
        return clock::duration::max();
    return std::max(when - now, clock::duration::zero());
}

} // namespace

circuit::circuit(circuit_breaker_options options) : options_(checked(options)) {}

circuit_state circuit::state(clock::time_point now) const noexcept {
    return state_ == circuit_state::open && now >= reset_at_ ? circuit_state::half_open : state_;
}

clock::duration circuit::retry_after(clock::time_point now) const noexcept {
    if (state_ == circuit_state::open)
        return until(reset_at_, now);
    if (probes_.size() < options_.half_open_probes)
        return clock::duration::zero();
    return until(probes_.front().ends, now);
}

std::optional<circuit::pass> circuit::admit(clock::time_point now) {
    if (state_ == circuit_state::closed)
        return pass{era_, 0};
    if (state_ == circuit_state::open && now < reset_at_)
        return std::nullopt;
    // All have the same time, so that the oldest ends first.
    std::erase_if(probes_, [now](const probe& p) { return p.ends <= now; });
    if (probes_.size() >= options_.half_open_probes)
        return std::nullopt;
    // First what may throw.
    probes_.push_back({last_probe_ + 1, after(now, options_.probe_timeout), false});
    ++last_probe_;
    if (state_ == circuit_state::open) {
        state_ = circuit_state::half_open;
        ++era_;
    }
    return pass{era_, last_probe_};
}

void circuit::report(const pass& p, call_outcome how, clock::time_point now) noexcept {
    if (p.era != era_)
        return;
    std::erase_if(probes_, [&p](const probe& each) { return each.number == p.probe; });
    count(how, now);
}

bool circuit::admit_unnamed(clock::time_point now) {
    const auto p = admit(now);
    if (p && p->probe != 0) {
        probes_.back().unnamed = true;
        ++unnamed_;
    }
    return p.has_value();
}

void circuit::report_unnamed(call_outcome how, clock::time_point now) noexcept {
    if (state_ == circuit_state::open)
        return;
    if (state_ == circuit_state::half_open) {
        if (unnamed_ == 0)
            return;
        --unnamed_;
        const auto oldest = std::find_if(probes_.begin(), probes_.end(),
                                         [](const probe& each) { return each.unnamed; });
        if (oldest != probes_.end())
            probes_.erase(oldest);
    }
    count(how, now);
}

void circuit::count(call_outcome how, clock::time_point now) noexcept {
    if (how == call_outcome::cancelled)
        return;
    if (how == call_outcome::success) {
        failures_ = 0;
        if (state_ == circuit_state::half_open)
            enter(circuit_state::closed);
        return;
    }
    if (state_ == circuit_state::half_open || ++failures_ >= options_.threshold) {
        reset_at_ = after(now, options_.reset_timeout);
        enter(circuit_state::open);
    }
}

void circuit::enter(circuit_state next) noexcept {
    state_ = next;
    ++era_;
    failures_ = 0;
    unnamed_ = 0;
    probes_.clear();
}

} // namespace ferry::detail
