// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "answer_reader.hpp"
#include "limit_sampler.hpp"
#include "process_state.hpp"
#include "reader_events.hpp"
#include "start_policy.hpp"
#include "withdrawal.hpp"
#include "worker_lives.hpp"

#include <memory>
#include <thread>

namespace ferry::detail {

/// The thread of a process pool that waits: for what its workers say, for their end, and for time.
/// It gives each event to the part of it that is about such events. It needs no memory to go on,
/// and runs no user code. Thread safety: safe.
class process_reader {
public:
    /// Errors: `std::system_error`.
    explicit process_reader(process_state& pool);

    // With the pool's mutex, which these assert.
    bool has_started() const noexcept {
        pool_.mutex.assert_held();
        return stage_ != stage::none;
    }
    /// `keep` lives as long as the thread. It ends when the pool is closed and has nothing left to
    /// do. Errors: `std::system_error`.
    void start(std::shared_ptr<void> keep);
    /// The pool is closed: a thread that has not started never does.
    void stay_away() noexcept;
    /// Waits until it has ended, and all workers with it.
    void wait_until_ended(scoped_lock& lock) noexcept;

    /// The same without the mutex, and for the thread itself.
    void join() FERRY_EXCLUDES(pool_.mutex);

private:
    using clock = timeout::clock;
    using source = reader_events::source;
    enum class stage { none, runs, ended };
    /// What is to be done with a task once the lock is gone; null error: cancelled.
    struct pending_outcome {
        remote_call_ptr task;
        std::exception_ptr error;
    };

    void run() noexcept FERRY_EXCLUDES(pool_.mutex);
    void handle(reader_events::event e) noexcept FERRY_EXCLUDES(pool_.mutex);
    bool finish_if_closed() FERRY_EXCLUDES(pool_.mutex);

    int run_timers() noexcept FERRY_EXCLUDES(pool_.mutex);
    void on_deadline(deadline& d) noexcept FERRY_EXCLUDES(pool_.mutex);
    bool on_run_time(worker_channel& w, deadline& d, pending_outcome& v) noexcept
        FERRY_REQUIRES(pool_.mutex);
    bool never_starts(worker_channel& w, const remote_call& c, clock::duration limit) const noexcept
        FERRY_REQUIRES(pool_.mutex);
    bool starts_nothing(worker_channel& w) const noexcept FERRY_REQUIRES(pool_.mutex);
    bool never_answers(worker_channel& w) const noexcept FERRY_REQUIRES(pool_.mutex);
    void check_workers() noexcept FERRY_EXCLUDES(pool_.mutex);
    bool check(worker_channel& w) noexcept FERRY_EXCLUDES(pool_.mutex);
    void trim() noexcept FERRY_EXCLUDES(pool_.mutex);

    process_state& pool_;

    // The thread's own.
    reader_events events_;
    start_policy starts_;
    answer_reader answers_{pool_, starts_};
    worker_lives lives_{pool_, events_, answers_, starts_};
    limit_sampler limits_{pool_};
    withdrawal withdrawal_{pool_};

    std::thread thread_ FERRY_GUARDED_BY(pool_.mutex);
    stage stage_ FERRY_GUARDED_BY(pool_.mutex) = stage::none;
};

} // namespace ferry::detail
