// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/pool_options.hpp>
#include <ferry/timeout.hpp>

#include "process_reader.hpp"
#include "process_state.hpp"

#include <cstddef>

namespace ferry::detail {

/// Ends a process pool, in order or not. Not for a child of fork(). Thread safety: safe.
class process_shutdown {
public:
    process_shutdown(process_state& pool, process_reader& reader) noexcept
        : pool_(pool), reader_(reader) {}

    /// No more tasks; with `cancel`, what has not started is cancelled. The number of those.
    std::size_t close(bool cancel) FERRY_EXCLUDES(pool_.mutex);
    /// Waits until the workers have ended and the callbacks have run.
    void join() FERRY_EXCLUDES(pool_.mutex);
    /// Closes it, and joins it; what is not done by then is cancelled, or ended with its worker.
    shutdown_report close_within(timeout limit) FERRY_EXCLUDES(pool_.mutex);
    /// Cancels what has not started, and ends all workers.
    void end_workers(bool gently) FERRY_EXCLUDES(pool_.mutex);

private:
    using clock = timeout::clock;

    void join_reader() FERRY_EXCLUDES(pool_.mutex);

    process_state& pool_;
    process_reader& reader_;
};

} // namespace ferry::detail
