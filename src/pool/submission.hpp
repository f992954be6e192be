// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "pool_state.hpp"

#include <span>

namespace ferry::detail {

class pool_core;

/// How work comes to a pool: straight into its queue, through the line of a bounded pool, or through
/// another executor, a strand for instance.
class submission {
public:
    explicit submission(pool_core& core) noexcept;
    submission(const submission&) = delete;
    submission& operator=(const submission&) = delete;

    /// Queues a task, or lets it stand in line for the queue; or throws and does neither.
    void push(shared_state_base& r, entrance e) FERRY_EXCLUDES(pool_.mutex);
    /// Queues tasks without a priority that nobody else knows yet, and shares ownership; or throws
    /// and queues none.
    void push_all(std::span<shared_state_base* const> tasks) FERRY_EXCLUDES(pool_.mutex);
    /// Queues a function without a future; drops it after shutdown.
    void post(work_item& r) noexcept FERRY_EXCLUDES(pool_.mutex);

    /// Counts a task that reaches the pool through another executor. Until `finish_external` the
    /// workers stay, and what is posted is accepted after shutdown, so that it still runs. False
    /// after shutdown.
    bool start_external(shared_state_base& t) FERRY_EXCLUDES(pool_.mutex);
    /// Such a task is about to start, or to be dropped.
    void on_external_left(shared_state_base& t) noexcept FERRY_EXCLUDES(pool_.mutex);
    void finish_external(shared_state_base& t) FERRY_EXCLUDES(pool_.mutex);

private:
    /// Gives who is to be woken for them, or null.
    sleeper* queue_all(const fifo& tasks) FERRY_EXCLUDES(pool_.mutex);
    bool revoke(const work_item& r) noexcept FERRY_EXCLUDES(pool_.mutex);

    pool_core& core_;
    pool_state& pool_;
};

} // namespace ferry::detail
