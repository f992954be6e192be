// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include <ferry/detail/wait_node.hpp>

#include <ferry/detail/shared_state.hpp>

#include "inside/recorder.hpp"

namespace ferry::detail {

constinit thread_local std::uint32_t current_wait_node = 0;

wait_node::wait_node(wait_kind kind, std::uint32_t parent, const shared_state_base* task) noexcept
    : number_(recorder::instance().add_node(
          static_cast<std::uint32_t>(kind), parent, task,
          task != nullptr ? task->pool_record : 0, // not from the pool, which may be gone
          task != nullptr ? task->statistics_label() : task_label())) {}

void wait_node::remove() noexcept { recorder::instance().remove_node(number_); }

void wait_node::record_resumption() noexcept {
    auto& r = recorder::instance();
    if (r.layout() == nullptr)
        return;
    const auto& n = r.node(number_);
    const std::uint32_t pool = n.pool.load(std::memory_order_relaxed);
    if (pool != 0)
        r.record(pool, recording::event::resumed,
                 reinterpret_cast<const void*>(n.task.load(std::memory_order_relaxed)),
                 n.label.load(std::memory_order_relaxed), steady_now());
    remove();
    number_ = 0;
}

} // namespace ferry::detail
