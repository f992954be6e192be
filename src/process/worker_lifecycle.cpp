// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_lifecycle.hpp"

#include <ferry/detail/assert.hpp>

#include <algorithm>
#include <limits>

namespace ferry::detail {

std::size_t worker_lifecycle::quota() const noexcept {
    if (stage_ != stage::serving || retires_)
        return 0;
    return max_tasks_ == 0 ? std::numeric_limits<std::size_t>::max() : max_tasks_ - given_;
}

worker_lifecycle::action worker_lifecycle::ready() noexcept {
    if (stage_ == stage::starting) {
        stage_ = stage::serving;
        ready_ = true;
    }
    return action::nothing;
}

void worker_lifecycle::handed_out() noexcept {
    FERRY_ASSERT(quota() != 0);
    ++given_;
    ++held_;
}

worker_lifecycle::action worker_lifecycle::answered() noexcept {
    FERRY_ASSERT(held_ != 0);
    --held_;
    return retire_if_done();
}

void worker_lifecycle::taken_back() noexcept {
    FERRY_ASSERT(held_ != 0 && given_ >= held_);
    --given_;
    --held_;
}

worker_lifecycle::action worker_lifecycle::retire_if_done() noexcept {
    const bool done = retires_ || (max_tasks_ != 0 && given_ >= max_tasks_);
    return stage_ == stage::serving && held_ == 0 && done ? leave() : action::nothing;
}

worker_lifecycle::action worker_lifecycle::retire() noexcept {
    retires_ = true;
    return retire_if_done();
}

worker_lifecycle::action worker_lifecycle::leave() noexcept {
    if (stage_ == stage::starting)
        return terminate(); // it has no task whose work would be lost
    if (stage_ != stage::serving)
        return action::nothing;
    stage_ = stage::leaving;
    return action::request_exit;
}

worker_lifecycle::action worker_lifecycle::terminate() noexcept {
    if (stage_ >= stage::terminating)
        return action::nothing;
    stage_ = stage::terminating;
    return action::terminate;
}

worker_lifecycle::action worker_lifecycle::kill() noexcept {
    if (stage_ >= stage::killing)
        return action::nothing;
    stage_ = stage::killing;
    return action::kill;
}

worker_lifecycle::action worker_lifecycle::grace_over() noexcept {
    if (stage_ == stage::leaving)
        return terminate();
    return stage_ == stage::terminating ? kill() : action::nothing;
}

std::size_t hand_out_depth(double mean_run_ns, std::size_t most) noexcept {
    constexpr double together_ns = 100'000;
    if (mean_run_ns < 0)
        return 1;
    if (mean_run_ns * static_cast<double>(most) <= together_ns)
        return most;
    return std::max<std::size_t>(1, static_cast<std::size_t>(together_ns / mean_run_ns));
}

} // namespace ferry::detail
