// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ferry::detail {

/// What has to become of a worker process: a state machine that decides and does nothing itself.
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
    /// Serves, or did.
    bool was_ready() const noexcept { return ready_; }
    /// How many more tasks it may be handed, however many it holds.
    std::size_t quota() const noexcept;
    /// Tasks handed out and not answered or taken back.
    std::size_t held() const noexcept { return held_; }

    action ready() noexcept;
    void handed_out() noexcept;
    /// A task that it held was answered.
    action answered() noexcept;
    /// A task that it held was taken back: it does not count.
    void taken_back() noexcept;
    /// It starts no other task, whatever it holds, and leaves when that is answered or taken back.
    action retire() noexcept;
    /// Nobody has work for it any more.
    action leave() noexcept;
    /// It runs what must end.
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
