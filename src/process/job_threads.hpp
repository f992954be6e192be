// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/task.hpp>

#include "job_queue.hpp"
#include "running_jobs.hpp"
#include "support/annotated_mutex.hpp"

#include <condition_variable>
#include <cstddef>
#include <forward_list>
#include <memory>
#include <thread>

namespace ferry::detail {

/// Threads for what may take long: the callbacks of futures, which run one after the other in the
/// same thread, or the decoding of results, which nobody else's waits for. Thread safety: safe.
///
/// Invariants:
/// - Who has nothing to do waits first, alone, for the next job, or is one of the others, who wait
///   until that one is busy.
/// - No lock is held while a job runs, or while a share of a call is dropped.
class FERRY_DECL job_threads final : sleep_observer {
public:
    enum class kind {
        one,    ///< one thread runs all jobs, one after the other
        spared, ///< while a job takes long, another thread goes on with the next
    };
    /// `reports`, where it is given, delivers reports of progress while this one's only thread
    /// sleeps in a wait for a future, which may be what such a report has to come before.
    job_threads(kind k, remote_call::job j, const char* name,
                job_threads* reports = nullptr) noexcept
        : kind_(k), job_(j), name_(name), reports_(reports), queue_(j) {}
    ~job_threads();
    job_threads(const job_threads&) = delete;
    job_threads& operator=(const job_threads&) = delete;

    /// Starts the first thread, where there is none. `keep` lives as long as the threads. Errors:
    /// `std::system_error`, `std::bad_alloc`.
    void start(const std::shared_ptr<void>& keep);
    /// Runs the call's job, which ends the share of it. Precondition: it is in no other queue.
    void post(boost::intrusive_ptr<shared_state_base> share, remote_call& c) noexcept;
    /// No more jobs: a later one runs where it is posted. Waits until all have run, but not for the
    /// one that the calling thread runs.
    void finish() noexcept;
    /// As `finish`, but leaves the threads behind once one of them is in the same job for longer
    /// than `patience`, which counts from now on at the earliest. Calls `note(call, since)` for each
    /// such job, with the time at which it began, under the lock; `call` is null for what is done
    /// after a job, the destruction of what the call has brought.
    template <class Note>
    void finish_within(timeout::clock::duration patience, Note note);
    bool is_this_thread() const noexcept;

private:
    void add_thread(const std::shared_ptr<void>& keep) FERRY_REQUIRES(mutex_);
    void run(remote_call& c) const {
        job_ == remote_call::job::decoding ? c.decode() : c.run_callbacks();
    }
    void falls_asleep() noexcept override;
    void wakes_up() noexcept override;
    void add_spare() noexcept FERRY_REQUIRES(mutex_);
    void run() noexcept;
    void run_first(annotated_lock& lock) noexcept FERRY_REQUIRES(mutex_) FERRY_UNCHECKED;
    void wait_for_job(annotated_lock& lock) noexcept FERRY_REQUIRES(mutex_);
    void leave_to_others(annotated_lock& lock) noexcept FERRY_REQUIRES(mutex_);
    bool is_idle() const noexcept FERRY_REQUIRES(mutex_) {
        return queue_.empty() && running_.count() <= (is_this_thread() ? 1u : 0u);
    }
    std::forward_list<std::thread> close() noexcept FERRY_EXCLUDES(mutex_);
    void leave_behind() noexcept;

    const kind kind_;
    const remote_call::job job_;
    const char* const name_;
    job_threads* const reports_;

    std::condition_variable changed_; // for the thread that waits first
    std::condition_variable spare_;   // for the others
    std::condition_variable idle_;

    annotated_mutex mutex_;
    job_queue queue_ FERRY_GUARDED_BY(mutex_);
    running_jobs running_ FERRY_GUARDED_BY(mutex_); // one of each thread that has one
    std::forward_list<std::thread> threads_ FERRY_GUARDED_BY(mutex_);
    std::weak_ptr<void> keep_ FERRY_GUARDED_BY(mutex_);
    unsigned waiting_ FERRY_GUARDED_BY(mutex_) = 0; // threads without a job
    bool first_waits_ FERRY_GUARDED_BY(mutex_) = false;
    bool finished_ FERRY_GUARDED_BY(mutex_) = false;
};

template <class Note>
void job_threads::finish_within(timeout::clock::duration patience, Note note) {
    using clock = timeout::clock;
    {
        annotated_lock lock(mutex_);
        const auto begin = clock::now();
        while (!is_idle()) {
            const auto at = running_.wait_until(begin, clock::now(), patience);
            if (clock::now() >= at) {
                for (const auto& j : running_)
                    note(j.call, j.since);
                lock.unlock();
                leave_behind();
                return;
            }
            lock.wait_until(idle_, at);
        }
    }
    finish();
}

} // namespace ferry::detail
