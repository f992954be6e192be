// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/timeout.hpp>

#include "later.hpp"

#include <algorithm>
#include <chrono>
#include <optional>

namespace ferry::detail {

/// When a worker has been idle for too long: a state machine without a clock of its own. It costs
/// no timer for each task: the one timer of a worker goes off when it may be time, and is set anew
/// if it is not. Not thread-safe.
class idle_limit {
public:
    using clock = timeout::clock;
    /// How soon a timer checks a busy worker again.
    static constexpr std::chrono::milliseconds patience{250};

    explicit idle_limit(timeout limit) noexcept : limit_(limit.limit()) {}

    bool is_set() const noexcept { return limit_.has_value(); }
    /// The worker has nothing to do from now on. Returns when to check it; only where it is set.
    clock::time_point rests(clock::time_point now) noexcept {
        since_ = now;
        return later(now, *limit_);
    }
    /// The timer went off. Returns when to check again; nothing: the worker ends.
    std::optional<clock::time_point> next_check(clock::time_point now, bool idle) const noexcept {
        if (!idle)
            return later(now, std::max<clock::duration>(*limit_, patience));
        const auto at = later(since_, *limit_);
        return at > now ? std::optional(at) : std::nullopt;
    }

private:
    std::optional<clock::duration> limit_;
    clock::time_point since_{};
};

} // namespace ferry::detail
