// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "frame.hpp"

#include <chrono>
#include <map>
#include <optional>
#include <vector>

namespace ferry::detail::cluster {

/// When to look whether a call that was handed to the local pool runs, so that its start is
/// reported. A state machine without a clock. Not thread-safe.
///
/// A call that is over sooner than the first look is not reported as started: its outcome says as
/// much. A call that has not started is looked at again, ever more seldom: a worker may have to be
/// started first.
class start_watch {
public:
    using clock = std::chrono::steady_clock;

    static constexpr std::chrono::milliseconds first_pause{2};
    static constexpr std::chrono::milliseconds longest_pause{20};

    struct look {
        task_id id;
        std::chrono::milliseconds pause; ///< since the one before
    };

    /// The call was handed over.
    void add(const task_id& id, clock::time_point now);
    /// Takes those that are to be looked at now.
    std::vector<look> take_due(clock::time_point now);
    /// It has not started.
    void again(look l, clock::time_point now);
    std::optional<clock::time_point> next_time() const;

private:
    std::multimap<clock::time_point, look> looks_;
};

} // namespace ferry::detail::cluster
