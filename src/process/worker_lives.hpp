// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "answer_reader.hpp"
#include "process_state.hpp"
#include "reader_events.hpp"
#include "start_policy.hpp"
#include "worker_death.hpp"

#include <string>

namespace ferry::detail {

/// Starts the workers of a process pool, and takes in their ends: `start_policy` decides when to
/// try again, `death_policy` what becomes of the task. For the reader.
class worker_lives {
public:
    worker_lives(process_state& pool, reader_events& events, answer_reader& answers,
                 start_policy& starts) noexcept
        : pool_(pool), events_(events), answers_(answers), starts_(starts) {}

    /// Starts those that the pool wants. True if there is something to do again at once.
    bool start() noexcept FERRY_EXCLUDES(pool_.mutex);
    /// The worker wrote to its standard error, or closed it.
    void on_stderr(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);
    void on_exit(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);
    /// Does what follows from the end of a worker, and destroys it, unless there is more to read.
    void reap(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);

private:
    using clock = timeout::clock;
    using source = reader_events::source;

    void start_failed(const char* why, start_policy::reason r) noexcept FERRY_EXCLUDES(pool_.mutex);
    void fail_all(const std::string& why) noexcept FERRY_EXCLUDES(pool_.mutex);
    bool read_last_words(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);
    remote_call_ptr take_victim(worker_channel& w, const worker_death& death) noexcept
        FERRY_REQUIRES(pool_.mutex);
    bool starts_again(const remote_call& c, death_cause why, unsigned starts) noexcept
        FERRY_REQUIRES(pool_.mutex);

    process_state& pool_;
    reader_events& events_;
    answer_reader& answers_;
    start_policy& starts_;
};

} // namespace ferry::detail
