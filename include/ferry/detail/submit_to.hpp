// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>
#include <ferry/detail/task.hpp>
#include <ferry/task_options.hpp>

#include <span>
#include <utility>

namespace ferry::detail {

/// The origin of a task that is submitted to a bounded pool whose queue is full: a plain thread
/// blocks or is refused, as the pool's options say; the thread of a `map` always blocks; the task
/// of a coroutine stands in line or is refused.
enum class entrance { thread, map, coroutine };
/// The result of an attempt to enter the queue: the task is in the queue, stands in line for it,
/// has expired, or found the pool closed.
enum class entered { yes, stands, expired, closed };

/// Queues a task that no other thread knows yet, or lets it stand in line, and shares ownership of
/// it. Errors: what `submit` throws.
FERRY_DECL void enqueue(pool_core& core, shared_state_base& t, entrance e);
/// Queues the tasks at once, and shares ownership of them. A bounded pool takes them one after the
/// other, and a task that is refused fails with that error.
FERRY_DECL void enqueue_all(pool_core& core, std::span<shared_state_base* const> tasks);
/// Queues a function without a future. After shutdown the function is destroyed unrun; if no thread
/// can be started for it, it waits until one can.
FERRY_DECL void post(pool_core& core, work_item& r) noexcept;
/// Whether tasks may have to wait before they are queued, or be refused.
FERRY_DECL bool is_bounded(const pool_core& core) noexcept;
/// Throws the exception of `submit` if the pool accepts nothing any more.
FERRY_DECL void throw_if_closed(pool_core& core);
/// Applies the options of a task. Returns false if a timer is needed and its thread cannot be
/// started; the task has failed with that error then. Errors: `std::invalid_argument` for an option
/// that is out of range.
FERRY_DECL bool set_options(shared_state_base& t, task_options& options);

/// Limits how long the task may wait for its start. Returns false as `set_options` does.
FERRY_DECL bool limit_wait(const timeout& max_wait, shared_state_base& t);

/// Submits `fn(args...)` and returns its task. `options` may be null. Errors: what `submit` throws.
template <class F, class... A>
boost::intrusive_ptr<shared_state<offload_result_t<F, A...>>>
submit_to(pool_core& core, entrance e, task_options* options, F&& fn, A&&... args) {
    using block = task_for<F, A...>;
    auto t = make_state<block>(std::forward<F>(fn), std::forward<A>(args)...);
    if (options == nullptr || set_options(*t, *options)) {
        keep_context(*t);
        enqueue(core, *t, e);
    }
    return t;
}

} // namespace ferry::detail
