// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "inside/label_table.hpp"
#include "inside/recorder.hpp"
#include "task_sampler.hpp"

#include <ferry/detail/adaptive_mutex.hpp>
#include <ferry/detail/shared_state.hpp>
#include <ferry/thread_pool.hpp>

#include <atomic>
#include <cstdint>

namespace ferry::detail {

/// What a pool counts and records of its tasks, beside the counts of each worker.
class pool_record {
public:
    /// `lock` is the pool's. The lock of the labels may be taken under it.
    pool_record(adaptive_mutex& lock, const thread_pool_options& options);
    ~pool_record();
    pool_record(const pool_record&) = delete;
    pool_record& operator=(const pool_record&) = delete;

    /// For readers outside; 0 if there is none.
    std::uint32_t number() const noexcept { return number_; }
    /// What they see of the pool; it is there in any case.
    recording::pool& shown() noexcept { return shown_; }
    label_registry& labels() noexcept { return labels_; }

    /// Writes an event of a task that is measured.
    void write(std::uint32_t kind, const shared_state_base& task, std::uint32_t label,
               std::uint64_t at) noexcept {
        if (number_ != 0)
            recorder::instance().record(number_, kind, &task, label, at);
    }
    void on_submitted(shared_state_base& task) noexcept {
        if (sampler_.measures())
            measure(task);
    }
    void on_cancelled(const shared_state_base& task) noexcept;
    std::uint64_t cancelled() const noexcept { return cancelled_.load(std::memory_order_relaxed); }
    /// The pool has time, and measures again. Under its lock.
    void on_idle(std::int64_t now) noexcept { sampler_.measure_again(now); }

private:
    void measure(shared_state_base& task) noexcept;

    label_registry labels_;
    const std::uint32_t number_;
    recording::pool none_{};
    recording::pool& shown_;
    std::atomic<std::uint64_t> cancelled_{0};
    task_sampler sampler_;
};

} // namespace ferry::detail
