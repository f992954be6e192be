// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "ready_queue.hpp"
#include "sleepers.hpp"

#include <ferry/thread_pool.hpp>

namespace ferry::detail {

class pool_core;
struct pool_state;

/// How tasks come through the line of a bounded pool, and what follows whenever that has moved: a
/// worker is woken, what was given up is dropped, and external tasks go to their executors. All of
/// this is done without the lock.
class bounded_entry {
public:
    explicit bounded_entry(pool_core& core) noexcept;
    bounded_entry(const bounded_entry&) = delete;
    bounded_entry& operator=(const bounded_entry&) = delete;

    /// Queues a task, or lets it stand in line; a thread waits there. Throws if it is refused. An
    /// expired task is the caller's.
    entered enter(shared_state_base& task, entrance e);
    /// Does so with an external task whose work has started. It is passed to its executor when it
    /// is let in; if it expires before, its work is finished.
    void enter_external(shared_state_base& task, entrance e);
    /// An external task has started, or will not: it waits no more.
    void on_external_left(shared_state_base& task) noexcept;
    /// A task was claimed while it stood in the queue, or `in_line`.
    void on_claimed(shared_state_base& task, bool in_line) noexcept;
    /// The caller has moved the line. `wake` may be null; `external`: external tasks may have been
    /// let in.
    void after_line_moved(const fifo& given_up, sleeper* wake, bool external) noexcept;

private:
    template <class F>
    void move_line(F change) noexcept;
    void drop_given_up(fifo all) noexcept;

    pool_core& core_;
    pool_state& pool_;
};

} // namespace ferry::detail
