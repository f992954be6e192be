// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace ferry::detail::cluster {

/// How a worker host comes to its end: it drains, its workers are ended, it gives up; or it is
/// stopped at once. A state machine without a clock. Not thread-safe.
class host_phase {
public:
    using clock = std::chrono::steady_clock;

    /// For the reports of tasks that were ended, once the workers have been.
    static constexpr std::chrono::seconds last_words{5};

    /// Why the broker refuses this host, or its pool is broken. The first reason stays.
    void fail(const std::string& why) {
        if (failure_.empty())
            failure_ = why;
    }
    const std::string& failure() const noexcept { return failure_; }

    /// Both threads are to end, whatever is left.
    void stop() noexcept { stopped_ = true; }
    bool is_stopped() const noexcept { return stopped_; }

    /// Takes no more tasks; those that run may go on until then.
    void drain(clock::time_point until) noexcept { drain_until_ = until; }
    bool is_draining() const noexcept { return drain_until_.has_value(); }
    /// True once: when those that run have had their time, or with `at_once` while it drains.
    bool ends_workers(clock::time_point now, bool at_once) noexcept;
    /// `all_told`: there is no task and no report left.
    bool is_over(clock::time_point now, bool all_told) const noexcept;
    /// When something happens by itself.
    std::optional<clock::time_point> next_time() const noexcept {
        return give_up_at_ ? give_up_at_ : drain_until_;
    }

private:
    std::optional<clock::time_point> drain_until_;
    std::optional<clock::time_point> give_up_at_; // once the workers were ended
    bool stopped_ = false;
    std::string failure_;
};

} // namespace ferry::detail::cluster
