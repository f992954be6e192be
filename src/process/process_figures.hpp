// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/process/detail/remote_call.hpp>
#include <ferry/stats.hpp>

#include "inside/label_table.hpp"
#include "inside/recorder.hpp"

#include <cstdint>
#include <string>

namespace ferry::detail {

/// The counts of a pool of processes or of a cluster, in all and by label, and its part of the
/// recording. For who holds the pool's mutex.
class FERRY_DECL process_figures {
public:
    process_figures(const std::string& name, std::size_t max_workers,
                    std::uint32_t kind = recording::pool::processes);
    ~process_figures();
    process_figures(const process_figures&) = delete;
    process_figures& operator=(const process_figures&) = delete;

    const pool_stats& all() const noexcept { return all_; }
    /// The counts by label, without those that live.
    label_registry::figures by_label() { return labels_.read(tables_); }
    std::string name_of(const remote_call& c) {
        return labels_.name_of(labels_.keep(c.state().statistics_label()));
    }

    void submitted(const remote_call& c) noexcept;
    /// It was answered after such times, in nanoseconds.
    void answered(const remote_call& c, bool failed, std::int64_t wait, std::int64_t run) noexcept;
    /// It failed or was cancelled without an answer.
    void failed(const remote_call& c) noexcept;
    void cancelled(const remote_call& c) noexcept;

    void queue_has(std::size_t tasks) noexcept;
    /// Where the greatest number of workers changes.
    void may_have(std::size_t max_workers) noexcept;
    /// A worker with that process; 0 if there is no record left.
    std::uint32_t add_worker(std::uint32_t number, int pid) noexcept;
    void remove_worker(std::uint32_t record) noexcept;
    /// The worker holds these tasks, of which it runs the first.
    void worker_runs(std::uint32_t record, const remote_call* first) noexcept;

private:
    void record(std::uint32_t kind, const remote_call& c, std::uint64_t at) noexcept;
    std::uint32_t name_record(const remote_call& c) noexcept;

    const std::uint32_t pool_; // the record
    pool_stats all_;
    label_registry labels_;
    label_table table_{labels_};
    const label_table* const tables_[1] = {&table_};
};

} // namespace ferry::detail
