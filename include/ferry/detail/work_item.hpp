// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <atomic>
#include <cstdint>
#include <exception>
#include <string>

namespace ferry::detail {

/// A unit of work as a pool's queue sees it. The queue owns a share of what it holds.
class FERRY_DECL work_item {
public:
    work_item(const work_item&) = delete;
    work_item& operator=(const work_item&) = delete;

    /// Runs unless somebody claimed it before, and ends the queue's share. Lets through what work
    /// without a future throws, and forced unwinding.
    virtual void run() = 0;
    /// Gives it up unrun, failed with `why` or cancelled where that is null, and ends the queue's
    /// share.
    virtual void drop(std::exception_ptr why) noexcept = 0;
    /// True when somebody claimed it already and only the queue still holds it.
    virtual bool stale() const noexcept { return false; }
    /// Whether it counts as a task, that is, has a future: then it is a `shared_state_base`.
    virtual bool is_task() const noexcept { return false; }
    /// What error texts and reports call it.
    virtual std::string label() const { return {}; }

    std::atomic<work_item*> next{nullptr}; // the queue's
    /// When a task was queued, or began, in units of 1024 ns; 0: not measured. The lowest bit says
    /// whether its events are recorded; whoever waits for the task may look.
    std::atomic<std::uint32_t> stamp{0};
    bool is_recorded() const noexcept { return (stamp.load(std::memory_order_relaxed) & 1) != 0; }
    std::int32_t priority = 0; // constant once queued

protected:
    work_item() = default;
    ~work_item() = default;
};

} // namespace ferry::detail
