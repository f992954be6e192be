// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#pragma once

#include <ferry/config.hpp>

#include <utility>

namespace ferry::detail {

class abandoned_call_owner;

/// What the coroutine half remembers of the code that a thread is inside of.
struct thread_role {
    bool inside_run = false;
    abandoned_call_owner* calls = nullptr; ///< owns the calls that are abandoned now
};
/// That of the calling thread.
FERRY_DECL thread_role& role_of_this_thread() noexcept;

/// Puts it aside: a task that a waiting worker helps with sees the thread as if it ran alone.
class as_if_alone {
public:
    as_if_alone() noexcept : outer_(std::exchange(role_of_this_thread(), {})) {}
    as_if_alone(const as_if_alone&) = delete;
    as_if_alone& operator=(const as_if_alone&) = delete;
    ~as_if_alone() { role_of_this_thread() = outer_; }

private:
    const thread_role outer_;
};

} // namespace ferry::detail
