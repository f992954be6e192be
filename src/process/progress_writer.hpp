// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/detail/progress_sink.hpp>

#include "answer_writer.hpp"
#include "support/home_process.hpp"
#include "wire.hpp"

#include <chrono>
#include <optional>
#include <string_view>

namespace ferry::detail {

/// The shortest time between two reports of progress that are sent: a little longer than the pool's
/// period, so that two that arrive soon after each other are seldom held back there.
inline constexpr std::chrono::milliseconds worker_report_period =
    progress_period + std::chrono::milliseconds(5);

/// Sends what the task of a worker reports of its progress, unless the report before was sent just
/// now: then it is kept until the task ends or reports again. For the worker's main thread.
class progress_writer final : progress_receiver {
public:
    /// `answers` must outlive it.
    explicit progress_writer(answer_writer& answers) noexcept : answers_(answers) {}

    /// Reports of the calling thread are those of that task from now on.
    void begin(const wire::frame_header& task);
    /// Sends what is kept; there are no more.
    void end();

private:
    void on_report(double done, std::string_view note) override;
    void send(const progress& p);

    answer_writer& answers_;
    const home_process home_; // a child that the task has forked reports nothing
    wire::frame_header task_;
    std::optional<progress_gate> gate_;
    std::optional<progress> kept_;
};

} // namespace ferry::detail
