// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// Decides when a worker process is to leave or is ended: a state machine that acts on nothing.
///
///   starting ──ready──▶ serving ──leave──▶ leaving
///      │                   │                  │ grace over
///      └───── terminate ───┴──────────────────┴─▶ terminating ──grace over──▶ killing
///                     and from each of them, when the process has ended, ──▶ ended
class worker_lifecycle {
public:
    enum class stage : std::uint8_t { starting, serving, leaving, terminating, killing, ended };
    /// What the caller does next. After `request_exit` and `terminate` it calls `grace_over` when
    /// the grace has passed.
    enum class action : std::uint8_t { nothing, request_exit, terminate, kill };

    /// `max_tasks`: after how many it leaves; 0 is no limit.
    explicit worker_lifecycle(std::size_t max_tasks) noexcept : max_tasks_(max_tasks) {}

    stage now() const noexcept { return stage_; }
    /// Whether it has ever said that it is ready.
    bool was_ready() const noexcept { return ready_; }
    /// How many more tasks it may be handed, however many it holds.
    std::size_t quota() const noexcept;
    /// Tasks handed out and not answered or taken back.
    std::size_t held() const noexcept { return held_; }

    action ready() noexcept;
    void handed_out() noexcept;
    /// A task that it held was answered.
    action answered() noexcept;
    /// A task that it held was taken back; it does not count towards `max_tasks`.
    void taken_back() noexcept;
    /// The worker starts no other task, and leaves when it holds none any more.
    action retire() noexcept;
    /// The worker is not needed any more: it leaves when it has done what it was handed.
    action leave() noexcept;
    /// The task that the worker runs must end, and with it the worker.
    action terminate() noexcept;
    action kill() noexcept;
    action grace_over() noexcept;
    void ended() noexcept { stage_ = stage::ended; }

private:
    action retire_if_done() noexcept;

    const std::size_t max_tasks_;
    std::size_t given_ = 0;
    std::size_t held_ = 0;
    stage stage_ = stage::starting;
    bool ready_ = false;
    bool retires_ = false;
};

/// How many tasks a worker may hold at a time: what it runs in a tenth of a millisecond, going by
/// the mean run time, so that handing out costs little beside short tasks, and a task of a
/// millisecond has nothing waiting behind it. Before anything was measured (negative): one.
std::size_t hand_out_depth(double mean_run_ns, std::size_t most) noexcept;

} // namespace ferry::detail
