// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "process_state.hpp"
#include "start_policy.hpp"

#include <array>
#include <cstddef>

namespace ferry::detail {

/// Reads what the workers of a process pool say: answers, progress, and whether they are ready. It
/// runs no user code: answers that need it are given to other threads. For the reader.
class answer_reader {
public:
    answer_reader(process_state& pool, start_policy& starts) noexcept
        : pool_(pool), starts_(starts) {}

    /// Reads all that the worker has said. What cannot be read now is tried again in a moment.
    void read(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);

private:
    using clock = timeout::clock;
    enum class reading { all, enough, later, broken };

    reading next_answers(worker_channel& w, std::size_t& count) FERRY_EXCLUDES(pool_.mutex);
    void on_ready(worker_channel& w, const wire::frame& f) FERRY_EXCLUDES(pool_.mutex);
    void on_progress(worker_channel& w, const wire::frame& f) FERRY_EXCLUDES(pool_.mutex);
    void account(worker_channel& w, std::size_t count) noexcept FERRY_EXCLUDES(pool_.mutex);
    void finish(answer& a) noexcept FERRY_EXCLUDES(pool_.mutex);

    process_state& pool_;
    start_policy& starts_;
    std::array<answer, 64> batch_;
};

} // namespace ferry::detail
