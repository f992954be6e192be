// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "inside/observed.hpp"
#include "process_state.hpp"

namespace ferry::detail {

/// What a process pool tells of its tasks and workers. Not for a child of fork(). Thread safety:
/// safe.
class process_report {
public:
    explicit process_report(process_state& pool) noexcept : pool_(pool) {}

    pool_stats all() const FERRY_EXCLUDES(pool_.mutex);
    label_registry::figures by_label() const FERRY_EXCLUDES(pool_.mutex);
    /// Adds them, and the processes.
    void read(all_figures& to) const FERRY_EXCLUDES(pool_.mutex);

private:
    process_state& pool_;
};

} // namespace ferry::detail
