// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "worker_activity.hpp"

#include "inside/trace.hpp"

#include <ferry/detail/assert.hpp>
#include <ferry/timeout.hpp>

#include <ctime>
#include <utility>

namespace ferry::detail {

std::int64_t coarse_now() noexcept {
#if defined(CLOCK_MONOTONIC_COARSE)
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return std::int64_t(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
#else
    return std::chrono::nanoseconds(timeout::clock::now().time_since_epoch()).count();
#endif
}

bool worker_activity::destroy_outcome(shared_state_base& task, const std::type_info& type,
                                      adaptive_mutex& pools_lock) noexcept {
    FERRY_ASSERT(task.done());
    if (task.extra != nullptr && !task.extra->label.empty()) {
        const scoped_lock lock(pools_lock);
        destroyed_label_ = std::move(task.extra->label);
    } else if (!destroyed_label_.empty()) {
        const scoped_lock lock(pools_lock);
        destroyed_label_.clear();
    }
    destroys_.store(&type);
    shared_state_base* mine = &task;
    if (current_.compare_exchange_strong(mine, busy()) || mine == busy())
        return true;
    if (mine == reading()) {
        forget_and_be_busy(task);
        return true;
    }
    current_.store(busy());
    return false;
}

// For the report of a shutdown.
std::string worker_activity::describe(const shared_state_base* task) const {
    if (is_task(task))
        return task->label();
    if (task == starting())
        return "the initializer";
    if (task == finalising())
        return "the finalizer";
    if (const std::type_info* const type = destroys_.load())
        return "the destructor of the outcome of '" +
               (destroyed_label_.empty() ? demangle(type->name()) : destroyed_label_) + "'";
    return "a function without a future";
}

} // namespace ferry::detail
