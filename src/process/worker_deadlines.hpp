// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include "deadline_list.hpp"
#include "wire.hpp"

#include <array>
#include <cstdint>

namespace ferry::detail {

/// The deadlines of one worker and of the tasks in its slots. An armed one is linked into the list
/// of the pool, so this must stay where it is until all of them are removed. Not thread-safe.
class worker_deadlines {
public:
    explicit worker_deadlines(std::uint32_t worker) noexcept;
    worker_deadlines(const worker_deadlines&) = delete;
    worker_deadlines& operator=(const worker_deadlines&) = delete;

    /// Takes those of the task in that slot out of their list.
    void remove(std::uint16_t slot) noexcept;
    void remove_all() noexcept;
    bool any_armed() const noexcept;

    std::array<deadline, wire::slot_count> run_time;
    /// Whether the timeout of the task runs from its start already, and no longer from its sending.
    std::array<bool, wire::slot_count> measured{};
    std::array<deadline, wire::slot_count> stop_grace;
    deadline grace;
    deadline idle;
    deadline standard_error;
    /// Its purpose is `exit` once the worker has ended.
    deadline answers;
};

} // namespace ferry::detail
