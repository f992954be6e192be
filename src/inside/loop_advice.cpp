// Copyright (c) 2026 The Ferry authors. Distributed under the Boost Software License, Version 1.0.
#include "loop_advice.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

namespace ferry::detail {
namespace {

// Whether one of the innermost frames has one of these in its name.
bool is_in(const late_thread& thread, std::initializer_list<std::string_view> names) {
    const std::size_t depth = std::min<std::size_t>(thread.stack.size(), 8);
    return std::any_of(thread.stack.begin(),
                       thread.stack.begin() + static_cast<std::ptrdiff_t>(depth),
                       [&](const stack_frame& f) {
                           return std::ranges::any_of(names, [&](std::string_view name) {
                               return f.symbol.find(name) != std::string::npos;
                           });
                       });
}

} // namespace

std::string advice_for(const late_thread& thread) {
    if (thread.waits_for_task ||
        is_in(thread, {"ferry::detail::shared_state_base::wait", "std::__future_base"}))
        return "the handler waits for the result of a task; in a coroutine use co_await "
               "future.async_result(), elsewhere add_done_callback()";
    if (is_in(thread, {"nanosleep", "usleep", "sleep_for", "sleep_until"}))
        return "the handler sleeps; wait with a timer (asio::steady_timer::async_wait) instead";
    if (is_in(thread, {"lll_lock", "pthread_mutex", "pthread_rwlock", "pthread_cond", "std::mutex",
                       "futex"}))
        return "the handler waits for another thread; do what needs the lock in a pool with "
               "ferry::to_thread, or hold the lock for less time";
    if (thread.sleeps)
        return "the handler waits in a blocking system call; offload it with ferry::to_thread, or "
               "use the asynchronous operation";
    return "the handler computes; offload the computation with ferry::to_thread or to a "
           "process_pool, or divide it into handlers";
}

} // namespace ferry::detail
